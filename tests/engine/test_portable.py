"""The portable line: both phases, both ends of TCP, TLS in the middle, foreign transports."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openline import ClientConnection, Opcode, ServerConnection, State
from openline.engine.portable import Line
from openline.engine.portable_engine import PortableEngine
from openline.protocol.frames import encode_frame
from openline.websocket.lines import line_class, make_line
from openline.websocket.options import Options

PATIENCE = 10.0

Event = tuple[str, Any]


async def until(condition: Callable[[], object]) -> None:
    """Turn the loop until ``condition()`` holds: for what has no event of its own."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.001)


class Receiver:
    """Notes what comes in the raw phase."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    def data_received(self, data: bytes) -> None:
        self.events.put_nowait(("data", data))

    def eof_received(self) -> None:
        self.events.put_nowait(("eof", None))

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.put_nowait(("lost", exc))

    def deadline_reached(self) -> None:
        self.events.put_nowait(("deadline", None))

    def drained(self) -> None:
        self.events.put_nowait(("drained", None))

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await self.events.get()

    async def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            kind, more = await self.next()
            assert kind == "data", (kind, more)
            data += more
        return data


def make(connection_class: type[Any] = ServerConnection, **options: Any) -> Any:
    engine = PortableEngine(asyncio.get_running_loop())
    return make_line(line_class(engine, connection_class), Options(**options))


@asynccontextmanager
async def adopted(
    connection_class: type[Any] = ServerConnection, *, small: bool = False, **options: Any
) -> AsyncIterator[tuple[Any, socket.socket]]:
    """A line, and the plain socket opposite."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if small:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    theirs.setblocking(False)
    line = make(connection_class, **options)
    with theirs:
        await PortableEngine(loop).adopt(ours, line)
        try:
            yield line, theirs
        finally:
            line.abort()
            await until(lambda: line.state is State.CLOSED)


