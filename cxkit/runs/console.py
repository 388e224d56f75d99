"""What a scheduler gives a command and takes from it: open descriptors, a reader of its output, signals."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any

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
