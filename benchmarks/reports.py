"""What a report costs, by the ways in which one could make it.

    python benchmarks/reports.py NOTEBOOK [--parameters JOBS.json] [--reports 100] [--slow 6] [--workers 2] [--quick]

JOBS.json is a list of parameter sets; they are used in turn. Measured in one run, in turn:

    a       a loop of the commands `papermill` and `jupyter nbconvert --to html --no-input`
    a2      the same, two at a time
    b       papermill and nbconvert as libraries, in two processes
    c, c2   ploomber-engine and nbconvert as libraries, in one process and in two, in an environment of its own
    d       the warm engine and cxkit's page, on --workers workers
    plain   the same cells and page as a plain script in a warm process: the least that can be had

The slow ways make --slow reports each. Every figure is printed as a line `bar NAME VALUE`.
"""

from __future__ import annotations

import argparse
import ast
import base64
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import redirect_stdout
from itertools import cycle, islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Parameters = dict[str, Any]

PLOOMBER = """\
import json, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from nbconvert import HTMLExporter
from ploomber_engine import execute_notebook

def make(task):
    source, out, parameters = task
    nb = execute_notebook(source, out, parameters=parameters, progress_bar=False, verbose=False)
    html, _ = HTMLExporter(exclude_input=True).from_notebook_node(nb)
    Path(out).with_suffix(".html").write_text(html, encoding="utf-8")

if __name__ == "__main__":
    tasks, workers = json.loads(sys.stdin.read())
    started = time.perf_counter()
    if workers == 1:
        for task in tasks:
            make(task)
    else:
        with ProcessPoolExecutor(workers) as pool:
            list(pool.map(make, tasks))
    print((time.perf_counter() - started) / len(tasks))
"""


def by_command(source: str, out: str, parameters: Parameters) -> None:
    """One report as a user would make it (a)."""
    coded = base64.b64encode(json.dumps(parameters).encode()).decode()
    for module, arguments in (
        ("papermill", ["-b", coded, "--no-progress-bar", source, out]),
        ("nbconvert", ["--to", "html", "--no-input", out]),
    ):
        done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{module} failed: {done.stderr[-2000:]}")


def by_library(source: str, out: str, parameters: Parameters) -> None:
    """One report with papermill's own engine and nbconvert's own page (b)."""
    import papermill
    from nbconvert import HTMLExporter

    nb = papermill.execute_notebook(source, out, parameters, progress_bar=False)
    html, _ = HTMLExporter(exclude_input=True).from_notebook_node(nb)
    Path(out).with_suffix(".html").write_text(html, encoding="utf-8")


def by_warm_engine(source: str, out: str, parameters: Parameters) -> dict[str, float]:
    """One report with our engine and page (d); seconds of its parts."""
    import papermill

    from cxkit.report.pages import page

    marks = [time.perf_counter()]
    nb = papermill.execute_notebook(
        source, out, parameters, engine_name="cxkit", progress_bar=False, request_save_on_cell_execute=False
    )
    marks.append(time.perf_counter())
    html = page(nb, title="Benchmark")
    marks.append(time.perf_counter())
    Path(out).with_suffix(".html").write_text(html, encoding="utf-8")
    marks.append(time.perf_counter())
    parts = dict(
        zip(("notebook", "page", "write"), (b - a for a, b in pairwise(marks)), strict=True)
    )
    durations = [cell.metadata.papermill.duration or 0.0 for cell in nb.cells]
    return {**parts, "cells": sum(durations)}


def rehearse_page() -> None:
    """Compile the page's templates before the first fork."""
    from nbformat import v4

    from cxkit.report.pages import page

    page(v4.new_notebook(cells=[v4.new_code_cell("1")]), title="Rehearsal")


def plainly(source: str, jobs: Sequence[Parameters]) -> tuple[float, float]:
    """Seconds and processor seconds per report of cells and page without any notebook machinery, second time on."""
    import nbformat
    from nbformat import v4

    from cxkit.report.pages import page

    os.environ["MPLBACKEND"] = "agg"

    def make(parameters: Parameters) -> None:
        nb = nbformat.read(source, as_version=4)
        shown: list[Any] = []
        space = {"__name__": "__main__", "display": lambda *values: shown.extend(values)}
        for cell in nb.cells:
            if cell.cell_type == "code":
                shown.clear()
                with redirect_stdout(io.StringIO()):
                    shown.append(run_cell(cell.source, space))
                if "parameters" in cell.metadata.get("tags", []):
                    space.update(parameters)
                shown += figures()
                cell.outputs = [v4.new_output("display_data", represent(value)) for value in shown if value is not None]
        page(nb, title="Benchmark")

    make(jobs[0])
    wall, cpu = time.perf_counter(), time.process_time()
    for parameters in jobs:
        make(parameters)
    return (time.perf_counter() - wall) / len(jobs), (time.process_time() - cpu) / len(jobs)


def figures() -> list[Any]:
    """The figures that a cell left open, as a notebook takes them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    found = [pyplot.figure(number) for number in pyplot.get_fignums()] if pyplot else []
    if pyplot:
        pyplot.close("all")
    return found


def represent(value: Any) -> dict[str, str]:
    """What a notebook keeps of a value."""
    from IPython.core.pylabtools import print_figure

    if type(value).__name__ == "Figure":
        return {"text/plain": repr(value), "image/png": print_figure(value, "png", base64=True)}
    html = getattr(value, "_repr_html_", lambda: None)()
    return {"text/plain": repr(value), **({"text/html": html} if html else {})}


def run_cell(source: str, space: dict[str, Any]) -> Any:
    """Execute a cell without magics; the value of its last expression."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith(("%", "!"))))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), space)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), space) if isinstance(last, ast.Expr) else None


