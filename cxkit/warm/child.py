"""A child of the warm parent: limits, the one function it runs, what it says, how it is cleaned up after."""

from __future__ import annotations

import atexit
import ctypes
import os
import pickle
import resource
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

NOTE, VALUE, ERROR = b"N", b"V", b"E"
_HEADER = struct.Struct(">cI")
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)
_speak: int | None = None  # in a child: the pipe to the parent


def is_child() -> bool:
    """Whether this process is a child of the warm parent."""
    return _speak is not None


def note(text: str, seconds: float | None = None) -> None:
    """Tell the parent what this child is doing, so that its death can be told in these words; elsewhere do nothing.

    Args:
        text: For example "cell 3"; replaces the note before.
        seconds: Kill this child unless another note comes within this time.
    """
    if _speak is not None:
        _say(NOTE, pickle.dumps((text, seconds)))


def run(payload: bytes, speak: int, parents: list[int], memory: int | None) -> NoReturn:
    """Be the child: run the pickled (function, arguments, keywords) and end the process without its cleanup.

    Args:
        payload: What to run.
        speak: Pipe to the parent.
        parents: File descriptors of the parent that are none of the child's business.
        memory: Bytes that the child may allocate beyond what it inherits; None for no limit.
    """
    global _speak
    status = 1
    try:
        _speak = speak
        kind, body = _outcome(payload, parents, memory)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        _say(kind, body)
        status = 0
    finally:
        os._exit(status)  # no cleanup: the interpreter's state is a copy of the parent's


def _become_independent(parents: list[int]) -> None:
    parent = os.getppid()
    os.setsid()
    end_with(parent, signal.SIGKILL)
    adopt_orphans()  # what a cell starts and abandons stays below this child as long as it lives
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for fd in parents:
        os.close(fd)
    atexit._clear()  # what the parent registered is the parent's
    if (random := sys.modules.get("numpy.random")) is not None:
        random.seed()  # else every child draws the same "random" numbers; `random` does this by itself


def _limit(memory: int) -> None:
    # RLIMIT_DATA counts private writable memory (heap, anonymous maps, stacks) since Linux 4.7; unlike RLIMIT_AS
    # it does not count libraries, mapped files and reserved address space, so the number means what it says.
    now = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (now + memory, now + memory))


def _outcome(payload: bytes, parents: list[int], memory: int | None) -> tuple[bytes, bytes]:
    try:
        _become_independent(parents)
        if memory:
            _limit(memory)
        function, arguments, keywords = pickle.loads(payload)
        return VALUE, pickle.dumps(function(*arguments, **keywords))
    except BaseException as error:
        return ERROR, pickle.dumps((_sendable(error), traceback.format_exc()))


def _sendable(error: BaseException) -> BaseException:
    """The error itself where it survives pickling, else a RuntimeError that names it.

    SystemExit and KeyboardInterrupt stay here: raised again in the runner, they would end the runner.
    """
    with suppress(Exception):
        if isinstance(error, Exception) and type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")


def _say(kind: bytes, body: bytes) -> None:
    assert _speak is not None
    data = memoryview(_HEADER.pack(kind, len(body)) + body)
    while data:
        data = data[os.write(_speak, data) :]


def frames(inbox: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Take the whole messages out of the bytes that came so far."""
    while len(inbox) >= _HEADER.size:
        kind, size = _HEADER.unpack_from(inbox)
        end = _HEADER.size + size
        if len(inbox) < end:
            return
        body = bytes(inbox[_HEADER.size : end])
        del inbox[:end]
        yield kind, body


def end_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel knew that we care
        os._exit(1)


def adopt_orphans() -> None:
    """Become the process to which orphans below this one are given, in place of init."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_group(pid: int) -> None:
    """Kill a process and what it started in its group."""
    for kill in (os.killpg, os.kill):  # a child that was just forked has no group of its own yet
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def reap_orphans(known: set[int], seconds: float = 1.0) -> int:
    """Kill and wait for every child of this process that is not known; how many were still alive.

    Args:
        known: Children to leave alone.
        seconds: How long to wait for processes to die; one that cannot (stuck in the kernel) is left for later.
    """
    killed = 0
    end = time.monotonic() + seconds
    while orphans := _children() - known:
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            with suppress(ChildProcessError):
                gone, status = os.waitpid(pid, os.WNOHANG)
                killed += bool(gone) and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if time.monotonic() > end:
            break
        time.sleep(0.001)
    return killed


def _children() -> set[int]:
    try:
        return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))
    except OSError:
        return set()


def describe(status: int, killed: str) -> str:
    """How a process ended, in words, from its wait status and from what the parent did to it."""
    if killed:
        return killed
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"was killed by signal {number} ({signal.Signals(number).name})"
    return f"ended with exit status {os.WEXITSTATUS(status)} before it had a result"


__all__: list[Any] = ["adopt_orphans", "describe", "frames", "is_child", "kill_group", "note", "reap_orphans", "run"]


ALLOWED_THREADS = frozenset({"jemalloc_bg_thd"})
"""Names of native threads that may live in the warm parent.

jemalloc_bg_thd: the allocator of pyarrow gives memory back to the system in it; jemalloc's own handlers make it safe to
fork. `ENVIRONMENT` keeps it from starting, so it appears only where a later pyarrow reads another variable.
"""

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYTHONHASHSEED": "0",  # sets have the same order in every run
}
"""What keeps the libraries of the warm parent in one thread, and equal reports equal; children inherit it."""


def native_threads() -> list[str]:
    """Names of all native threads of this process but the main one; empty where /proc is absent."""
    names = []
    for entry in Path("/proc/self/task").glob("*"):
        if int(entry.name) != os.getpid():
            try:
                names.append((entry / "comm").read_text().strip())
            except OSError:  # it ended while we looked
                continue
    return sorted(names)


def sockets() -> list[int]:
    """File descriptors of this process that are sockets."""
    found = []
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            if os.readlink(entry).startswith("socket:"):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def unsafe(quick: bool = False, *, own_sockets: int = 1) -> list[str]:
    """Reasons why this process must not fork; empty when it may.

    Args:
        quick: Look at the threads only, as before every fork; else at the sockets too.
        own_sockets: How many sockets are known and harmless: the connection to the runner.

    >>> all(isinstance(reason, str) for reason in unsafe())
    True
    """
    reasons = [f"Python thread {thread.name!r}" for thread in threading.enumerate() if thread is not _main()]
    if len(os.listdir("/proc/self/task")) > 1:
        python = len(reasons)
        native = [name for name in native_threads() if name not in ALLOWED_THREADS]
        if len(native) > python:
            reasons.append(f"{len(native) - python} native threads ({', '.join(native)})")
    if not quick and len(found := sockets()) > own_sockets:
        reasons.append(f"{len(found) - own_sockets} open sockets")
    return reasons


def _main() -> threading.Thread:
    return threading.main_thread()
