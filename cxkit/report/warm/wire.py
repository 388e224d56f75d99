"""Messages of a kernel as bytes on a stream socket."""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from contextlib import suppress
from typing import Any

from jupyter_client.jsonutil import extract_dates
from jupyter_client.session import Session

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
