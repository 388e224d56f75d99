"""How the tasks of a warm executor end."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import BrokenExecutor, Future
from typing import Any, NamedTuple, TypeVar

from cxkit.report.warm import child

T = TypeVar("T")


class Usage(NamedTuple):
    """What a task cost: wall and processor seconds, peak memory in bytes, processes that it left behind alive."""

    seconds: float
    cpu: float
    memory: int
    left: int


class ChildDied(RuntimeError):
    """The process of a task ended without a result.

    Attributes:
        signal: Number of the signal that killed it, or None.
        status: Its exit status, or None.
        how: How it ended, in words without that note.
        killed: Why the warm parent killed it ("timed out after 5.0 s"), or "".
        note: What the task said it was doing (`cxkit.report.warm.child.note`), or "".
    """

    def __init__(self, status: int, killed: str, note: str) -> None:
        doing = f" (at {note})" if note else ""
        self.how = child.describe(status, killed)
        super().__init__(f"the process of this task {self.how}{doing}")
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        self.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
        self.killed = killed
        self.note = note


class ParentDied(BrokenExecutor):
    """The warm parent went away, or never became ready; the tasks that were running are lost."""


class Task(Future[T]):
    """A future that knows what its task cost once it is done."""

    usage: Usage | None = None
    pid: int | None = None


class _Remote(Exception):
    """The traceback of a child, shown as the cause of the exception that came over."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def settle(task: Task[Any], result: tuple[bytes, bytes] | None, status: int, killed: str, note: str) -> None:
    """Give a future what its child said, or how the child died."""
    if result is None or killed:
        task.set_exception(ChildDied(status, killed, note))
        return
    kind, body = result
    try:
        value = pickle.loads(body)
    except Exception as broken:
        task.set_exception(broken)
        return
    if kind == child.VALUE:
        task.set_result(value)
    else:
        error, text = value
        error.__cause__ = _Remote(text)
        task.set_exception(error)
