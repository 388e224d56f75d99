"""What a page costs, beside nbconvert's default template on the same executed notebook.

    python benchmarks/pages.py [--rounds 30] [--quick]

The kit's own report on one brand of the demo is executed once. Then each side makes its page of that notebook, in turn,
in one process: one `HTMLExporter` with the default template and code left out, and `cxkit.runs.pages.page`. Seconds
are the median of all rounds after the first, in which both load what they need. Every figure is printed as a line
`bar NAME VALUE`.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import papermill
from nbconvert import HTMLExporter

from cxkit.runs import pages, params
from cxkit.runs.prepare import prepare

ROOT = Path(__file__).resolve().parents[1]


def executed(folder: Path, whole: bool) -> Any:
    """The report of one brand as a notebook with its outputs."""
    settings = {} if whole else {"segments": "[]", "metrics": "[nps]"}
    run = prepare(params.load(ROOT / "params" / "demo.yaml", settings, only=[("brand", "Brimvale")]), folder)
    job = run.jobs[0]
    made = papermill.execute_notebook(
        job.notebook, str(folder / "report.ipynb"), job.parameters, kernel_name="python3", progress_bar=False
    )
    for cell in made.cells:  # what a kernel says on the side is no part of a report, on either side
        cell.outputs = [one for one in cell.get("outputs", []) if one.output_type != "stream"]
    return made


@lru_cache(1)
def exporter() -> Any:
    """The exporter of nbconvert, made once, as ours is."""
    return HTMLExporter(exclude_input=True)


def by_default(notebook: Any) -> str:
    """The page that nbconvert makes by default, without code."""
    body, _ = exporter().from_notebook_node(notebook)
    return str(body)


def by_kit(notebook: Any) -> str:
    """The page that a run of the kit makes."""
    return pages.page(notebook, title="Brimvale")


def timed(work: Callable[[Any], str], notebook: Any) -> tuple[float, str]:
    """Seconds of one page, and the page."""
    began = time.perf_counter()
    page = work(notebook)
    return time.perf_counter() - began, page


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="five rounds, one metric, no segments")
    options = parser.parse_args()
    sides = {"nbconvert": by_default, "cxkit": by_kit}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    made: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary:
        notebook = executed(Path(temporary), whole=not options.quick)
    for _ in range(1 + (5 if options.quick else options.rounds)):
        for name, work in sides.items():
            took, made[name] = timed(work, notebook)
            seconds[name].append(took)
    bars: dict[str, float] = {}
    for name in sides:
        content = made[name].encode()
        bars[f"{name}_seconds"] = statistics.median(seconds[name][1:])
        bars[f"{name}_bytes"] = len(content)
        bars[f"{name}_gzip_bytes"] = len(gzip.compress(content, mtime=0))
        bars[f"{name}_addresses"] = made[name].count("https://")
    bars["seconds_ratio"] = bars["cxkit_seconds"] / bars["nbconvert_seconds"]
    bars["bytes_ratio"] = bars["cxkit_bytes"] / bars["nbconvert_bytes"]
    print(f"cxkit over nbconvert: {bars['bytes_ratio']:.2f} of the bytes, {bars['seconds_ratio']:.2f} of the time")
    for name, value in bars.items():
        print(f"bar {name} {value:.4g}" if value < 10_000 else f"bar {name} {value:.0f}")


if __name__ == "__main__":
    main()
