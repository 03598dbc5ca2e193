"""The way between an SDK and a hub: a proxy that cuts every line, and a hub that can be stopped and started again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import openline
from openline.hub import Hub

from .client import Address


class Line:
    """A TCP proxy.

    Attributes:
        address: Where it listens.
        up: Whether it lets new connections through.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._writers: set[asyncio.StreamWriter] = set()
        self.up = True
        self.port = 0

    @property
    def address(self) -> Address:
        return Address(f"127.0.0.1:{self.port}")

    def cut(self, *, for_good: bool = False) -> None:
        """Abort every connection, with whatever is under way.

        Args:
            for_good: And let none through, until ``up`` is set again.
        """
        self.up = not for_good
        for writer in self._writers:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
        # Half closed, so that what is under way the other way still arrives.
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.up:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, back}
        self._writers |= both
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Line]:
        """A proxy to this port."""
        line = cls(port)
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(line.accept(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        line.port = server.sockets[0].getsockname()[1]
        try:
            yield line
        finally:
            server.close()
            line.cut()
            if tasks:
                await asyncio.wait(tasks)


@contextlib.asynccontextmanager
async def served(hub: Hub, port: int = 0) -> AsyncIterator[int]:
    """Serve a hub; gives the port."""
    async with openline.serve(hub, "127.0.0.1", port) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def reachable(hub: Hub) -> AsyncIterator[Line]:
    """Serve a hub behind a line that can be cut."""
    async with served(hub) as port, Line.to(port) as line:
        yield line


class Restarting:
    """A hub that is made anew at each start, on the same port."""

    def __init__(self, make: Callable[[], Hub]) -> None:
        self._make = make
        self._port = 0
        self._stack = contextlib.AsyncExitStack()
        self.hub: Hub

    async def start(self) -> None:
        self.hub = self._make()
        self._port = await self._stack.enter_async_context(served(self.hub, self._port))

    async def stop(self) -> None:
        await self._stack.aclose()

    @property
    def address(self) -> Address:
        return Address(f"127.0.0.1:{self._port}")
