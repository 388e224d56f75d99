"""What a report costs, by the ways in which one could make it.

    python benchmarks/reports.py [--reports 100] [--slow 6] [--workers 2] [--ways a,a2,b,c,d,plain] [--quick]

The kit's own report notebook on the tallies of the demo, its places used in turn. Measured in one run, in turn:

    a       a loop of the commands `papermill` and `jupyter nbconvert --to html --no-input`
    a2      the same, two at a time
    b       papermill and nbconvert as libraries, in two processes
    c       ploomber-engine and nbconvert as libraries, in one process, in an environment of its own
    d       `cxkit run` after its pass over the data, on --workers workers: start of the warm process, reports, index
    plain   the same cells and page as a plain script in a warm process: the least that can be had

The slow ways make --slow reports each. Every figure is printed as a line `bar NAME VALUE`; seconds are per report.
"""

from __future__ import annotations

import argparse
import ast
import base64
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cxkit.runs import runs, worker
from cxkit.runs.jobs import Job, Prepared
from cxkit.tallies import storage

ROOT = Path(__file__).resolve().parents[1]
Parameters = dict[str, Any]

PLOOMBER = """\
import json, sys, time
from pathlib import Path
from nbconvert import HTMLExporter
from ploomber_engine import execute_notebook

def make(task):
    source, out, parameters = task
    nb = execute_notebook(source, out, parameters=parameters, progress_bar=False, verbose=False)
    html, _ = HTMLExporter(exclude_input=True).from_notebook_node(nb)
    Path(out).with_suffix(".html").write_text(html, encoding="utf-8")

if __name__ == "__main__":
    tasks = json.loads(sys.stdin.read())
    started = time.perf_counter()
    for task in tasks:
        make(task)
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


def plainly(source: str, jobs: Sequence[Parameters]) -> tuple[float, float]:
    """Seconds and processor seconds per report of cells and page without any notebook machinery, second time on."""
    import nbformat
    from nbformat import v4

    from cxkit.runs.pages import page

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


def with_ploomber(python: str, work: list[tuple[str, str, Parameters]]) -> float:
    """Seconds per report of ploomber-engine (c)."""
    message = json.dumps(work)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "ploomber_reports.py")
        script.write_text(PLOOMBER)
        ours = {**os.environ, "PYTHONPATH": str(ROOT)}  # the kit as it is now, not as it was when this was installed
        done = subprocess.run([python, str(script)], input=message, capture_output=True, text=True, env=ours)
    if done.returncode:
        raise SystemExit(f"ploomber-engine failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def demo(folder: Path, count: int) -> Prepared:
    """The demo's run with `count` reports: its places in turn, under names of their own."""
    from cxkit.runs import params
    from cxkit.runs.prepare import prepare

    made = prepare(params.load(ROOT / "params" / "demo.yaml", {}), folder)
    places = [job for job in made.jobs if job.kind == "report"]
    named = [
        replace(job, name=f"r{i}", file=f"r{i}.html", data="") for i, job in enumerate(islice(cycle(places), count))
    ]
    return replace(made, jobs=named)


def with_cxkit(prepared: Prepared, workers: int, out: Path) -> dict[str, float]:
    """Seconds per report of ours (d), all in, and what a child costs."""
    started = time.perf_counter()
    manifest = runs.run(prepared, out, workers, work=out.with_name("private"))
    seconds = (time.perf_counter() - started) / len(prepared.jobs)
    assert {job["status"] for job in manifest["jobs"] if job["kind"] == "report"} <= {"done", "skipped"}
    done = [job for job in manifest["jobs"] if job["status"] == "done"]
    cpu, memory = (statistics.fmean(job[key] for job in done) for key in ("cpu", "memory"))
    return {"d": seconds, "d_cpu": cpu, "d_memory_mb": memory / 1e6}


