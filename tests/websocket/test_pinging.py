"""Pings, pongs, and the keepalive on real connections; its rules alone are in test_keepalive."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from openline import ConcurrencyError, ConnectionClosed, ConnectionClosedError, Opcode, ProtocolError, State
from openline.protocol.close_codes import Close
from openline.websocket.pinging import MAX_PENDING_PINGS

from .pair import PATIENCE, meeting, pair, port_of, raw_client, raw_pair, until

pytestmark = pytest.mark.engine

QUICK = {"ping_interval": 0.2, "ping_timeout": 0.2}


async def test_5_5_3_the_pong_gives_the_latency() -> None:
    async with pair(ping_interval=None) as (_, client):
        assert client.latency == 0
        pong = await client.ping()
        latency = await asyncio.wait_for(pong, PATIENCE)
        assert 0 < latency < 5
        assert client.latency == latency
        assert client.pings is None


@pytest.mark.parametrize(
    ("data", "payload"), [("é", b"\xc3\xa9"), (b"x", b"x"), (bytearray(b"y"), b"y"), (b"", b"")]
)
async def test_5_5_2_the_payload_is_what_was_asked_for(data: str | bytes, payload: bytes) -> None:
    async with raw_pair() as (server, raw):
        await server.ping(data)
        assert await raw.receive() == (Opcode.PING, payload, True, 0)
        await server.pong(data)
        assert await raw.receive() == (Opcode.PONG, payload, True, 0)


async def test_without_data_the_payload_is_four_bytes_that_differ() -> None:
    async with raw_pair() as (server, raw):
        await server.ping()
        await server.ping()
        first, second = await raw.receive(), await raw.receive()
        assert len(first.payload) == len(second.payload) == 4
        assert first.payload != second.payload


async def test_5_5_3_a_pong_answers_all_earlier_pings_too() -> None:
    async with raw_pair() as (server, raw):
        first, second, third = [await server.ping(data) for data in ("1", "2", "3")]
        await raw.send_frame(Opcode.PONG, b"nobody asked")
        await raw.send_frame(Opcode.PONG, b"2")
        assert await asyncio.wait_for(first, PATIENCE) >= await asyncio.wait_for(second, PATIENCE)
        assert not third.done()
        await raw.send_frame(Opcode.PONG, b"3")
        await asyncio.wait_for(third, PATIENCE)


async def test_the_same_data_twice_is_refused_until_it_was_answered() -> None:
    async with pair(ping_interval=None) as (_, client):
        pong = await client.ping("same")
        with pytest.raises(ConcurrencyError):
            await client.ping(b"same")
        await pong
        await (await client.ping("same"))


async def test_pings_that_nobody_answers_are_bounded() -> None:
    async with raw_pair(ping_interval=None) as (server, _):
        for _ in range(MAX_PENDING_PINGS):
            await server.ping()
        with pytest.raises(ConcurrencyError, match="1024"):
            await server.ping()


async def test_5_5_a_long_or_wrong_payload_is_refused() -> None:
    async with pair() as (_, client):
        with pytest.raises(ProtocolError):
            await client.ping(b"x" * 126)
        with pytest.raises(ProtocolError):
            await client.pong(b"x" * 126)
        with pytest.raises(TypeError):
            await client.ping(42)
        assert client.state is State.OPEN
        assert not client.pings


async def test_pings_fail_when_the_connection_ends() -> None:
    async with raw_pair(ping_interval=None) as (server, raw):
        pong = await server.ping()
        forgotten = await server.ping()
        raw.sock.close()
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(pong, PATIENCE)
        assert forgotten.done()
        with pytest.raises(ConnectionClosed):
            await server.ping()
        with pytest.raises(ConnectionClosed):
            await server.pong()


async def test_a_cancelled_wait_for_a_pong_harms_nobody() -> None:
    async with raw_pair(ping_interval=None) as (server, raw):
        first, second = await server.ping("1"), await server.ping("2")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first, 0.01)
        await raw.send_frame(Opcode.PONG, b"2")
        await asyncio.wait_for(second, PATIENCE)


async def test_5_5_3_while_output_is_blocked_only_the_newest_ping_is_answered() -> None:
    async with raw_pair(receive_buffer=4096, max_unsent=None) as (server, raw):
        server.send_nowait(b"x" * 5_000_000)
        assert server.unsent > 0
        for number in range(100):
            await raw.send_frame(Opcode.PING, b"%d" % number)
        await raw.send_frame(Opcode.TEXT, b"read all of them")
        assert await server.recv() == "read all of them"
        assert len((await raw.receive()).payload) == 5_000_000
        assert await raw.receive() == (Opcode.PONG, b"99", True, 0)
        server.send_nowait("nothing between")
        assert await raw.receive() == (Opcode.TEXT, b"nothing between", True, 0)


async def test_a_ping_overtakes_queued_messages_at_the_next_frame_boundary() -> None:
    async with raw_pair(receive_buffer=4096, max_unsent=None, ping_interval=None) as (server, raw):
        for _ in range(20):
            server.send_nowait(b"x" * 1_000_000)
        await server.ping(b"urgent")
        opcodes = [(await raw.receive()).opcode for _ in range(21)]
        assert opcodes.index(Opcode.PING) < 12, "it waited behind messages that had not begun"
        assert opcodes.count(Opcode.BINARY) == 20


async def test_the_keepalive_measures_the_latency_of_an_idle_connection() -> None:
    async with pair(ping_interval=0.05, ping_timeout=5) as (_, client):
        await until(lambda: client.latency > 0, "a pong has come")
        first = client.latency
        await until(lambda: client.latency != first, "another one has come")
        assert client.state is State.OPEN


async def test_a_silent_peer_is_given_up_after_interval_and_timeout() -> None:
    started = time.monotonic()
    async with raw_pair(**QUICK, close_timeout=None) as (server, raw):
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert 0.39 <= time.monotonic() - started < 3
        error = server._closed_error()
        assert (error.rcvd, error.sent) == (None, Close(1011, "keepalive ping timeout"))
        assert server.close_code == 1006
        assert (await raw.receive()).opcode is Opcode.PING
        close = await raw.receive()
        assert (close.opcode, Close.parse(close.payload)) == (
            Opcode.CLOSE,
            Close(1011, "keepalive ping timeout"),
        )


async def test_a_dead_peer_is_found_while_the_send_queue_is_full() -> None:
    async with raw_pair(**QUICK, receive_buffer=4096, max_unsent=None, close_timeout=None) as (server, _):
        server.send_nowait(b"x" * 20_000_000)
        started = time.monotonic()
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert time.monotonic() - started < 3
        assert server.close_code == 1006


async def test_any_byte_from_the_peer_is_a_sign_of_life() -> None:
    async with raw_pair(**QUICK) as (server, raw):
        for _ in range(12):
            await raw.send_frame(Opcode.TEXT, b"alive, but no pong")
            await asyncio.sleep(0.1)
        assert server.state is State.OPEN
        assert server.pings is not None
        assert len(server.pings) <= 1, "pings that are never answered do not pile up"


async def test_a_peer_that_reads_a_large_frame_slowly_is_not_given_up() -> None:
    async with raw_pair(ping_interval=0.2, ping_timeout=0.4, receive_buffer=4096, max_unsent=None) as (
        server,
        raw,
    ):
        server.send_nowait(b"x" * 4_000_000)
        started = time.monotonic()
        received = 0
        while received < 4_000_000:
            received += len(await raw.read())
            if time.monotonic() - started < 2.0:
                await asyncio.sleep(0.05)
        assert server.state is State.OPEN


async def test_pausing_does_not_kill_a_peer_that_lives() -> None:
    async with pair(QUICK) as (server, client):
        server.pause()
        await asyncio.sleep(1.2)
        assert server.state is State.OPEN
        await client.send("still here")
        server.resume()
        assert await asyncio.wait_for(server.recv(), PATIENCE) == "still here"


async def test_a_full_queue_does_not_kill_a_peer_that_lives() -> None:
    async with pair({**QUICK, "max_queue": 1}) as (server, client):
        for number in range(10):
            await client.send(str(number))
        await asyncio.sleep(1.2)
        assert server.state is State.OPEN
        assert [await server.recv() for _ in range(10)] == [str(number) for number in range(10)]


async def test_a_blocked_loop_does_not_kill_a_peer_that_lives() -> None:
    async with meeting(**QUICK) as (server, handler):
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PONGS, str(port_of(server)), stdout=asyncio.subprocess.PIPE
        )
        ws = await handler.next()
        await until(lambda: ws.latency > 0, "a pong has come")
        for _ in range(3):
            time.sleep(0.9)  # noqa: ASYNC251 - that is the point
            await asyncio.sleep(0.05)
            assert ws.state is State.OPEN
        handler.over.set()
        await client.wait()


PONGS = """
import socket, sys, os
from openline import Opcode
from openline.protocol.frames import encode_frame, parse_header
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
             b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n")
