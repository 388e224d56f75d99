"""What nbclient talks to in place of a kernel manager and ZMQ channels.

nbclient, and papermill on top of it, does all the work around a cell: outputs, display ids, widgets, timeouts, error
marks. It asks a manager for a client and the client for messages. Two managers answer here:

- `Inside`: the kernel of this very process, a child of a warm parent (the reports of a run);
- `Beside`: the kernel of a child of this process's own warm parent, over two Unix sockets (`papermill --engine cxkit`).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from queue import Empty
from typing import Protocol

from jupyter_client.session import Session
from jupyter_core.utils import run_sync

from cxkit.warm.executor import Task, WarmExecutor
from cxkit.warm.kernel import CellKernel, serve
from cxkit.warm.streams import Message, Packed, Wire, unpack

_GRACE = 5.0  # seconds that a kernel has to leave by itself, as with jupyter_client


class Channel(Protocol):
    """A channel as nbclient sees it."""

    def send(self, message: Message) -> None:
        """Send a message to the kernel."""

    async def get_msg(self, timeout: float | None = None) -> Message:
        """The next message; `queue.Empty` after `timeout` seconds."""


class Client:
    """The part of `jupyter_client.KernelClient` that nbclient uses."""

    allow_stdin = False

    def __init__(self, shell: Channel, iopub: Channel, is_alive: Callable[[], bool]) -> None:
        self.session = Session()
        self.shell_channel, self.iopub_channel, self.is_alive = shell, iopub, is_alive

    def start_channels(self) -> None:
        """Nothing to start: the channels are open."""

    def stop_channels(self) -> None:
        """Nothing to stop: the manager closes what it opened."""

    def wait_for_ready(self, timeout: float | None = None) -> None:
        """Nothing to wait for: the kernel was built before this client."""

    def request(self, kind: str, content: Message) -> str:
        """Send a request; its id."""
        message = self.session.msg(kind, content)
        self.shell_channel.send(message)
        return str(message["msg_id"])

    def execute(self, code: str, store_history: bool = True, stop_on_error: bool = True) -> str:
        """Ask for the execution of a cell; the id of the request."""
        content = {"code": code, "silent": False, "store_history": store_history, "user_expressions": {}}
        return self.request("execute_request", {**content, "allow_stdin": False, "stop_on_error": stop_on_error})

    def kernel_info(self) -> str:
        """Ask what language the kernel speaks; the id of the request."""
        return self.request("kernel_info_request", {})


async def _nothing(timeout: float | None) -> None:
    """Wait for a message that will not come; nbclient cancels this when it notices that the kernel is dead."""
    await asyncio.sleep(1e9 if timeout is None else timeout)
    raise Empty


class Inside:
    """Manager of the kernel in this process.

    A request waits until somebody asks for a message; then the cell runs, inside the event loop as in any kernel.
    """

    has_kernel = True

    def __init__(self, kernel: CellKernel) -> None:
        self.kernel, self.session = kernel, Session()
        self.requests: deque[Message] = deque()
        self.queues: dict[str, deque[Message]] = {"shell": deque(), "iopub": deque()}
        self.turn = asyncio.Lock()
        kernel.open(self._deliver)

    def _deliver(self, channel: str, packed: Packed) -> None:
        self.queues[channel].append(unpack(packed, self.session))

    def client(self) -> Client:
        """The client of this kernel."""
        return Client(_Queue(self, "shell"), _Queue(self, "iopub"), self.is_alive)

    def is_alive(self) -> bool:
        """Always: who asks is the kernel."""
        return True

    async def work(self, queue: deque[Message]) -> None:
        """Handle requests until there is a message in `queue`."""
        async with self.turn:
            while not queue and self.requests:
                # Through the packer as over the wire, so that a cell cannot tell the difference.
                packed = self.session.pack(self.requests.popleft())
                await self.kernel.handle(unpack((packed, []), self.session))

    def close(self) -> None:
        """Let go of the notebook's objects."""
        self.kernel.close()


class _Queue:
    def __init__(self, manager: Inside, name: str) -> None:
        self.manager, self.queue = manager, manager.queues[name]

    def send(self, message: Message) -> None:
        self.manager.requests.append(message)

    async def get_msg(self, timeout: float | None = None) -> Message:
        await self.manager.work(self.queue)
        if not self.queue:
            await _nothing(timeout)
        return self.queue.popleft()


class Beside:
    """Manager of a kernel in a child of a warm parent.

    Args:
        executor: The warm parent; `cxkit.warm.kernel:prepare` has to be among what it preloads.
        timeout: Seconds that the start may take.
    """

    def __init__(self, executor: WarmExecutor, timeout: float = 60) -> None:
        self.executor, self.timeout = executor, timeout
        self.task: Task[None] | None = None
        self.wires: list[Wire] = []

    @property
    def has_kernel(self) -> bool:
        """Whether a kernel was started."""
        return self.task is not None

    def start_kernel(self, **_: object) -> None:
        """Fork a child that serves this process's folder and environment, and wait until it has called back."""
        folder = tempfile.mkdtemp(prefix="cxkit-")  # only this user may enter it
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                address = os.path.join(folder, "kernel")
                listener.bind(address)
                listener.listen(2)
                self.task = self.executor.submit(serve, address, os.getcwd(), dict(os.environ))
                self.wires = [Wire(self._accept(listener, self.task)) for _ in range(2)]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _accept(self, listener: socket.socket, task: Task[None]) -> socket.socket:
        listener.settimeout(0.1)
        end = time.monotonic() + self.timeout
        while time.monotonic() < end:
            with suppress(TimeoutError):
                accepted, _ = listener.accept()
                accepted.setblocking(True)
                return accepted
            if task.done():
                task.result()
        raise RuntimeError(f"the kernel did not start within {self.timeout} s")

    def client(self) -> Client:
        """The client of this kernel."""
        shell, iopub = (_Socket(wire) for wire in self.wires)
        return Client(shell, iopub, self.is_alive)

    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self.task is not None and not self.task.done()

    def interrupt_kernel(self) -> None:
        """Raise KeyboardInterrupt in the running cell."""
        if self.task is not None and self.task.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.task.pid, signal.SIGINT)

    def death(self) -> str:
        """How the child ended, in words."""
        if self.task is None or not wait([self.task], _GRACE).done:
            return "it does not answer"
        return str(self.task.exception() or "it left")

    def close(self, patient: bool = True) -> None:
        """Hang up; kill the child at once or, with patience, where it does not leave by itself."""
        for wire in self.wires:
            wire.close()
        run_sync(_tick)()  # what nbclient left waiting on these wires ends now
        if self.task is not None:
            if patient:
                wait([self.task], _GRACE)
            self.executor.kill(self.task)


async def _tick() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


class _Socket:
    def __init__(self, wire: Wire) -> None:
        self.wire, self.session = wire, Session()

    def send(self, message: Message) -> None:
        self.wire.send((self.session.pack(message), []))

    async def get_msg(self, timeout: float | None = None) -> Message:
        try:
            packed = await asyncio.wait_for(self.wire.receive(), timeout)
        except TimeoutError:
            raise Empty from None
        if packed is None:
            await _nothing(timeout)
            raise Empty
        return unpack(packed, self.session)
