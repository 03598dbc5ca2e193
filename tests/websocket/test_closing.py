"""How a connection ends, as RFC 6455 section 7 has it: who says what, who waits for whom, and for how long."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from typing import Any

import pytest

from openline import (
    ConnectionClosedError,
    ConnectionClosedOK,
    Listener,
    Opcode,
    ProtocolError,
    ServerConnection,
    State,
    connect,
    serve,
)
from openline.protocol.close_codes import Close

from .pair import PATIENCE, meeting, pair, port_of, raw_client, raw_pair, until

pytestmark = pytest.mark.engine


async def test_7_1_2_both_ends_see_the_codes_and_the_order() -> None:
    async with pair() as (server, client):
        await client.close(1001, "bye")
        assert (client.close_code, client.close_reason) == (1001, "bye")
        assert (client.state, client._closed_error().rcvd_then_sent) == (State.CLOSED, False)
        with pytest.raises(ConnectionClosedOK) as info:
            await server.recv()
        assert (info.value.rcvd, info.value.rcvd_then_sent) == (Close(1001, "bye"), True)
        assert str(info.value) == "received 1001 (going away) bye; then sent 1001 (going away) bye"


async def test_codes_are_none_until_the_connection_is_closed() -> None:
    async with pair() as (server, client):
        assert (client.close_code, client.close_reason) == (None, None)
        client.begin_close()
        assert client.state is State.CLOSING
        assert client.close_code is None
        await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1000, "")
        await server.wait_closed()


async def test_close_is_idempotent_and_may_be_waited_for_by_many() -> None:
    async with pair() as (_, client):
        await asyncio.gather(client.close(1000), client.close(1001), client.wait_closed())
        await client.close(1011)
        assert client._closed_error().sent == Close(1000, "")


async def test_a_cancelled_close_goes_on_closing() -> None:
    async with pair() as (_, client):
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await asyncio.wait_for(client.wait_closed(), PATIENCE)
        assert client.close_code == 1000


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 5000])
async def test_7_4_a_code_that_may_not_be_sent_is_refused_and_the_connection_stays_open(code: int) -> None:
    async with pair() as (server, client):
        with pytest.raises(ProtocolError):
            await client.close(code)
        await client.send("still open")
        assert await server.recv() == "still open"


async def test_5_5_a_reason_over_123_bytes_is_refused() -> None:
    async with pair() as (_, client):
        with pytest.raises(ProtocolError):
            await client.close(1000, "a" * 124)
        assert client.state is State.OPEN


async def test_the_close_frame_goes_behind_what_is_queued() -> None:
    async with pair(max_size=None) as (server, client):
        for _ in range(5):
            server.send_nowait(b"x" * 1_000_000)
        server.begin_close()
        received = [message async for message in client]
        assert [len(message) for message in received] == [1_000_000] * 5


async def test_7_1_1_the_server_shuts_down_first_and_then_waits_for_the_client() -> None:
    async with raw_pair() as (server, raw):
        await raw.send_frame(Opcode.CLOSE, Close(1000, "").serialize())
        assert (await raw.receive()).opcode is Opcode.CLOSE
        assert await raw.read() == b""  # FIN
        assert server.state is State.CLOSING
        await raw.send(b"what nobody reads is discarded, and does not reset")
        raw.sock.close()
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert server.close_code == 1000


async def test_7_1_1_the_server_waits_for_the_clients_end_no_longer_than_close_timeout() -> None:
    async with raw_pair(close_timeout=0.2) as (server, raw):
        started = time.monotonic()
        await raw.send_frame(Opcode.CLOSE, Close(1000, "").serialize())
        assert (await raw.receive()).opcode is Opcode.CLOSE
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert 0.19 <= time.monotonic() - started < 5


async def test_a_peer_that_does_not_answer_a_close_is_aborted_at_close_timeout() -> None:
    async with raw_pair(close_timeout=0.2) as (server, raw):
        started = time.monotonic()
        await server.close(1001)
        assert 0.19 <= time.monotonic() - started < 5
        error = server._closed_error()
        assert (server.close_code, error.rcvd, error.sent) == (1006, None, Close(1001, ""))
        assert isinstance(error.__cause__, TimeoutError)
        assert (await raw.receive()).opcode is Opcode.CLOSE


async def test_close_timeout_none_waits() -> None:
    async with raw_pair(close_timeout=None) as (server, raw):
        closing = asyncio.create_task(server.close())
        done, _ = await asyncio.wait([closing], timeout=0.1)
        assert not done
        raw.sock.close()
        await asyncio.wait_for(closing, PATIENCE)


async def test_7_1_5_an_end_without_a_close_frame_is_1006() -> None:
    async with raw_pair() as (server, raw):
        raw.sock.close()
        with pytest.raises(ConnectionClosedError, match="no close frame received or sent"):
            await server.recv()
        assert (server.close_code, server.close_reason) == (1006, "")


async def test_a_close_that_waits_behind_a_full_queue_of_messages_is_found() -> None:
    async with raw_pair(max_queue=1) as (server, raw):
        burst = b"".join(raw.frame(Opcode.TEXT, b"x") for _ in range(10))
        await raw.send(burst + raw.frame(Opcode.CLOSE, Close(1000, "").serialize()))
        await until(lambda: server._queued() == 1, "the queue is full")
        await asyncio.gather(asyncio.wait_for(server.close(), PATIENCE), _read_and_close(raw))
        assert server.close_code == 1000


async def _read_and_close(raw) -> None:  # type: ignore[no-untyped-def]
    await raw.read_to_end()
    raw.sock.close()


@pytest.mark.parametrize("paused", [False, True])
async def test_close_of_a_paused_connection_reads_the_answer(paused: bool) -> None:
    async with pair(max_queue=1) as (server, client):
        for _ in range(20):
            await server.send("more than the queue takes")
        if paused:
            client.pause()
        await asyncio.wait_for(client.close(), PATIENCE)
        assert client.close_code == 1000


async def test_5_5_1_messages_before_the_peers_close_are_answered_first() -> None:
    async def echo(ws: ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with serve(echo, "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        await raw.send(
            raw.frame(Opcode.TEXT, b"one")
            + raw.frame(Opcode.TEXT, b"two")
            + raw.frame(Opcode.CLOSE, b"\x03\xe8")
        )
        assert [await raw.receive() for _ in range(3)] == [
            (Opcode.TEXT, b"one", True, 0),
            (Opcode.TEXT, b"two", True, 0),
            (Opcode.CLOSE, b"\x03\xe8", True, 0),
        ]


async def test_7_1_7_messages_before_a_fault_are_answered_first() -> None:
    async def echo(ws: ServerConnection) -> None:
        async for message in ws:
            await ws.send(message)

    async with serve(echo, "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        await raw.send(raw.frame(Opcode.TEXT, b"good") + raw.frame(Opcode.TEXT, b"bad", rsv=0x20))
        assert (await raw.receive())[:2] == (Opcode.TEXT, b"good")
        close = await raw.receive()
        assert (close.opcode, Close.parse(close.payload).code) == (Opcode.CLOSE, 1002)
        assert "RFC 6455 section 5.2" in Close.parse(close.payload).reason


async def test_5_5_1_a_program_that_never_receives_delays_the_answer_only_shortly() -> None:
    async with raw_pair() as (server, raw):
        started = time.monotonic()
        await raw.send_frame(Opcode.CLOSE, b"\x03\xe8")
        assert (await raw.receive()).opcode is Opcode.CLOSE
        assert time.monotonic() - started < 0.9
        await raw.send_frame(Opcode.TEXT, b"ignored")
        assert server.state is State.CLOSING


async def test_while_the_peers_close_waits_its_turn_everything_can_be_sent() -> None:
    async with raw_pair() as (server, raw):
        await raw.send(raw.frame(Opcode.TEXT, b"one") + raw.frame(Opcode.CLOSE, b"\x03\xe8"))
        await until(lambda: server.extra.deferred, "the Close frame has come")
        assert server.state is State.OPEN
        await server.send("text")
        await server.send(iter(["in", "parts"]))
        await server.ping(b"ping")
        await server.pong(b"pong")
        assert server.send_nowait(b"binary") == 0
        assert await server.recv() == "one"
        with pytest.raises(ConnectionClosedOK):
            await asyncio.gather(server.recv(), _read_and_close_after(raw, 8))


async def _read_and_close_after(raw, frames: int) -> None:  # type: ignore[no-untyped-def]
    opcodes = [(await raw.receive()).opcode for _ in range(frames)]
    assert opcodes[-1] is Opcode.CLOSE
    assert sorted(opcodes[:-1]) == sorted(
        [Opcode.TEXT, Opcode.TEXT, Opcode.CONT, Opcode.CONT, Opcode.PING, Opcode.PONG, Opcode.BINARY]
    )
    raw.sock.close()


async def test_5_5_2_pings_are_answered_after_our_close_frame_too() -> None:
    async with raw_pair() as (server, raw):
        closing = asyncio.create_task(server.close())
        assert (await raw.receive()).opcode is Opcode.CLOSE
        await raw.send_frame(Opcode.PING, b"still there?")
        assert (await raw.receive())[:2] == (Opcode.PONG, b"still there?")
        await raw.send_frame(Opcode.CLOSE, b"\x03\xe8")
        assert await raw.read() == b""
        raw.sock.close()
        await asyncio.wait_for(closing, PATIENCE)


async def test_closing_fails_a_fragmented_message_with_1011() -> None:
    never = asyncio.Event()

    async def fragments():  # type: ignore[no-untyped-def]
        yield "first"
        await never.wait()

    async with pair() as (server, client):
        sending = asyncio.create_task(client.send(fragments()))
        stream = server.recv_streaming()
        assert await anext(stream) == "first"
        await asyncio.wait_for(client.close(), PATIENCE)
        assert client._closed_error().sent == Close(1011, "close during fragmented message")
        never.set()
        with pytest.raises(ConnectionClosedError):
            await sending


async def _flood(ws: ServerConnection) -> None:
    for _ in range(1000):
        ws.send_nowait(b"x" * 50_000)
        await asyncio.sleep(0)


async def test_max_unsent_aborts_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with raw_pair(max_unsent=100_000, receive_buffer=4096) as (server, _):
        with caplog.at_level(logging.WARNING, "openline"):
            with pytest.raises(ConnectionClosedError) as info:
                await _flood(server)
            await server.wait_closed()
        assert server.unsent == 0
        assert server.options.overruns == 1
        assert server.close_code == 1006
        assert (
            len(
                [
                    record
                    for record in caplog.records
                    if "max_unsent" in record.message or "wait" in record.message
                ]
            )
            == 1
        )
        assert isinstance(server._closed_error().__cause__, BufferError)
        assert info.value.rcvd is None


@pytest.mark.parametrize("size", [40, 3_000, 200_000], ids=["small", "medium", "large"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_what_is_dropped_is_whole_frames_so_that_the_close_frame_is_understood(
    size: int, secure: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    options: dict[str, Any] = {"max_unsent": None, "compression": None}
    client_options: dict[str, Any] = {}
    if secure:
        options["ssl"], client_options["ssl"] = server_tls, client_tls
        client_options["server_hostname"] = "localhost"
    async with pair(options, max_queue=1, max_size=None, **client_options) as (server, client):
        sent = 0
        while server.unsent < 1_000_000:
            sent += 1
            server.send_nowait(sent.to_bytes(4) * (size // 4))
            if not sent % 100:
                await asyncio.sleep(0)
        before = server.unsent
        server.drop_unsent()
        if not secure:
            assert server.unsent < size + 20, "at most the rest of the frame that is half on its way"
        assert server.unsent <= before
        server.begin_close(4000, "slow")
        received = 0

        async def receive() -> None:
            nonlocal received
            while True:
                message = await client.recv()
                received += 1
                assert message == received.to_bytes(4) * (size // 4)

        with pytest.raises(ConnectionClosedError) as info:
            await receive()
        assert info.value.rcvd == Close(4000, "slow")
        if not secure:
            assert received < sent


async def test_dropping_nothing_does_nothing() -> None:
    async with pair() as (server, client):
        server.drop_unsent()
        server.send_nowait("corked, and never seen")
        server.drop_unsent()
        await server.send("seen")
        assert await client.recv() in ("seen", "corked, and never seen")
        await client.send("done")
        assert await server.recv() == "done"


class Deals(Listener):
    """Deals with an overrun itself."""

    def __init__(self, handled: bool) -> None:
        self.handled = handled
        self.overruns = 0

    def on_overrun(self, ws: ServerConnection) -> bool:
        self.overruns += 1
        if not self.handled:
            raise RuntimeError("a fault of the application")
        return True


@pytest.mark.parametrize("handled", [True, False])
async def test_a_listener_may_deal_with_an_overrun_itself(handled: bool) -> None:
    deals = Deals(handled)
    async with (
        serve(deals, "127.0.0.1", 0, max_unsent=100_000) as server,
        raw_client(port_of(server), receive_buffer=4096),
    ):
        (ws,) = server.connections
        while not deals.overruns:
            ws.send_nowait(b"x" * 50_000)
            await asyncio.sleep(0)
        if handled:
            assert ws.state is State.OPEN
            ws.drop_unsent()
            ws.abort()
        await ws.wait_closed()
    assert server.options.overruns == deals.overruns == 1


async def test_an_awaited_message_may_be_longer_than_max_unsent() -> None:
    async with pair({"max_unsent": 1000}, max_size=None) as (server, client):
        sending = asyncio.create_task(server.send(b"x" * 30_000_000))
        assert len(await client.recv()) == 30_000_000
        await sending
        assert server.options.overruns == 0


async def test_a_listener_learns_of_the_end_exactly_once() -> None:
    calls: list[tuple[int, str]] = []

    class Note(Listener):
        def on_close(self, ws: object, code: int, reason: str) -> None:
            calls.append((code, reason))

    async with meeting() as (server, handler):
        ws = await connect(f"ws://127.0.0.1:{port_of(server)}/", listener=Note())
        peer = await handler.next()
        await peer.close(1001, "over")
        await ws.wait_closed()
        await ws.close()
        ws.transport.abort()
        await asyncio.sleep(0)
    assert calls == [(1001, "over")]


async def test_a_raising_callback_is_logged_and_fails_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Listener):
        def __init__(self) -> None:
            self.messages: list[str | bytes] = []

        def on_message(self, ws: object, message: str | bytes) -> None:
            self.messages.append(message)
            raise ValueError("a bug in on_message")

    broken = Broken()
    async with (
        serve(broken, "127.0.0.1", 0) as server,
        connect(f"ws://127.0.0.1:{port_of(server)}/") as client,
    ):
        with caplog.at_level(logging.ERROR, "openline"):
            await client.send("one")
            await client.send("two")
            with pytest.raises(ConnectionClosedError) as info:
                await client.recv()
        assert info.value.rcvd is not None
        assert info.value.rcvd.code == 1011
        assert broken.messages == ["one"]
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError]


@pytest.mark.parametrize("cut", range(1, 8))
async def test_5_2_a_header_that_has_come_in_part_before_our_close_frame_is_not_lost(cut: int) -> None:
    async with raw_pair(compression=None) as (ws, client):
        frame = client.frame(Opcode.TEXT, b"hello")
        heard = ws.heard
        await client.send(frame[:cut])
        await until(lambda: ws.heard > heard, "the beginning has arrived")
        closing = asyncio.create_task(ws.close())
        assert (await client.receive()).opcode is Opcode.CLOSE
        await client.send(frame[cut:])
        await client.send_frame(Opcode.CLOSE, Close(1000, "").serialize())
        client.sock.shutdown(socket.SHUT_WR)
        await closing
        assert (await ws.recv(), ws.close_code) == ("hello", 1000)