data = b""
while b"\\r\\n\\r\\n" not in data:
    data += sock.recv(4096)
data = data.partition(b"\\r\\n\\r\\n")[2]
while True:
    header = parse_header(data)
    if header is None or len(data) < header.size + header.length:
        more = sock.recv(4096)
        if not more:
            break
        data += more
        continue
    payload, data = data[header.size : header.size + header.length], data[header.size + header.length :]
    if header.opcode in (Opcode.PING, Opcode.CLOSE):
        answer = Opcode.PONG if header.opcode is Opcode.PING else Opcode.CLOSE
        sock.sendall(encode_frame(answer, payload, mask=os.urandom(4)))
"""
"""A client in another process, which our blocked loop does not block."""


async def test_ping_interval_none_sends_nothing() -> None:
    async with raw_pair(ping_interval=None, ping_timeout=0.05) as (server, raw):
        await asyncio.sleep(0.3)
        server.send_nowait("the first frame")
        assert (await raw.receive()).opcode is Opcode.TEXT


async def test_ping_timeout_none_never_gives_up() -> None:
    async with raw_pair(ping_interval=0.05, ping_timeout=None) as (server, raw):
        await asyncio.sleep(0.5)
        assert server.state is State.OPEN
        pings = [await raw.receive() for _ in range(5)]
        assert {ping.opcode for ping in pings} == {Opcode.PING}


async def test_many_raw_clients_answer_in_their_own_time() -> None:
    async with (
        meeting(ping_interval=0.1, ping_timeout=5) as (server, handler),
        raw_client(port_of(server)) as one,
        raw_client(port_of(server)) as two,
    ):
        first, second = await handler.next(), await handler.next()
        for raw in (one, two):
            ping = await raw.receive()
            await raw.send_frame(Opcode.PONG, ping.payload)
        await until(lambda: first.latency > 0 and second.latency > 0, "both were measured")