def parts(job: Job, folder: str) -> dict[str, float]:
    """Where the time of one report goes, in a child of the warm parent."""
    from cxkit.show import drawings
    from cxkit.show.svg import Canvas

    spent = {"data": 0.0, "figures": 0.0}

    def count(home: Any, name: str, part: str) -> None:
        plain = getattr(home, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return plain(*args, **kwargs)
            finally:
                spent[part] += time.perf_counter() - started

        setattr(home, name, timed)
        for other in list(sys.modules.values()):
            if getattr(other, "__name__", "").startswith("cxkit") and getattr(other, name, None) is plain:
                setattr(other, name, timed)

    count(storage, "load", "data")
    count(Canvas, "svg", "figures")
    for name in ("trend", "segments", "changes", "distribution", "stacked", "heat"):
        count(drawings, name, "figures")
    Path(folder).mkdir(parents=True)
    marks = [time.perf_counter()]
    notebook = worker.execute(job, Path(folder) / "report.ipynb", "warm")
    marks.append(time.perf_counter())
    durations = [cell.metadata.papermill.duration or 0.0 for cell in notebook.cells]
    content = worker.render(notebook, job)
    marks.append(time.perf_counter())
    worker.put(Path(folder) / job.file, content)
    marks.append(time.perf_counter())
    cells = sum(durations)
    return {
        **spent,
        "cells": cells - sum(spent.values()),
        "engine": marks[1] - marks[0] - cells,
        "page": marks[2] - marks[1],
        "publish": marks[3] - marks[2],
    }


def breakdown(jobs: Sequence[Job], folder: Path) -> dict[str, float]:
    """Seconds of one report by part, one worker at work."""
    import reports  # this file, under a name that children can import

    with runs.crew(1) as crew:
        crew.submit(pow, 1, 1).result()
        tasks = [crew.submit(reports.parts, job, str(folder / job.name)) for job in jobs]
        found = [task.result() for task in tasks]
        whole = statistics.fmean(task.usage.seconds for task in tasks)  # type: ignore[attr-defined]
    mean = {f"part_{name}": statistics.fmean(one[name] for one in found) for name in found[0]}
    return {"part_fork": whole - sum(mean.values()), **mean}


def measure(way: str, prepared: Prepared, place: Path, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one way."""
    jobs = prepared.jobs if way == "d" else prepared.jobs[: options.slow]
    print(f"{way}: {len(jobs)} reports", flush=True)
    if way == "d":
        return with_cxkit(prepared, options.workers, place) | breakdown(jobs[:10], place.with_name("parts"))
    work = tasks(jobs[0].notebook, [job.parameters for job in jobs], len(jobs), place)
    if way == "a":
        return {way: timed(lambda: [by_command(*task) for task in work], len(work))}
    if way == "a2":
        with ThreadPoolExecutor(2) as pool:
            return {way: timed(lambda: list(pool.map(lambda task: by_command(*task), work)), len(work))}
    if way == "b":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            return {way: timed(lambda: list(processes.map(by_library, *zip(*work, strict=True))), len(work))}
    if way == "c":
        return {way: with_ploomber(ploomber_environment(Path(options.environment)), work)}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        wall, cpu = processes.submit(plainly, work[0][0], [task[2] for task in work]).result()
    return {"plain": wall, "plain_cpu": cpu}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=100)
    parser.add_argument("--slow", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ways", default="a,a2,b,c,d,plain")
    parser.add_argument("--quick", action="store_true", help="two reports of the slow ways, ten of ours")
    parser.add_argument("--environment", default=str(Path.home() / ".cache" / "cxkit" / "ploomber"))
    options = parser.parse_args()
    if options.quick:
        options.slow, options.reports = 2, 10
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # for every way alike
    bars: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        prepared = demo(Path(temporary) / "work", options.reports)
        for way in options.ways.split(","):
            found = measure(way, prepared, Path(temporary) / way, options)
            bars.update(found)
            print(*(f"bar {name} {value:.4g}" for name, value in found.items()), sep="\n", flush=True)
    for over, least in (("a", 20), ("a2", 10), ("c", 3)):
        if {over, "d"} <= bars.keys():
            print(f"bar {over}_over_d {bars[over] / bars['d']:.3g} (at least {least})")
    if {"plain_cpu", "d_cpu"} <= bars.keys():
        print(f"bar cpu_over_plain {bars['d_cpu'] / bars['plain_cpu']:.3g} (at most 1.3)")


if __name__ == "__main__":
    main()
