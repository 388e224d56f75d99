"""Between a run and its terminal: open descriptors, signals, a reader that goes away, and what is told to whom."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Literal

from cxkit.errors import printable
from cxkit.runs.files import read
from cxkit.runs.jobs import Prepared, Result
from cxkit.runs.shelf import clock

Events = SimpleQueue[Any]  # futures that are done, signals that came
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


AGAIN = 0.1  # seconds


class Stopped(BaseException):
    """A signal that ends the command; cleaning up is all that may still be done."""


def ready() -> None:
    """Make a process fit for the night, before it opens anything.

    Descriptors 0 to 2 that are closed are opened, so that no file or socket gets their numbers. Output that nobody
    reads any more is lost and ends nothing. Warnings stay warnings, whatever PYTHONWARNINGS says: it is meant for
    developers. SIGTERM, SIGHUP and Ctrl-C raise `Stopped` until it is on its way to the end of the command: where a
    library drops whatever is raised, as in a destructor, once is not enough.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        coding = getattr(before, "encoding", None) or "utf-8"
        raw = io.BufferedWriter(_Patient(number, "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(raw, coding, "backslashreplace", line_buffering=True))
    if os.environ.pop("PYTHONWARNINGS", None):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # of libraries that clean up on a full disk; the words are said elsewhere
    _handle(_stop)


class _Patient(io.FileIO):
    """A descriptor that takes everything: where its reader is gone or its disk full, what is written is lost."""

    def write(self, data: Any) -> int:
        """Write what can be written."""
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


_CAME: list[signal.Signals] = []


def _stop(number: int, _: FrameType | None) -> None:
    _handle(lambda *_: None)  # a second one would break into the cleaning up
    _CAME.append(signal.Signals(number))
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
    raise Stopped(_CAME[0].name)


def _again(*_: object) -> None:
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, Stopped):  # what is running now cleans up
            return
        error = error.__context__
    raise Stopped(_CAME[0].name)


def stopped() -> None:
    """Say that the signal has done its work: the command ends, or a run has it among its events."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def _handle(handler: Callable[[int, FrameType | None], Any]) -> list[tuple[int, Any]]:
    """Give each signal that is not ignored (as SIGHUP under nohup) this handler; those before."""
    found = [(number, signal.getsignal(number)) for number in SIGNALS]
    taken = [(number, before) for number, before in found if before != signal.SIG_IGN]
    for number, _ in taken:
        signal.signal(number, handler)
    return taken


@contextmanager
def stoppable() -> Iterator[Events]:
    """A queue into which signals are put, instead of breaking into whatever is being written."""
    events: Events = SimpleQueue()  # its `put` may interrupt itself, as a signal handler does
    if threading.current_thread() is not threading.main_thread():
        yield events
        return
    before = _handle(lambda number, _: events.put(signal.Signals(number)))
    stopped()
    for came in _CAME:
        events.put(came)
    try:
        yield events
    finally:
        for number, handler in before:
            signal.signal(number, handler)


Log = Literal["text", "json"]
TOLD = ("name", "status", "seconds", "cpu", "memory", "attempts", "left", "error", "warnings")


@contextmanager
def progress(total: int, log: Log) -> Iterator[Callable[[Result, int, int], None]]:
    """What is told of each result: a bar on a terminal, a line elsewhere."""

    def line(result: Result, done: int, _: int) -> None:
        words = f"failed: {result.error}" if result.error else "done"
        if result.status != "unchanged":
            _say(f"[{done}/{total}] {result.name}: {words}, {result.seconds:.1f} s")

    def record(result: Result, done: int, _: int) -> None:
        told: dict[str, Any] = {"time": clock(), "done": done, "of": total}
        _say(json.dumps(told | {key: getattr(result, key) for key in TOLD}, ensure_ascii=False))

    if log == "json" or not sys.stdout.isatty():
        yield record if log == "json" else line
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


def _say(text: str) -> None:
    print(printable(text), flush=True)


def summarise(prepared: Prepared, manifest: Mapping[str, Any], work: Path, seconds: float) -> None:
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
    made, same = (sum(job["status"] == status for job in jobs) for status in ("done", "unchanged"))
    kept = f", {same} unchanged" if same else ""
    _say(f"{made} of {len(prepared.jobs)} reports made in {seconds:.0f} s{kept}, {len(failed)} failed")
