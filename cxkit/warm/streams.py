"""Where the output of cells goes: messages to whoever runs the notebook, as bytes on a stream socket."""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import io
import os
import pickle
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from jupyter_client.jsonutil import extract_dates
from jupyter_client.session import Session


class Recorder(Session):
    """A kernel's session whose messages go to `deliver(channel, packed)`."""

    deliver: Callable[[str, Packed], None] | None = None

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, ident: Any = None,
             buffers: Any = None, track: Any = False, header: Any = None, metadata: Any = None) -> Message:  # fmt: skip
        """Pack a message as for the wire, with the wire's errors, and deliver it."""
        if isinstance(msg_or_type, dict):
            message: Message = msg_or_type
        else:
            message = self.msg(msg_or_type, content=content, parent=parent, header=header, metadata=metadata)
        if self.deliver is not None and os.getpid() == self.pid:  # not from a process that a cell forked
            channel = "shell" if message["msg_type"].endswith("_reply") else "iopub"
            self.deliver(channel, (self.pack(message), [bytes(buffer) for buffer in buffers or ()]))
        return message


class Stream(io.TextIOBase):
    """What `sys.stdout` or `sys.stderr` is while a cell runs: text is collected and sent when it is flushed."""

    encoding = "UTF-8"

    def __init__(self, kernel: Any, name: str, fd: int) -> None:
        self.kernel, self.name, self.fd = kernel, name, fd
        self.pid = os.getpid()
        self._text: list[str] = []
        self._parent: Message = {}
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Collect text, after what came over the file descriptors in the meantime."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self.pid:  # a process that a cell forked: its copy of the buffer would never be sent
            os.write(self.fd, text.encode())
        else:
            self.kernel.capture.collect()
            self.put(text)
        return len(text)

    def put(self, text: str) -> None:
        """Collect text under the cell that the calling thread belongs to."""
        parent = self.kernel.get_parent()
        with self._lock:
            if parent is not self._parent:
                self._send()
                self._parent = parent
            self._text.append(text)

    def flush(self) -> None:
        """Send what was collected."""
        if os.getpid() == self.pid:
            self.kernel.capture.collect()
            with self._lock:
                self._send()

    def _send(self) -> None:
        text = "".join(self._text).encode("utf-8", "replace").decode()  # a lone surrogate cannot travel
        self._text.clear()
        if text:
            self.kernel.session.send(None, "stream", {"name": self.name, "text": text}, parent=self._parent)

    def fileno(self) -> int:
        """The file descriptor that is captured, so that `subprocess.run(..., stdout=sys.stdout)` shows in the cell."""
        return self.fd

    def isatty(self) -> bool:
        """No terminal."""
        return False

    def writable(self) -> bool:
        """It can be written to."""
        return True


class Capture:
    """Files in place of the descriptors 1 and 2: what subprocesses and C code write, without a thread that reads it."""

    def __init__(self, streams: tuple[Stream, Stream]) -> None:
        self.streams = streams
        self.files = [os.memfd_create(stream.name) for stream in streams]
        for file in self.files:
            fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
        self.read = [0, 0]
        self.decoders = [codecs.getincrementaldecoder("utf-8")("replace") for _ in streams]

    def collect(self) -> None:
        """Hand over what was written since the last call."""
        for index, (file, stream) in enumerate(zip(self.files, self.streams, strict=True)):
            if (size := os.fstat(file).st_size) > self.read[index]:
                data = os.pread(file, size - self.read[index], self.read[index])
                self.read[index] += len(data)
                if text := self.decoders[index].decode(data):
                    stream.put(text)

    def close(self) -> None:
        """Close the files; processes that still write to them keep theirs."""
        for file in self.files:
            os.close(file)


Message = dict[str, Any]
Packed = tuple[bytes, list[bytes]]
"""A message packed by its session, and its binary buffers (of widgets)."""

_SIZE = struct.Struct(">I")


def unpack(packed: Packed, session: Session) -> Message:
    """A message as nbclient and the kernel expect it off the wire."""
    message: Message = session.unpack(packed[0])
    message["header"] = extract_dates(message["header"])
    message["buffers"] = packed[1]
    return message


class Wire:
    """One end of a blocking socket with one reader, which waits in an event loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.inbox = sock, bytearray()
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None

    def send(self, packed: Packed) -> None:
        """Send a message; one to a dead peer is lost, whoever waits for an answer notices."""
        body = pickle.dumps(packed)
        with suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(_SIZE.pack(len(body)) + body)

    async def receive(self) -> Packed | None:
        """The next message, None when the peer is gone. May be cancelled at any time without loss."""
        while (message := self._take()) is None:
            await self._readable()
            try:
                data = self.sock.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.inbox += data
        return message

    def _take(self) -> Packed | None:
        if len(self.inbox) < _SIZE.size or len(self.inbox) < (end := _SIZE.size + _SIZE.unpack_from(self.inbox)[0]):
            return None
        packed: Packed = pickle.loads(self.inbox[_SIZE.size : end])
        del self.inbox[:end]
        return packed

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting = (loop, future)
        loop.add_reader(self.sock, _finish, future)
        try:
            await future
        finally:
            self._forget()

    def _forget(self) -> None:
        if self._waiting is not None:
            loop, _ = self._waiting
            self._waiting = None
            if not loop.is_closed():
                loop.remove_reader(self.sock)

    def close(self) -> None:
        """Close the socket; a reader that nbclient left waiting is cancelled, so that its number can be used again."""
        if self._waiting is not None:
            loop, future = self._waiting
            self._forget()
            if not loop.is_closed():
                future.cancel()
        self.sock.close()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
