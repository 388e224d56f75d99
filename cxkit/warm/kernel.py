"""The kernel of a child: ipykernel's own kernel and shell, with a queue or a pipe in place of the ZMQ sockets.

`prepare` builds the kernel once, in the warm parent, unused; every fork inherits a pristine one and runs cells at once.
All that a notebook can see is ipykernel's code (shell, display hooks, `input`, top-level await, comms), so it behaves
like a kernel because it is one. Ours are three small parts in `streams`: `Recorder` takes the messages that would go
to the sockets, `Stream` is what `print` writes to, `Capture` catches what is written to the file descriptors 1 and 2
behind Python's back.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import socket
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TextIO

import ipykernel_launcher  # type: ignore[import-untyped]
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from tornado import ioloop
from traitlets.config import Config

from cxkit.warm.streams import Capture, Message, Packed, Recorder, Stream, Wire, unpack

BACKEND = "module://matplotlib_inline.backend_inline"
"""Where figures are drawn by default, as ipykernel sets it."""


_Kernel: Any = IPythonKernel  # half of its methods are not typed


class CellKernel(_Kernel):  # type: ignore[misc]
    """ipykernel's kernel without sockets; `handle` takes one request at a time."""

    capture: Capture
    _execute_sleep = 0.0  # the pause is there for ZMQ

    def _abort_queues(self, *_: object) -> None:
        """Requests after a failed cell are the client's decision; there is no queue."""

    def open(self, deliver: Callable[[str, Packed], None]) -> None:
        """Make the kernel that was built in the parent this child's own."""
        self.session.pid = os.getpid()
        self.session.deliver = deliver
        self.outputs = (Stream(self, "stdout", 1), Stream(self, "stderr", 2))
        self.capture = Capture(self.outputs)
        self.shell.user_ns["_dh"][:] = [os.getcwd()]
        self.shell.starting_dir = os.getcwd()
        self.shell.init_environment()
        self.shell.ask_exit = sys.exit  # `exit()` fails the cell that it stands in, not the one behind it

    async def handle(self, message: Message) -> None:
        """Do what one message asks for, as ipykernel's `dispatch_shell` does, its output captured."""
        self.io_loop = ioloop.IOLoop.current()
        handler = self.shell_handlers.get(message["header"]["msg_type"])
        with self._captured():
            self.set_parent([], message, channel="shell")
            self._publish_status("busy", "shell")
            self.pre_handler_hook()
            try:
                if handler is not None and asyncio.iscoroutine(result := handler(None, [], message)):
                    await result
            except KeyboardInterrupt:
                self.log.error("KeyboardInterrupt caught in kernel.")
            finally:
                self.post_handler_hook()
                for stream in self.outputs:
                    stream.flush()
                self._publish_status("idle", "shell")

    @contextmanager
    def _captured(self) -> Iterator[None]:
        """Point `sys.stdout`, `sys.stderr` and the descriptors 1 and 2 at the notebook."""
        before: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)
        kept = [os.dup(fd) for fd in (1, 2)]
        for stream in before:
            stream.flush()
        for fd, file in zip((1, 2), self.capture.files, strict=True):
            os.dup2(file, fd)
        sys.stdout, sys.stderr = self.outputs
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
            for fd, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, fd)
                os.close(copy)

    def close(self) -> None:
        """Let go of the notebook's objects, so that open files are written and finalizers run."""
        with self._captured():
            self.shell.user_ns.clear()
            self.shell.history_manager.output_hist.clear()
        self.session.deliver = None
        self.capture.close()


_state: dict[str, Any] = {"kernel": None, "pid": None, "used": False}


def prepare() -> None:
    """Build the kernel in the warm parent; children inherit it unused."""
    os.environ.setdefault("MPLBACKEND", BACKEND)
    _without_debugger()
    config = Config()
    config.HistoryManager.hist_file = ":memory:"  # no file in the home folder, no thread that writes it
    kernel = CellKernel.instance(session=Recorder(), config=config, log=_log())
    kernel.shell_channel_thread = types.SimpleNamespace(parent_thread=threading.main_thread())
    app = IPKernelApp.instance()
    app.kernel = kernel  # where `%matplotlib` and libraries look for the kernel that they run in
    app.init_path()  # type: ignore[no-untyped-call]
    sys.argv[:] = [ipykernel_launcher.__file__]
    _state.update(kernel=kernel, pid=os.getpid())


def _log() -> logging.Logger:
    # A notebook that configures the root logger would find the kernel's own lines among its outputs.
    log = logging.getLogger(__name__)
    log.propagate = False
    log.addHandler(logging.NullHandler())
    return log


def _without_debugger() -> None:
    # Nobody steps through a report; debugpy would cost 0.14 s and print a warning about frozen modules.
    if "debugpy" not in sys.modules:
        sys.modules["debugpy"] = None  # type: ignore[assignment]
        import_module("ipykernel.debugger")
        del sys.modules["debugpy"]


def rehearse(act: Callable[[], object]) -> None:
    """Let `act` run a notebook on the kernel in the warm parent, then make the kernel as new.

    First uses are slow: templates, schemas and regular expressions are compiled, fonts are read. Children inherit that.
    """
    shell = _state["kernel"].shell
    module = {name: value for name, value in shell.user_ns.items() if name.startswith("__")}
    _state.update(pid=None)
    try:
        contextvars.copy_context().run(act)
    finally:
        shell.user_ns.clear()
        shell.user_ns.update(module)
        shell.reset(new_session=True)
        _state.update(pid=os.getpid(), used=False)


def pristine() -> CellKernel | None:
    """The kernel that this child inherited and has not used yet, once; None anywhere else."""
    if _state["kernel"] is None or _state["pid"] == os.getpid() or _state["used"]:
        return None
    _state["used"] = True
    kernel: CellKernel = _state["kernel"]
    return kernel


def serve(address: str, folder: str, environment: dict[str, str]) -> None:
    """Connect to the process that waits at `address` and run its cells until it hangs up.

    Args:
        address: Path of a Unix socket; the first connection is the shell channel, the second one iopub.
        folder: Where the cells run.
        environment: Environment variables of the process that asked.

    Raises:
        RuntimeError: Outside a child of a warm parent that called `prepare`.
    """
    kernel = pristine()
    if kernel is None:
        raise RuntimeError("there is no unused kernel in this process; preload cxkit.warm.kernel:prepare")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.environ.setdefault("MPLBACKEND", BACKEND)
    with socket.socket(socket.AF_UNIX) as shell, socket.socket(socket.AF_UNIX) as iopub:
        shell.connect(address)
        iopub.connect(address)
        wires = {"shell": Wire(shell), "iopub": Wire(iopub)}

        def deliver(channel: str, packed: Packed) -> None:
            wires[channel].send(packed)

        kernel.open(deliver)
        asyncio.run(_loop(kernel, wires["shell"]))
    kernel.close()


async def _loop(kernel: CellKernel, shell: Wire) -> None:
    while (packed := await shell.receive()) is not None:
        await kernel.handle(unpack(packed, kernel.session))
