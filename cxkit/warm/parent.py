"""The warm parent: a process that imports everything once and forks a child per task.

It is started clean (`python -m cxkit.warm.parent FD`, a fork and exec) by the `executor`, preloads what it is
told, and then does nothing but fork, watch and reap. It stays single-threaded: a fork copies only the thread that
calls it, so any lock that another thread holds stays locked in the child for ever. `safety` checks this before every
fork.

Each child leads a session of its own, has a deadline and a memory limit, and is killed with all it started. The
parent is the reaper of orphans, so a process that a child left behind is found and killed even when it hid in a session
of its own. When the parent dies its children are killed by the kernel; when the runner dies the kernel sends SIGTERM
and the parent kills its children and leaves, at once where it is still importing.

Messages are pickled tuples over one socket, see `main` and `Parent.receive`; what a task is, only the child knows.
"""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from cxkit.warm import child

Item = str | tuple[Any, ...]


@dataclass
class Running:
    """A child at work: its pipe, its deadline (monotonic seconds) and what it said so far."""

    task: int
    pid: int
    pipe: int
    deadline: float | None
    started: float
    inbox: bytearray = field(default_factory=bytearray)
    note: str = ""
    note_deadline: float | None = None
    result: tuple[bytes, bytes] | None = None
    killed: str = ""

    @property
    def due(self) -> float:
        """When the child has to be killed; infinite without a limit."""
        return min(self.deadline or float("inf"), self.note_deadline or float("inf"))


def preload(items: list[Item]) -> None:
    """Import modules ("pandas"), call functions ("package.module:function" or a tuple of it and its arguments).

    Raises:
        RuntimeError: If an item leaves the process unsafe to fork, naming the item.
    """
    for item in items:
        name, *arguments = (item,) if isinstance(item, str) else item
        module, _, function = name.partition(":")
        loaded = import_module(module)
        if function:
            getattr(loaded, function)(*arguments)
        if problems := child.unsafe():
            raise RuntimeError(f"preloading {name} makes the process unsafe to fork: {'; '.join(problems)}")
    gc.freeze()  # the collector of a child need not look at what it inherits, which would also copy the memory


