"""Where the output of cells goes: messages to whoever runs the notebook, text to messages, descriptors to text."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import threading
from collections.abc import Callable
from typing import Any

from jupyter_client.session import Session

from cxkit.report.warm.wire import Message, Packed


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
