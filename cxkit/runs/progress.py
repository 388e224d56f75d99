"""What a run tells while it works and at its end, to a person or to a log."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from cxkit.errors import printable
from cxkit.runs.files import read
from cxkit.runs.jobs import Result
from cxkit.runs.shelf import clock

Log = Literal["text", "json"]
TOLD = ("name", "status", "seconds", "cpu", "memory", "attempts", "left", "error", "warnings")


@contextmanager
def progress(total: int, log: Log) -> Iterator[Callable[[Result, int, int], None]]:
    """What is told of each result: a bar on a terminal, a line elsewhere."""

    def line(result: Result, done: int, _: int) -> None:
        words = f"failed: {result.error}" if result.error else "done"
        if result.status != "unchanged":
            _say(f"[{done}/{total}] {result.name}: {words}, {result.seconds:.1f} s")

    def one(result: Result, done: int, _: int) -> None:
        record({"done": done, "of": total} | {key: getattr(result, key) for key in TOLD})

    if log == "json" or not sys.stdout.isatty():
        yield one if log == "json" else line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("starting", total=total)

        def step(result: Result, done: int, _: int) -> None:
            bar.update(task, completed=done, description=result.name)
            if result.error:
                bar.console.print(printable(f"{result.name} failed: {result.error}"), markup=False, highlight=False)

        yield step


def record(facts: Mapping[str, Any]) -> None:
    """A line of JSON with the time."""
    _say(json.dumps({"time": clock(), **facts}, ensure_ascii=False))


def _say(text: str) -> None:
    print(printable(text), flush=True)


def summarise(manifest: Mapping[str, Any], work: Path, seconds: float) -> None:
    """Print what was made, skipped and failed, with the cell that failed, from the private account of the run."""
    jobs = manifest["jobs"]
    failed = [job for job in jobs if job["status"] == "failed"]
    account: dict[str, dict[str, Any]] = json.loads(read(work / "account.json"))
    for job in (job for job in jobs if job["status"] == "skipped"):
        _say(f"skipped {job['title']}: {job['why']}")
    for name, one in account.items():
        for line in one["warnings"][:1]:
            _say(f"{name} wrote to stderr: {line}")
    for job in failed:
        found = account.get(job["name"], {})
        words = found.get("error") or job["error"].removeprefix("failed: ")
        _say(f"\n{job['name']} failed: {words}")
        for text in (found.get("cell") or "").splitlines():
            _say(f"    {text}")
        notebook = work / "failed" / f"{job['name']}.ipynb"
        _say(f"  notebook: {notebook}" if notebook.exists() else "  no notebook was left")
        if job["file"]:
            _say(f"  {job['why']}")
    for one in manifest["signals"]:
        _say(f"signal: {one['report']}: {one['metric']} {one['direction']} since about {one['since']}")
    made, same = (sum(job["status"] == status for job in jobs) for status in ("done", "unchanged"))
    kept = f", {same} unchanged" if same else ""
    wanted = sum(job["status"] != "skipped" for job in jobs)
    _say(f"{made} of {wanted} reports made in {seconds:.0f} s{kept}, {len(failed)} failed")
