"""Relay: every byte, in order, in both directions; a FIN as a FIN, a reset as a reset; nothing without bound."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvloop

from openline.playground import relay as module
from openline.playground.relay import Direction, Relay, Watcher
from tests.conftest import loop_factory

uvloop.new_event_loop().close()  # it opens a pipe for good, once in a process

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Notes(Watcher):
    def __init__(self) -> None:
        self.port = 0
        self.bytes: dict[Direction, bytearray] = {"in": bytearray(), "out": bytearray()}
        self.over = asyncio.Event()

    def joined(self, local_port: int) -> None:
        self.port = local_port

    def passed(self, direction: Direction, data: bytes) -> None:
        self.bytes[direction] += data

    def ended(self) -> None:
        assert not self.over.is_set()
        self.over.set()


@asynccontextmanager
async def relayed(serve: Serve) -> AsyncIterator[tuple[Relay, int, list[Notes]]]:
    """A relay before a server; gives it, its port, and the watchers that it made."""
    notes: list[Notes] = []

    def watch() -> Notes:
        notes.append(Notes())
        return notes[-1]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        relay = Relay(server.sockets[0].getsockname(), watch)
        sock = socket.create_server(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        await relay.listen(sock)
        try:
            yield relay, port, notes
        finally:
            await relay.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
    writer.close()


async def test_all_bytes_pass_in_order_and_are_shown() -> None:
    sent = bytes(range(256)) * 4000
    async with relayed(echo) as (relay, port, notes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent
        writer.close()
        await writer.wait_closed()
        await notes[0].over.wait()
        assert notes[0].bytes == {"in": sent, "out": sent}
        assert relay.connections == 0


async def test_the_watcher_is_told_the_port_that_the_server_sees() -> None:
    seen: list[int] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[1])
        writer.close()

    async with relayed(note) as (_, port, notes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        await notes[0].over.wait()
        assert seen == [notes[0].port]


async def test_what_comes_after_a_fin_of_one_side_still_passes() -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.read()
        writer.write(question.upper())
        writer.close()

    async with relayed(answer_at_the_end) as (_, port, _notes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"HELLO"
        writer.close()
        await writer.wait_closed()


async def test_a_reset_is_passed_on_as_a_reset() -> None:
    errors: asyncio.Queue[BaseException | None] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(1)
            writer.write(b"x")
            await reader.readexactly(1)
        except (OSError, asyncio.IncompleteReadError) as error:
            errors.put_nowait(error)
        writer.close()

    async with relayed(note) as (_, port, _notes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x")
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        assert isinstance(await errors.get(), ConnectionError)


async def test_where_nobody_listens_the_client_is_cut(closed_port: int) -> None:
    watched = Notes()
    relay = Relay(("127.0.0.1", closed_port), lambda: watched)
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    await relay.listen(sock)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(ConnectionResetError):  # a FIN does as well
        assert await reader.read() == b""
    writer.close()
    await watched.over.wait()
    await relay.close()


async def test_one_too_many_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 1)
    async with relayed(echo) as (relay, port, notes):
        first_reader, first = await asyncio.open_connection("127.0.0.1", port)
        first.write(b"1")
        assert await first_reader.readexactly(1) == b"1"
        reader, second = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert relay.connections == 1
        assert notes[1].bytes == {"in": b"", "out": b""}
        for writer in (first, second):
            writer.close()


async def test_a_side_that_does_not_read_holds_up_the_other() -> None:
    """What waits in the relay is bounded: the sender's own buffers fill, and its sending stops."""
    held = asyncio.Event()
    goes_on = asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        held.set()
        await goes_on.wait()
        writer.close()

    async with relayed(never_read) as (_, port, notes):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await held.wait()
        total = 64 * 2**20
        writer.write(bytes(total))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await writer.drain()
        assert len(notes[0].bytes["in"]) < total // 2
        goes_on.set()
        writer.transport.abort()


def test_what_comes_before_the_server_is_reached_is_not_lost() -> None:
    """Reading is paused until then; uvloop reads once all the same."""

    async def ask() -> bytes:
        async with relayed(echo) as (_, port, _notes):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(b"early")  # before the relay's loop has had a turn
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
            answer = b""
            loop = asyncio.get_running_loop()
            while data := await loop.sock_recv(sock, 100):
                answer += data
            sock.close()
            return answer

    for factory in (loop_factory(), uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=factory) as runner:
            assert runner.run(ask()) == b"early"
