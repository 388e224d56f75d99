"""`WarmExecutor`: a `concurrent.futures.Executor` whose every task runs in a fresh fork of a warm process."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple, ParamSpec, TypeVar

from cxkit.warm import child
from cxkit.warm.parent import Item

P = ParamSpec("P")
T = TypeVar("T")


class WarmExecutor(Executor):
    """Run each task in a fork of one warm parent process.

    Args:
        workers: How many children may run at once.
        preload: What the parent imports ("pandas") and calls ("module:function", or a tuple of that and arguments).
        timeout: Seconds that a task may take before it is killed with all it started; None for no limit.
        memory: Bytes that a task may allocate beyond what it inherits; None for no limit.

    The parent starts at once and preloads while the caller goes on. If it is killed, the running tasks fail with
    `ParentDied` and those that wait run in a new one; one that dies before it is ready is replaced once. It dies with
    this process, whatever it is doing.
    """

    def __init__(
        self,
        workers: int = 2,
        *,
        preload: Sequence[Item] = (),
        timeout: float | None = None,
        memory: int | None = None,
    ) -> None:
        if not hasattr(os, "fork"):
            raise NotImplementedError("a warm parent needs fork, which this system does not have")
        self.workers, self.preload, self.timeout, self.memory = workers, list(preload), timeout, memory
        self._lock = threading.RLock()
        self._waiting: deque[tuple[int, Task[Any], bytes]] = deque()
        self._running: dict[int, Task[Any]] = {}
        self._count = 0
        self._closed = False
        self._ready = False
        self._failure: ParentDied | None = None
        self._stillborn = 0
        # One thread starts every parent: the kernel ends a parent with the thread that started it.
        started: Future[None] = Future()
        self._reader = threading.Thread(target=self._serve, args=(started,), name="cxkit-warm", daemon=True)
        self._reader.start()
        started.result()

    @property
    def pid(self) -> int:
        """Process id of the warm parent."""
        return self._process.pid

    @property
    def failed(self) -> bool:
        """Whether the warm parent is beyond repair; another executor is needed."""
        return self._failure is not None or self._closed

    def warm(self, items: Sequence[Item]) -> None:
        """Preload more, before the tasks that are submitted from now on."""
        new = [item for item in items if item not in self.preload]
        with self._lock:
            self.preload += new
            if new:
                self._ask(new)

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.parent", str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the runner's to handle
            env={**os.environ, **child.ENVIRONMENT},
        )
        theirs.close()
        self._asked = 0
        self._send(self._connection, sys.path)
        self._ask(self.preload)

    def _ask(self, items: list[Item]) -> None:
        self._ready = False
        self._asked += 1
        self._send(self._connection, ("preload", items))

    @staticmethod
    def _send(connection: Connection, message: object) -> None:
        with suppress(OSError):  # a parent that died is noticed by the reader
            connection.send_bytes(pickle.dumps(message))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[T]:
        """Run `fn(*args, **kwargs)` in a fresh child; the result is a future with `usage`.

        Raises:
            RuntimeError: After `shutdown`.
            ParentDied: If preloading failed.
            Exception: Whatever pickle raises for a function or an argument that cannot travel.
        """
        payload = pickle.dumps((fn, args, kwargs))
        task: Task[T] = Task()
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot submit after shutdown")
            if self._failure is not None:
                raise self._failure
            self._count += 1
            self._waiting.append((self._count, task, payload))
            self._dispatch()
        return task

    def kill(self, task: Future[Any]) -> None:
        """Stop a task: cancel it if it waits, kill its process and all it started if it runs."""
        with self._lock:
            if not task.cancel():
                for number, running in self._running.items():
                    if running is task:
                        self._send(self._connection, ("kill", number))

    def stop(self) -> None:
        """End at once: cancel what waits, kill what runs and all it started, end the warm parent."""
        with self._lock:
            for task in [*self._running.values(), *(task for _, task, _ in self._waiting)]:
                self.kill(task)
            if not self._ready and not self._running:
                self._closed = True
                self._process.kill()  # it is still importing and would not hear us
        self.shutdown(cancel_futures=True)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Finish the tasks (or cancel those that wait), then end the warm parent."""
        with self._lock:
            self._closed = True
            if cancel_futures:
                for _, task, _ in self._waiting:
                    task.cancel()
                self._waiting.clear()
            if not self._running and not self._waiting:
                self._hang_up()
        if wait:
            self._reader.join()

    def _hang_up(self) -> None:
        # The parent sees the end of what we send and closes its side, which ends the reader.
        with suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_WR)

    def _dispatch(self) -> None:
        while self._ready and self._waiting and len(self._running) < self.workers:
            number, task, payload = self._waiting.popleft()
            if task.set_running_or_notify_cancel():
                self._running[number] = task
                self._send(self._connection, ("run", number, payload, self.timeout, self.memory))
        if self._closed and not self._running and not self._waiting:
            self._hang_up()

    def _serve(self, started: Future[None]) -> None:
        try:
            self._start()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        again = True
        while again:
            try:
                while True:
                    self._obey(pickle.loads(self._connection.recv_bytes()))
            except (EOFError, OSError):
                self._process.kill()
                self._connection.close()
                again = self._bury(self._process.wait())

    def _obey(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("ready",):
                with self._lock:
                    self._asked -= 1
                    self._ready = not self._asked
                    self._stillborn = 0 if self._ready else self._stillborn
            case ("failed", text):
                self._fail(ParentDied(f"the warm parent could not preload: {text}"))
            case ("started", number, pid):
                self._running[number].pid = pid
            case ("refused", number, text):
                self._take(number).set_exception(ParentDied(text))
            case ("ended", number, result, status, killed, note, usage):
                task = self._take(number)
                task.usage = Usage(*usage)
                settle(task, result, status, killed, note)  # without the lock: callbacks may do what they like
        with self._lock:
            self._dispatch()

    def _take(self, number: int) -> Task[Any]:
        with self._lock:
            return self._running.pop(number)

    def _fail(self, error: ParentDied) -> None:
        with self._lock:
            self._failure = error
            waiting, self._waiting = self._waiting, deque()
            self._hang_up()
        for _, task, _ in waiting:
            if task.set_running_or_notify_cancel():
                task.set_exception(error)

    def _bury(self, status: int) -> bool:
        """The warm parent is gone: fail what it ran, start another one for what waits. Whether there is one."""
        with self._lock:
            self._stillborn += not self._ready
            self._ready = False
            lost, self._running = self._running, {}
        for task in lost.values():
            if task.pid is not None:
                child.kill_group(task.pid)  # the kernel killed the child with its parent, but not what it started
            task.set_exception(ParentDied("the warm parent died while this task ran"))
        if self._stillborn > 1 and self._failure is None and not self._closed:
            self._fail(ParentDied(f"the warm parent ended with status {status} before it was ready, twice"))
        with self._lock:
            again = self._failure is None and bool(self._waiting or not self._closed)
            if again:
                try:
                    self._start()
                except OSError as error:  # no memory, too many processes
                    self._fail(ParentDied(f"the warm parent could not be started again: {error}"))
                    again = False
        return again


__all__ = ["ChildDied", "ParentDied", "Task", "Usage", "WarmExecutor"]


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
        note: What the task said it was doing (`cxkit.warm.child.note`), or "".
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
