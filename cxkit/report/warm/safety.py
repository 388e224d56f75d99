"""Is this process safe to fork? No second thread, no socket beside the runner's.

A fork copies one thread. A lock held by another thread at that moment, a thread pool or an event loop without its
threads hangs the child. Seen to hang: a DuckDB connection, a polars frame or OpenMP code of the parent used in the
child. All three run native threads (DuckDB and polars one per core, OpenMP a pool after its first use; a ZMQ context
two), so counting threads finds them, whoever started them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

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