def tasks(source: str, jobs: Sequence[Parameters], count: int, folder: Path) -> list[tuple[str, str, Parameters]]:
    """What `count` reports need: notebook, executed notebook, parameters."""
    folder.mkdir()
    return [(source, str(folder / f"{i}.ipynb"), job) for i, job in enumerate(islice(cycle(jobs), count))]


def timed(work: Callable[[], object], count: int) -> float:
    """Seconds per report of work that makes `count` reports."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / count


def ploomber_environment(folder: Path) -> str:
    """Python of an environment with ploomber-engine and cxkit; made once, kept in the user's cache."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        packages = ["ploomber-engine", "ipykernel", "nbconvert", str(ROOT)]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        (folder / "ready").touch()
    return str(python)


def with_ploomber(python: str, work: list[tuple[str, str, Parameters]], workers: int) -> float:
    """Seconds per report of ploomber-engine (c)."""
    message = json.dumps([work, workers])
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "ploomber_reports.py")
        script.write_text(PLOOMBER)
        done = subprocess.run([python, str(script)], input=message, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"ploomber-engine failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def with_warm_engine(work: list[tuple[str, str, Parameters]], workers: int) -> dict[str, float]:
    """Seconds per report of ours (d) and where they go."""
    from cxkit.report.engine import PRELOAD
    from cxkit.report.warm.executor import WarmExecutor

    preload = [*PRELOAD, "benchmarks_reports", "benchmarks_reports:rehearse_page"]
    with WarmExecutor(workers, preload=preload, timeout=300) as executor:
        started = time.perf_counter()
        executor.submit(pow, 1, 1).result()
        ready = time.perf_counter() - started
        started = time.perf_counter()
        futures = [executor.submit(_module().by_warm_engine, *task) for task in work]
        parts = [future.result() for future in futures]
        seconds = (time.perf_counter() - started) / len(work)
        usages = [future.usage for future in futures if future.usage]
    mean = {name: statistics.fmean(part[name] for part in parts) for name in parts[0]}
    ours = statistics.fmean(usage.seconds for usage in usages)
    return {
        "d": seconds,
        "d_ready": ready,
        "d_child": ours,
        "d_fork_and_exit": ours - mean["notebook"] - mean["page"] - mean["write"],
        **{f"d_{name}": value for name, value in mean.items()},
        "d_cpu": statistics.fmean(usage.cpu for usage in usages),
        "d_memory_mb": max(usage.memory for usage in usages) / 1e6,
    }


def _module() -> Any:
    """The code of this file under a name that children can import."""
    import importlib

    folder = Path(tempfile.gettempdir(), f"cxkit-benchmark-{resource.getpagesize()}-{id(sys)}")
    folder.mkdir(exist_ok=True)
    (folder / "benchmarks_reports.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module("benchmarks_reports")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook")
    parser.add_argument("--parameters", help="JSON file with a list of parameter sets")
    parser.add_argument("--reports", type=int, default=100)
    parser.add_argument("--slow", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ways", default="a,a2,b,c,c2,d,plain")
    parser.add_argument("--quick", action="store_true", help="two reports of the slow ways, ten of ours")
    parser.add_argument("--environment", default=str(Path.home() / ".cache" / "cxkit" / "ploomber"))
    options = parser.parse_args()
    if options.quick:
        options.slow, options.reports = 2, 10
    jobs = json.loads(Path(options.parameters).read_text(encoding="utf-8")) if options.parameters else [{}]
    source, slow = str(Path(options.notebook).resolve()), options.slow
    bars: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        for way in options.ways.split(","):
            work = tasks(source, jobs, options.reports if way == "d" else slow, place / way)
            bars.update(measure(way, work, options))
    for over, least in (("a", 20), ("a2", 10), ("c", 3)):
        if {over, "d"} <= bars.keys():
            bars[f"{over}_over_d"] = bars[over] / bars["d"]
            print(f"{over} over d: {bars[f'{over}_over_d']:.1f} (at least {least})")
    if {"plain_cpu", "d_cpu"} <= bars.keys():
        bars["cpu_over_plain"] = bars["d_cpu"] / bars["plain_cpu"]
        print(f"processor time of d over plain: {bars['cpu_over_plain']:.2f} (at most 1.3)")
    for name, value in bars.items():
        print(f"bar {name} {value:.4g}")


def measure(way: str, work: list[tuple[str, str, Parameters]], options: argparse.Namespace) -> dict[str, float]:
    """The figures of one way."""
    print(f"{way}: {len(work)} reports", flush=True)
    if way == "a":
        return {way: timed(lambda: [by_command(*task) for task in work], len(work))}
    if way == "a2":
        with ThreadPoolExecutor(2) as pool:
            return {way: timed(lambda: list(pool.map(lambda task: by_command(*task), work)), len(work))}
    if way == "b":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            return {way: timed(lambda: list(processes.map(by_library, *zip(*work, strict=True))), len(work))}
    if way in ("c", "c2"):
        return {way: with_ploomber(ploomber_environment(Path(options.environment)), work, 2 if way == "c2" else 1)}
    if way == "d":
        _module()
        return with_warm_engine(work, options.workers)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        wall, cpu = processes.submit(plainly, work[0][0], [task[2] for task in work]).result()
    return {"plain": wall, "plain_cpu": cpu}


if __name__ == "__main__":
    main()
