"""A relay between two ends of TCP connections, through which somebody watches all that passes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, cast

MAX_CONNECTIONS = 1_000  # at a time; a further one is closed at once
MAX_EARLY = 2**20  # bytes from a client before the server is reached; with more it is cut
WAITING = 2**16  # bytes that wait for the slower end before the faster one is read no more

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, zero seconds: closing sends RST

Direction = Literal["in", "out"]  # in: to the server


class Watcher:
    """What a relay tells of one connection. Called in the order of the bytes, before they are passed on."""

    __slots__ = ()

    def joined(self, local_port: int) -> None:
        """The server has been reached, and has seen nothing yet; to it the connection comes from this port."""

    def passed(self, direction: Direction, data: bytes) -> None:
        """These bytes have come, and go on to the other end."""

    def ended(self) -> None:
        """Both ends are closed, or were never joined; called once, last."""


class Relay:
    """Passes connections on to a server, byte for byte, and shows them to watchers.

    Where one end reads slowly, the other is read no faster: no more than `WAITING` bytes and one read wait on the way.
    A reset of one end resets the other; a FIN is passed on as a FIN.

    Args:
        target: Where the server listens.
        watch: Makes the watcher of a connection.
    """

    def __init__(self, target: tuple[str, int], watch: Callable[[], Watcher]) -> None:
        self._target = target
        self._watch = watch
        self._server: asyncio.Server | None = None
        self._passages: set[_Passage] = set()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._passages)

    async def listen(self, sock: socket.socket) -> None:
        """Accept connections on a bound socket, which is the relay's from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._make_end, sock=sock, backlog=512)

    async def close(self) -> None:
        """Stop listening, and reset all connections. Idempotent."""
        if self._server is not None:
            self._server.close()
        passages = list(self._passages)
        for passage in passages:
            passage.abort()
        await asyncio.gather(*(passage.over for passage in passages))

    def _make_end(self) -> _End:
        passage = _Passage(self._watch())
        if len(self._passages) >= MAX_CONNECTIONS:
            passage.refuse()
        else:
            self._passages.add(passage)
            passage.start(self._target, lambda: self._passages.discard(passage))
        return passage.client


class _Passage:
    """One connection: the client's end and the server's."""

    def __init__(self, watcher: Watcher) -> None:
        self.client = _End(self, "in")
        self.server = _End(self, "out")
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watcher = watcher
        self._joining: asyncio.Task[None] | None = None
        self._refused = False
        self._forget: Callable[[], None] = lambda: None

    def start(self, target: tuple[str, int], forget: Callable[[], None]) -> None:
        self._forget = forget
        self._joining = asyncio.create_task(self._join(target))

    def refuse(self) -> None:
        self._refused = True

    async def _join(self, target: tuple[str, int]) -> None:
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self.server, *target)
        except OSError:
            self._joining = None  # or it would be cancelled from within
            self.abort()
        else:
            self.client.resume_reading()
        finally:
            self._joining = None
            self.check()

    def connected(self, end: _End) -> None:
        if self._refused:
            end.abort()
        elif end is self.client:
            end.pause_reading()  # until there is somewhere to go
        else:
            self._watcher.joined(end.local_port)

    def other(self, end: _End) -> _End:
        return self.server if end is self.client else self.client

    def passed(self, end: _End, data: bytes) -> None:
        self._watcher.passed(end.direction, data)
        self.other(end).write(data)

    def abort(self) -> None:
        if self._joining is not None:
            self._joining.cancel()
        self.client.abort()
        self.server.abort()
        self.check()

    def lost(self, end: _End, error: Exception | None) -> None:
        if error is not None:
            self.other(end).abort()
        else:
            self.other(end).close()
        if end is self.client and self._joining is not None:
            self._joining.cancel()
        self.check()

    def check(self) -> None:
        if self._joining is None and self.client.gone and self.server.gone and not self.over.done():
            self.over.set_result(None)
            self._forget()
            self._watcher.ended()


class _End(asyncio.Protocol):
    """One of the two sockets."""

    def __init__(self, passage: _Passage, direction: Direction) -> None:
        self.direction: Direction = direction
        self._passage = passage
        self._transport: asyncio.Transport | None = None
        self._lost = False
        self._unwanted = False
        self._early = bytearray()  # uvloop reads once although reading is paused when the connection is made
        self._early_eof = False
        self.finished = False  # its FIN has come

    @property
    def gone(self) -> bool:
        return self._lost or self._transport is None

    @property
    def local_port(self) -> int:
        assert self._transport is not None
        return self._transport.get_extra_info("sockname")[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(WAITING)
        self._set(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._passage.connected(self)
        if self._unwanted:
            self.abort()
        elif self._early:
            self._transport.write(bytes(self._early))
            self._early.clear()
        if self._early_eof:
            self.write_eof()

    def data_received(self, data: bytes) -> None:
        self._passage.passed(self, data)

    def eof_received(self) -> bool:
        self.finished = True
        other = self._passage.other(self)
        other.write_eof()
        if other.finished:
            other.close()
            self.close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._passage.lost(self, exc)

    def pause_writing(self) -> None:
        self._passage.other(self).pause_reading()

    def resume_writing(self) -> None:
        self._passage.other(self).resume_reading()

    # What the passage asks of it; nothing of it fails on a socket that is closed already.

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._early += data
            if len(self._early) > MAX_EARLY:
                self._passage.abort()
        elif not self._transport.is_closing():
            self._transport.write(data)

    def write_eof(self) -> None:
        if self._transport is None:
            self._early_eof = True
        elif not self._transport.is_closing():
            self._transport.write_eof()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        self._unwanted = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self._unwanted = True
        if self._transport is not None:
            self._set(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        assert self._transport is not None
        sock: Any = self._transport.get_extra_info("socket")
        with suppress(OSError):  # it may be closed already
            sock.setsockopt(level, option, value)
