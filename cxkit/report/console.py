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


class Stopped(BaseException):
    """A signal that ends the command; cleaning up is all that may still be done."""


def ready() -> None:
    """Make a process fit for the night, before it opens anything.

    Descriptors 0 to 2 that are closed are opened, so that no file or socket gets their numbers. Output that nobody
    reads any more is lost and ends nothing. Warnings stay warnings, whatever PYTHONWARNINGS says: it is meant for
    developers. SIGTERM, SIGHUP and Ctrl-C raise `Stopped`, once.
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
    sys.unraisablehook = lambda _: None  # of libraries that clean up where the disk is full: the words are said
    _handle(_stop)


class _Patient(io.FileIO):
    """A descriptor that takes everything: where its reader is gone or its disk full, what is written is lost."""

    def write(self, data: Any) -> int:
        """Write what can be written."""
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


def _stop(number: int, _: FrameType | None) -> None:
    _handle(lambda *_: None)  # a second one would break into the cleaning up
    raise Stopped(signal.Signals(number).name)


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
    try:
        yield events
    finally:
        for number, handler in before:
            signal.signal(number, handler)