async def send(sock: socket.socket, data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.get_running_loop().sock_sendall(sock, data)


async def receive(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    async with asyncio.timeout(PATIENCE):
        while len(data) < size:
            more = await asyncio.get_running_loop().sock_recv(sock, min(size - len(data), 1 << 18))
            if not more:
                break
            data += more
    return bytes(data)


# The raw phase.


async def test_raw_bytes_pass_both_ways() -> None:
    async with adopted() as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        await send(peer, b"question")
        assert await receiver.next() == ("data", b"question")
        assert line.write_raw(b"answer") == 0
        assert await receive(peer, 6) == b"answer"
        peer.shutdown(socket.SHUT_WR)
        assert await receiver.next() == ("eof", None)
        assert line.write_raw(b"still open") == 0
        assert await receive(peer, 10) == b"still open"
        line.close_descriptor()
        assert await receive(peer, 1) == b""
        assert await receiver.next() == ("lost", None)
        assert line.state is State.CLOSED


async def test_bytes_that_come_before_anybody_listens_are_kept() -> None:
    async with adopted() as (line, peer):
        await send(peer, b"early")
        peer.shutdown(socket.SHUT_WR)
        for _ in range(20):
            await asyncio.sleep(0)
        receiver = Receiver()
        line.begin_raw(receiver)
        assert await receiver.read(5) == b"early"
        assert await receiver.next() == ("eof", None)


async def test_a_connection_that_is_lost_before_anybody_listens_is_told_later() -> None:
    async with adopted() as (line, _):
        line.abort()
        await until(lambda: line.state is State.CLOSED)
        receiver = Receiver()
        line.begin_raw(receiver)
        assert receiver.events.empty()
        assert await receiver.next() == ("lost", None)


async def test_pause_raw_stops_reading() -> None:
    async with adopted() as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.pause_raw()
        await send(peer, b"later")
        for _ in range(20):
            await asyncio.sleep(0)
        assert receiver.events.empty()
        assert line.unread()
        line.resume_raw()
        assert await receiver.next() == ("data", b"later")
        assert not line.unread()


async def test_what_the_kernel_refuses_is_counted_and_drained_is_told_once() -> None:
    async with adopted(small=True) as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        unsent = line.write_raw(b"x" * 20_000_000)
        assert 0 < unsent == line.unsent < 20_000_000
        assert 0 <= line.taken <= line.written - unsent
        assert len(await receive(peer, 20_000_000)) == 20_000_000
        assert await receiver.next() == ("drained", None)
        assert line.unsent == 0
        await until(lambda: line.taken == 20_000_000)
        assert receiver.events.empty()


async def test_one_deadline_that_moves() -> None:
    async with adopted() as (line, _):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.set_deadline(0.001)
        line.set_deadline(None)
        await asyncio.sleep(0.01)
        assert receiver.events.empty()
        line.set_deadline(3600)
        line.set_deadline(0.001)
        assert await receiver.next() == ("deadline", None)
        line.set_deadline(3600)
        assert len(line._deadlines) == 1
    assert len(line._deadlines) == 0


async def test_half_close_waits_for_what_is_queued_and_goes_on_reading() -> None:
    async with adopted(small=True) as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.write_raw(b"x" * 10_000_000)
        line.half_close()
        line.half_close()
        assert len(await receive(peer, 10_000_001)) == 10_000_000
        await send(peer, b"still read")
        assert await receiver.next() == ("drained", None)
        assert await receiver.read(10) == b"still read"


async def test_discard_reads_and_throws_away_until_the_peers_end() -> None:
    async with adopted() as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.pause_raw()
        line.write_raw(b"last words")
        line.half_close()
        line.discard()
        await send(peer, b"x" * 10_000_000)
        assert await receive(peer, 11) == b"last words"
        peer.shutdown(socket.SHUT_WR)
        assert await receiver.next() == ("lost", None)


async def test_abort_with_bytes_unsent_resets() -> None:
    async with adopted(small=True) as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.write_raw(b"x" * 20_000_000)
        line.abort()
        assert line.state is State.CLOSING
        assert receiver.events.empty(), "never inside the call"
        assert (await receiver.next())[0] == "lost"
        with pytest.raises(ConnectionResetError):
            await receive(peer, 20_000_000)


async def test_a_reset_is_told_with_its_error() -> None:
    async with adopted() as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        peer.close()
        kind, error = await receiver.next()
        assert kind == "lost"
        assert isinstance(error, ConnectionResetError)


# TLS.


async def test_start_tls_in_the_middle(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    one, other = socket.socketpair()
    client, server = make(ClientConnection), make()
    await PortableEngine(loop).adopt(one, client)
    await PortableEngine(loop).adopt(other, server, server_side=True)
    at_client, at_server = Receiver(), Receiver()
    client.begin_raw(at_client)
    server.begin_raw(at_server)
    client.write_raw(b"CONNECT")
    assert await at_server.next() == ("data", b"CONNECT")
    server.write_raw(b"200")
    assert await at_client.next() == ("data", b"200")
    server.start_tls(server_tls, server_side=True)
    client.start_tls(client_tls, server_hostname="localhost")
    assert client.write_raw(b"waits for the handshake") > 0
    assert await at_server.read(23) == b"waits for the handshake"
    assert await at_client.next() == ("drained", None)
    server.write_raw(b"x" * 5_000_000)
    assert len(await at_client.read(5_000_000)) == 5_000_000
    assert client.get_extra_info("ssl_object") is not None
    client.half_close()
    assert (await at_server.next())[0] in ("eof", "drained")
    for line in (client, server):
        line.abort()
    await until(lambda: client.state is server.state is State.CLOSED)


async def test_a_failed_tls_handshake_is_a_lost_connection(client_tls: ssl.SSLContext) -> None:
    async with adopted(ClientConnection) as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        line.start_tls(client_tls, server_hostname="localhost")
        await send(peer, b"HTTP/1.1 400 this is no TLS\r\n\r\n")
        kind, error = await receiver.next()
        assert kind == "lost"
        assert isinstance(error, ssl.SSLError)
        await asyncio.sleep(0.01)
        assert receiver.events.empty(), "it is lost once"


# Frames.


def frame(opcode: Opcode, payload: bytes = b"", **shape: Any) -> bytes:
    return encode_frame(opcode, payload, mask=b"abcd", **shape)


def begin(line: Any, rest: bytes = b"") -> None:
    line.opened(b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", rest=rest)


async def test_frames_begin_with_what_came_after_the_head() -> None:
    async with adopted() as (line, peer):
        receiver = Receiver()
        line.begin_raw(receiver)
        await send(peer, b"head" + frame(Opcode.TEXT, b"one")[:4])
        assert await receiver.next() == ("data", b"head" + frame(Opcode.TEXT, b"one")[:4])
        begin(line, frame(Opcode.TEXT, b"one")[:4])
        await send(peer, frame(Opcode.TEXT, b"one")[4:] + frame(Opcode.BINARY, b"two"))
        assert [await line.recv(), await line.recv()] == ["one", b"two"]


async def test_what_comes_of_one_read_leaves_in_one_write() -> None:
    async with adopted() as (line, peer):
        begin(line)
        writes: list[bytes] = []
        transport_write = line._transport.write
        try:
            line._transport.write = lambda data: (writes.append(bytes(data)), transport_write(data))
        except AttributeError:
            pytest.skip("the transports of this loop cannot be watched")
        await send(peer, b"".join(frame(Opcode.PING, b"%d" % number) for number in range(10)))
        assert len(await receive(peer, 30)) == 30
        assert len(writes) == 1


async def test_a_ping_overtakes_what_waits_behind_a_full_transport() -> None:
    async with adopted(small=True) as (line, peer):
        begin(line)
        for _ in range(10):
            line.send_nowait(b"x" * 1_000_000)
        line._queue_urgent(Opcode.PING, encode_frame(Opcode.PING, b"urgent"))
        data = await receive(peer, 10 * 1_000_010 + 8)
        position = data.index(encode_frame(Opcode.PING, b"urgent"))
        assert position % 1_000_010 == 0, "it stands between two frames"
        assert position < 8 * 1_000_010


async def test_parsing_stops_where_the_queue_is_full_and_the_rest_stays_raw() -> None:
    async with adopted(max_queue_high=2, max_queue_low=0) as (line, peer):
        begin(line)
        await send(peer, b"".join(frame(Opcode.TEXT, b"%d" % number) for number in range(1000)))
        await until(lambda: line._queued() == 2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert line._queued() == 2
        assert line._queue_full()
        assert not line._reading
        assert [await line.recv() for _ in range(1000)] == [str(number) for number in range(1000)]


async def test_the_peers_end_waits_for_its_turn_behind_a_full_queue() -> None:
    async with adopted(max_queue_high=1, max_queue_low=0) as (line, peer):
        begin(line)
        await send(
            peer, frame(Opcode.TEXT, b"1") + frame(Opcode.TEXT, b"2") + frame(Opcode.CLOSE, b"\x03\xe8")
        )
        peer.shutdown(socket.SHUT_WR)
        assert [message async for message in line] == ["1", "2"]
        assert line.close_code == 1000


async def test_what_was_read_before_a_reset_can_still_be_received() -> None:
    async with adopted(max_queue_high=1, max_queue_low=0) as (line, peer):
        begin(line)
        await send(peer, b"".join(frame(Opcode.TEXT, b"%d" % number) for number in range(5)))
        await until(lambda: line._queued() == 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        peer.close()
        line.send_nowait("only who writes learns of it now")
        await until(lambda: line.state is State.CLOSED)
        assert [await line.recv() for _ in range(5)] == ["0", "1", "2", "3", "4"]


async def test_unread_asks_the_kernel_while_reading_is_paused() -> None:
    async with adopted() as (line, peer):
        begin(line)
        line.pause()
        assert not line.unread()
        await send(peer, frame(Opcode.TEXT, b"waits in the kernel"))
        await until(line.unread)


async def test_on_a_transport_that_somebody_else_owns() -> None:
    """A `Line` is an `asyncio.Protocol`; its factory may be given to any loop's own server."""
    loop = asyncio.get_running_loop()
    made: list[Any] = []

    def factory() -> Line:
        made.append(make())
        return made[-1]

    server = await loop.create_server(factory, "127.0.0.1", 0)
    with socket.socket() as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, server.sockets[0].getsockname())
        await until(lambda: made and made[0].get_extra_info("peername") is not None)
        line = made[0]
        begin(line)
        await send(peer, frame(Opcode.TEXT, b"hello"))
        assert await line.recv() == "hello"
        await line.send("and back")
        assert await receive(peer, 10) == b"\x81\x08and back"
        await send(peer, frame(Opcode.CLOSE, b"\x03\xe8"))
        assert await receive(peer, 5) == b"\x88\x02\x03\xe8"
    async with asyncio.timeout(PATIENCE):
        await line.wait_closed()
    server.close()
    await server.wait_closed()