class Parent:
    """The loop of the warm parent: connection to the runner, pipes of the children, signals."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.children: dict[int, Running] = {}  # by pipe
        self.selector = selectors.PollSelector()  # owns no file descriptor that a child would inherit
        self.selector.register(connection.fileno(), selectors.EVENT_READ)
        self.alarm, self.alarm_end = os.pipe()
        for end in (self.alarm, self.alarm_end):
            os.set_blocking(end, False)
        self.selector.register(self.alarm, selectors.EVENT_READ)
        self.leaving = False
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only has to wake the loop
        signal.set_wakeup_fd(self.alarm_end, warn_on_full_buffer=False)

    def _leave(self, *_: object) -> None:
        self.leaving = True

    def run(self) -> None:
        """Serve until the runner closes the connection or SIGTERM arrives; no child outlives this call."""
        try:
            while not self.leaving:
                due = min((running.due for running in self.children.values()), default=float("inf"))
                wait = None if due == float("inf") else max(0.0, due - time.monotonic())
                for key, _ in self.selector.select(wait):
                    self._ready(key.fd)
                self._kill_late()
                self._reap()
        except (EOFError, ConnectionError):  # the runner is gone
            pass
        finally:
            for running in self.children.values():
                child.kill_group(running.pid)
                os.waitpid(running.pid, 0)
            child.reap_orphans(set())

    def _ready(self, fd: int) -> None:
        if fd == self.connection.fileno():
            self.receive(pickle.loads(self.connection.recv_bytes()))
        elif fd == self.alarm:
            os.read(self.alarm, 4096)
        elif fd in self.children:
            self._listen(self.children[fd])

    def receive(self, message: tuple[Any, ...]) -> None:
        """Obey the runner: ("preload", items), ("run", task, payload, seconds, bytes) or ("kill", task)."""
        match message:
            case ("preload", items):
                self._preload(items)
            case ("run", task, payload, timeout, memory):
                self._fork(task, payload, timeout, memory)
            case ("kill", task):
                for running in self.children.values():
                    if running.task == task:
                        self._kill(running, "stopped by the runner")

    def _preload(self, items: list[Item]) -> None:
        if not self.children:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing to clean up, and an import may take long
        try:
            preload(items)
        except BaseException as error:  # also a preload that calls sys.exit has to be told
            self._send("failed", f"{type(error).__name__}: {error}")
        else:
            self._send("ready")
        signal.signal(signal.SIGTERM, self._leave)

    def _fork(self, task: int, payload: bytes, timeout: float | None, memory: int | None) -> None:
        if problems := child.unsafe(quick=True):
            self._send("refused", task, "the warm parent became unsafe to fork: " + "; ".join(problems))
            return
        listen, speak = os.pipe()
        os.set_blocking(listen, False)
        started = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:  # no memory, too many processes
            os.close(listen)
            os.close(speak)
            self._send("refused", task, f"could not fork: {error}")
            return
        if pid == 0:
            mine = [self.connection.fileno(), self.alarm, self.alarm_end, listen, *self.children]
            child.run(payload, speak, mine, memory)  # never returns
        os.close(speak)
        deadline = started + timeout if timeout else None
        self.children[listen] = Running(task, pid, listen, deadline, started)
        self.selector.register(listen, selectors.EVENT_READ)
        self._send("started", task, pid)

    def _listen(self, running: Running) -> None:
        """Take what the child wrote; never blocks and never fails, whatever a broken child does."""
        try:
            data = os.read(running.pipe, 1 << 20)
        except BlockingIOError:
            return
        if not data:  # it closed its end; SIGCHLD tells when it is dead
            self.selector.unregister(running.pipe)
            return
        running.inbox += data
        with suppress(Exception):  # a cell that writes to our pipe by mistake harms its own report only
            for kind, body in child.frames(running.inbox):
                if kind == child.NOTE:
                    running.note, seconds = pickle.loads(body)
                    running.note_deadline = time.monotonic() + seconds if seconds else None
                else:
                    running.result = (kind, body)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for running in self.children.values():
            if running.due <= now and not running.killed:
                self._kill(running, f"timed out after {now - running.started:.1f} s")

    def _kill(self, running: Running, reason: str) -> None:
        running.killed = reason
        child.kill_group(running.pid)

    def _reap(self) -> None:
        for running in list(self.children.values()):
            gone = os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if gone is not None:
                self._end(running)

    def _end(self, running: Running) -> None:
        child.kill_group(running.pid)  # before the wait: until then nobody else can have this number
        if running.pipe in self.selector.get_map():
            self._listen(running)  # a dead child left at most a pipe full, less than one read takes
        _, status, usage = os.wait4(running.pid, 0)
        del self.children[running.pipe]
        if running.pipe in self.selector.get_map():
            self.selector.unregister(running.pipe)
        os.close(running.pipe)
        left = child.reap_orphans({other.pid for other in self.children.values()})
        seconds = time.monotonic() - running.started
        measured = (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, left)
        self._send("ended", running.task, running.result, status, running.killed, running.note, measured)

    def _send(self, *message: Any) -> None:
        self.connection.send_bytes(pickle.dumps(message))


def main(fd: int, runner: int) -> None:
    """Serve the runner, of this process id, at the other end of socket `fd`; its first message is its `sys.path`."""
    child.end_with(runner, signal.SIGTERM)
    connection = Connection(fd)
    del sys.path[0]  # the folder that we were started in; a kernel drops it too
    sys.path += [folder for folder in pickle.loads(connection.recv_bytes()) if folder and folder not in sys.path]
    child.adopt_orphans()
    Parent(connection).run()


if __name__ == "__main__":
    # By its own name, so that there is one copy of this module's state for whatever is preloaded.
    import_module(f"{__package__}.parent").main(int(sys.argv[1]), int(sys.argv[2]))
