"""Work on data in a process of its own, with a deadline and a memory limit: an export may be made to do harm."""

from __future__ import annotations

import errno
import re
import sys
from importlib import import_module
from typing import Any, NamedTuple

from cxkit.errors import CxError

ATTEMPTS = 2  # of a report, and of reading the data: the system may have killed the first
DESCRIPTORS = 64
UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


class Limits(NamedTuple):
    """What a report, and the reading of the data before all reports, may take.

    Attributes:
        seconds: Wall time.
        bytes: What may be allocated beyond what is loaded; for reading, a `memory` of the parameters comes on top.
    """

    seconds: float | None = 600.0
    bytes: int | None = 4 << 30


def require_descriptors() -> None:
    """That as many files may be open as processes and their pipes need.

    Raises:
        CxError: With what is needed; below it libraries fail in words of their own.
    """
    if sys.platform != "win32":
        import resource

        if 0 <= (most := resource.getrlimit(resource.RLIMIT_NOFILE)[0]) < DESCRIPTORS:
            raise CxError(f"ulimit -n: expected {DESCRIPTORS} open files or more, found {most}")


def carried(work: str, *given: Any, limits: Limits, memory: str | None = None) -> Any:
    """What a function returns that is called in a process of its own.

    Whatever ends this call early (a signal that raises) ends that process and what it started.

    Args:
        work: "module:function"; arguments and result have to be picklable.
        given: Its arguments.
        limits: Of the process.
        memory: What the in-process database may take, if that was declared.

    Raises:
        CxError: As the function, or the limits were too low.
    """
    if not sys.platform.startswith("linux"):  # as for reports: forking is not known to be sound there
        return _called(work, given)
    from cxkit.warm.executor import ChildDied, ParentDied, WarmExecutor

    most = limits.bytes and limits.bytes + _size(memory)
    why = ""
    for _ in range(ATTEMPTS):
        crew = WarmExecutor(1, timeout=limits.seconds, memory=most)
        try:
            return crew.submit(_called, work, given).result()
        except (ChildDied, ParentDied) as error:
            why = f"ended with its process: {error}"
            if isinstance(error, ChildDied) and error.killed:  # it would take as long once again
                why = "took longer than --timeout allows"
                break
        finally:
            crew.stop()
    words = f"reading and counting the data {why} ({limits.seconds:g} s, {(most or 0) >> 20:,} MB of memory)"
    raise CxError(f"{words}; raise --timeout, --memory or `memory`, or look what the files hold")


def _called(work: str, given: tuple[Any, ...]) -> Any:
    module, _, name = work.partition(":")
    try:
        return getattr(import_module(module), name)(*given)
    except Exception as error:
        if not _is_of_memory(error):
            raise
    words = "reading and counting the data needs more memory than --memory allows"
    raise CxError(f"{words}; raise it, or look what the files hold")


def _is_of_memory(error: Exception) -> bool:
    """Whether there was no memory left; each library has words of its own for it, and so has the import of one."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    words = ("bad_alloc", "failed to map segment", "cannot allocate memory", "error return without exception set")
    return "OutOfMemory" in type(error).__name__ or any(word in str(error).lower() for word in words)


def _size(text: str | None) -> int:
    """A size as a database writes it, in bytes; 0 where it is none, which the database will say.

    >>> _size("2GB"), _size("512 MiB"), _size("plenty")
    (2000000000, 512000000, 0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT])i?B?\s*", text or "", re.I)
    return int(float(found[1]) * UNITS[found[2].upper()]) if found else 0
