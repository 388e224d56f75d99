"""What the tests run inside children of a warm parent: functions have to be importable there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

SEEN: list[int] = []


def add(a: int, b: int = 0) -> int:
    return a + b


def remember(value: int) -> list[int]:
    SEEN.append(value)
    return SEEN


def about() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "leader": os.getpid() == os.getsid(0) == os.getpgrp(),
        "numpy": float(np.random.rand()),  # noqa: NPY002 - the global state is what is tested
        "descriptors": sorted({os.readlink(fd) for fd in Path("/proc/self/fd").glob("*") if os.path.lexists(fd)}),
        "term": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
    }


def leave_with(status: int) -> None:
    os._exit(status)


def exit_politely() -> None:
    sys.exit(0)


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def sleep(seconds: float, mark: str | None = None) -> str:
    if mark:
        Path(mark).write_text(str(os.getpid()))
    time.sleep(seconds)
    return "slept"


def hog() -> None:
    blocks = []
    while True:
        blocks.append(bytearray(1 << 24))


def hog_in_subprocess() -> int:
    return subprocess.run([sys.executable, "-c", "x = bytearray(1 << 40)"], stderr=subprocess.DEVNULL).returncode


def leave_processes(folder: str) -> str:
    for index, options in enumerate([{}, {"start_new_session": True}]):
        process = subprocess.Popen(["sleep", "300"], **options)
        Path(folder, f"left{index}").write_text(str(process.pid))
    # A daemon of the old school: its parent is gone, its session is its own.
    code = (
        f"import os\nif os.fork() == 0:\n    os.setsid()\n    open('{folder}/left2', 'w').write(str(os.getpid()))\n"
        "    os.execlp('sleep', 'sleep', '300')"
    )
    subprocess.run([sys.executable, "-c", code])
    while not (Path(folder, "left2").exists() and Path(folder, "left2").read_text()):
        time.sleep(0.01)
    return "done"


def leave_thread() -> str:
    threading.Thread(target=time.sleep, args=(300,)).start()
    return "done"


def stop_self() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def flood(size: int) -> bytes:
    return b"x" * size


def close_everything() -> None:
    os.closerange(3, 256)


def write_nonsense() -> None:
    for fd in range(3, 64):
        try:
            os.write(fd, b"N\x00\x00\x00\x03abc" + b"\xff" * 100)
        except OSError:
            continue
    time.sleep(0.1)


def unpicklable() -> Any:
    return lambda: None


class Awkward(Exception):
    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def raise_awkward() -> None:
    raise Awkward(1, 2)


def raise_plain() -> None:
    raise KeyError("plain")


def noted(seconds: float | None = None) -> None:
    from cxkit.warm import child

    child.note("the second step", seconds)
    if seconds:
        time.sleep(30)
    os._exit(7)


def threaded_preload() -> None:
    threading.Thread(target=time.sleep, args=(300,), name="intruder", daemon=True).start()


def native_preload() -> None:
    """Start a native thread that Python does not know."""
    import _thread

    _thread.start_new_thread(time.sleep, (300,))


def duckdb_preload() -> None:
    import duckdb

    SEEN.append(duckdb.connect())  # type: ignore[arg-type]


def socket_preload() -> None:
    import socket

    SEEN.append(socket.socket())  # type: ignore[arg-type]


def zmq_preload() -> None:
    import zmq

    SEEN.append(zmq.Context().socket(zmq.PUB))  # type: ignore[arg-type]


def failing_preload() -> None:
    raise ValueError("not today")


def arrow_preload(path: str) -> None:
    import pyarrow.parquet as pq

    SEEN.append(pq.ParquetFile(path, pre_buffer=False, memory_map=True).read(use_threads=False))  # type: ignore[arg-type]


def execute(path: str, out: str | None, **options: Any) -> Any:
    """Execute a notebook inside this child; plain data of its cells, and who executed them."""
    import nbformat
    import papermill
    from papermill.engines import papermill_engines

    from cxkit.warm.engine import WarmEngine

    papermill_engines.register("cxkit", WarmEngine)
    parameters = options.pop("parameters", None)
    nb = papermill.execute_notebook(
        path, out, parameters, engine_name="cxkit", progress_bar=False, autosave_cell_every=0, **options
    )
    return os.getpid(), nbformat.writes(nb)


def execute_raw(source: str) -> str:
    """The same without papermill's raise at the end: all cells are allowed to fail."""
    import nbformat

    from cxkit.warm.notebooks import Engine

    nb = nbformat.reads(source, as_version=4)
    nb.metadata.papermill = nbformat.from_dict({})
    return str(nbformat.writes(Engine.execute_notebook(nb, "python3", progress_bar=False, autosave_cell_every=0)))


def execute_twice(path: str) -> tuple[Any, Any]:
    return execute(path, None), execute(path, None)
