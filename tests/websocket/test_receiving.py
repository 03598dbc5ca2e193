"""Receiving: order, bounds, fragments, streaming, cancelling."""

from __future__ import annotations

import asyncio

import pytest

from openline import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Listener,
    Opcode,
)

from .pair import PATIENCE, pair, raw_pair, until

pytestmark = pytest.mark.engine


async def test_messages_come_in_order_and_as_what_they_are() -> None:
    async with pair() as (server, client):
        for message in ("text", b"binary", "", b"", "ünï¢ôdé", b"\xff\x00"):
            await server.send(message)
        assert [await client.recv() for _ in range(6)] == ["text", b"binary", "", b"", "ünï¢ôdé", b"\xff\x00"]


async def test_decode_turns_text_into_bytes_and_binary_into_text() -> None:
    async with pair() as (server, client):
        await server.send("täxt")
        await server.send("bïn".encode())
        await server.send(b"as it is")
        assert await client.recv(decode=False) == "täxt".encode()
        assert await client.recv(decode=True) == "bïn"
        assert await client.recv(decode=None) == b"as it is"


async def test_decode_of_binary_that_is_no_utf_8_fails_the_connection_with_1007() -> None:
    async with pair() as (server, client):
        await server.send(b"\xff\xfe")
        with pytest.raises(ConnectionClosedError) as info:
            await client.recv(decode=True)
        assert info.value.sent is not None
        assert info.value.sent.code == 1007
        assert isinstance(info.value.__cause__, UnicodeDecodeError)


async def test_a_second_receiver_is_refused_and_the_first_goes_on() -> None:
    async with pair() as (server, client):
        first = asyncio.create_task(client.recv())
        await asyncio.sleep(0)
        with pytest.raises(ConcurrencyError, match="recv"):
            await client.recv()
        with pytest.raises(ConcurrencyError, match="recv_streaming"):
            await anext(client.recv_streaming())
        await server.send("for the first")
        assert await first == "for the first"


async def test_a_message_that_loses_against_a_cancel_stays_queued() -> None:
    async with pair() as (server, client):
        waiting = asyncio.create_task(client.recv())
        await asyncio.sleep(0)
        await server.send("one")
        await server.send("two")
        await server.send("three")
        await until(lambda: client._queued() or waiting.done(), "a message came")
        waiting.cancel()
        results = await asyncio.gather(waiting, return_exceptions=True)
        got = [] if isinstance(results[0], asyncio.CancelledError) else [results[0]]
        got += [await client.recv() for _ in range(3 - len(got))]
        assert got == ["one", "two", "three"]


async def test_recv_under_a_timeout_loses_nothing() -> None:
    async with pair() as (server, client):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 0.01)
        await server.send("late")
        assert await asyncio.wait_for(client.recv(), PATIENCE) == "late"


async def test_iteration_ends_with_a_normal_close_and_raises_otherwise() -> None:
    async with pair() as (server, client):
        await server.send("one")
        await server.send("two")
        server.begin_close(1001, "going")
        assert [message async for message in client] == ["one", "two"]
    async with pair() as (server, client):
        server.begin_close(1011, "broken")
        with pytest.raises(ConnectionClosedError, match="broken"):
            [message async for message in client]


async def test_what_came_before_the_close_is_received_after_it() -> None:
    async with pair() as (server, client):
        await server.send("one")
        await server.send("two")
        await server.close()
        await until(lambda: client.state.name == "CLOSED", "the client sees the end")
        assert await client.recv() == "one"
        assert await client.recv() == "two"
        with pytest.raises(ConnectionClosedOK):
            await client.recv()


async def test_reading_stops_at_max_queue_and_goes_on_at_the_low_mark() -> None:
    async with raw_pair(max_queue=(4, 1)) as (server, raw):
        burst = b"".join(raw.frame(Opcode.TEXT, b"%d" % number) for number in range(100))
        await raw.send(burst)
        await until(lambda: server._queued() == 4, "the queue is full")
        for _ in range(10):
            await asyncio.sleep(0)
        assert server._queued() == 4
        assert [await server.recv() for _ in range(100)] == [str(number) for number in range(100)]


async def test_inflating_stops_at_max_queue_too() -> None:
    """RFC 7692: one read of compressed messages must not unfold beyond the bound."""
    async with pair({"max_queue": 2}, compression="deflate") as (server, client):
        for _ in range(50):
            await client.send("a" * 50_000)
        await until(lambda: server._queued() == 2, "the queue is full")
        assert await server.recv() == "a" * 50_000
        await until(lambda: server._queued() >= 1, "one more")
        assert server._queued() <= 2
        for _ in range(49):
            assert await server.recv() == "a" * 50_000


async def test_a_ping_behind_the_bound_of_the_queue_waits_for_its_turn() -> None:
    async with raw_pair(max_queue=1) as (server, raw):
        await raw.send(raw.frame(Opcode.TEXT, b"first") + raw.frame(Opcode.PING, b"behind"))
        await until(lambda: server._queued() == 1, "the queue is full")
        assert await server.recv() == "first"
        assert (await raw.receive())[:2] == (Opcode.PONG, b"behind")


async def test_pause_stops_and_resume_goes_on() -> None:
    async with pair() as (server, client):
        server.pause()
        await client.send("held back")
        pending = asyncio.create_task(server.recv())
        done, _ = await asyncio.wait([pending], timeout=0.05)
        assert not done
        server.resume()
        assert await asyncio.wait_for(pending, PATIENCE) == "held back"


async def test_fragments_are_joined() -> None:
    async with raw_pair() as (server, raw):
        await raw.send_frame(Opcode.TEXT, "Grü".encode()[:3], fin=False)
        await raw.send_frame(Opcode.PING, b"between")
        await raw.send_frame(Opcode.CONT, "Grü".encode()[3:], fin=False)
        await raw.send_frame(Opcode.CONT, b"\xc3\x9fe")
        await raw.send_frame(Opcode.BINARY, b"a", fin=False)
        await raw.send_frame(Opcode.CONT, b"", fin=True)
        assert await server.recv() == "Grüße"
        assert await server.recv() == b"a"
        assert (await raw.receive())[:2] == (Opcode.PONG, b"between")


async def test_recv_waits_for_a_message_of_more_fragments_than_max_queue() -> None:
    async with raw_pair(max_queue=2) as (server, raw):
        waiting = asyncio.create_task(server.recv())
        await asyncio.sleep(0)
        for number in range(20):
            await raw.send_frame(Opcode.CONT if number else Opcode.TEXT, b"x", fin=number == 19)
        assert await asyncio.wait_for(waiting, PATIENCE) == "x" * 20


async def test_a_recv_that_comes_late_gets_a_message_of_more_fragments_than_max_queue() -> None:
    async with raw_pair(max_queue=2) as (server, raw):
        for number in range(20):
            await raw.send_frame(Opcode.CONT if number else Opcode.TEXT, b"x", fin=number == 19)
        await until(lambda: server.extra.held, "the fragments wait")
        assert len(server.extra.incoming.parts) <= 3
        assert await asyncio.wait_for(server.recv(), PATIENCE) == "x" * 20


async def test_streaming_yields_each_fragment_as_it_comes() -> None:
    async with raw_pair() as (server, raw):
        stream = server.recv_streaming()
        await raw.send_frame(Opcode.TEXT, b"one", fin=False)
        assert await anext(stream) == "one"
        await raw.send_frame(Opcode.CONT, "é".encode()[:1], fin=False)
        assert await anext(stream) == ""
        await raw.send_frame(Opcode.CONT, "é".encode()[1:])
        assert await anext(stream) == "é"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await raw.send_frame(Opcode.TEXT, b"next")
        assert await server.recv() == "next"


async def test_streaming_a_message_in_one_frame_is_one_fragment() -> None:
    async with pair() as (server, client):
        await client.send("whole")
        assert [part async for part in server.recv_streaming()] == ["whole"]


async def test_streaming_starts_with_what_has_come_already() -> None:
    async with raw_pair() as (server, raw):
        await raw.send_frame(Opcode.BINARY, b"1", fin=False)
        await raw.send_frame(Opcode.CONT, b"2", fin=False)
        await until(
            lambda: server.extra.incoming and len(server.extra.incoming.parts) == 2, "two fragments are here"
        )
        stream = server.recv_streaming()
        assert [await anext(stream), await anext(stream)] == [b"1", b"2"]
        await raw.send_frame(Opcode.CONT, b"3")
        assert await anext(stream) == b"3"
        assert [part async for part in stream] == []


async def test_streaming_decodes_as_it_is_told() -> None:
    async with raw_pair() as (server, raw):
        stream = server.recv_streaming(decode=True)
        await raw.send_frame(Opcode.BINARY, "é".encode()[:1], fin=False)
        assert await anext(stream) == ""
        await raw.send_frame(Opcode.CONT, "é".encode()[1:])
        assert [part async for part in stream] == ["é"]
        stream = server.recv_streaming(decode=False)
        await raw.send_frame(Opcode.TEXT, b"a", fin=False)
        assert await anext(stream) == b"a"
        await raw.send_frame(Opcode.CONT, b"b")
        assert [part async for part in stream] == [b"b"]
        await raw.send_frame(Opcode.BINARY, b"\xc3", fin=False)
        await raw.send_frame(Opcode.CONT, b"\xc3")
        with pytest.raises(ConnectionClosedError) as info:
            [part async for part in server.recv_streaming(decode=True)]
        assert info.value.sent is not None
        assert info.value.sent.code == 1007
        raw.sock.close()


async def test_streaming_pauses_at_max_queue_fragments() -> None:
    async with raw_pair(max_queue=(4, 1), max_size=None) as (server, raw):
        stream = server.recv_streaming()
        await raw.send_frame(Opcode.BINARY, b"0", fin=False)
        assert await anext(stream) == b"0"
        await raw.send(b"".join(raw.frame(Opcode.CONT, b"%d" % n, fin=n == 99) for n in range(1, 100)))
        await until(lambda: server.extra.held, "reading has paused")
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(server.extra.streamed.parts) == 4
        assert [part async for part in stream] == [b"%d" % n for n in range(1, 100)]
        await raw.send_frame(Opcode.TEXT, b"after")
        assert await server.recv() == "after"


async def test_streaming_that_is_not_finished_keeps_recv_away() -> None:
    async with raw_pair(close_timeout=0.1) as (server, raw):
        stream = server.recv_streaming()
        await raw.send_frame(Opcode.BINARY, b"0", fin=False)
        assert await anext(stream) == b"0"
        with pytest.raises(ConcurrencyError):
            await server.recv()
        with pytest.raises(ConcurrencyError):
            await anext(server.recv_streaming())
        await stream.aclose()
        with pytest.raises(ConcurrencyError):
            await server.recv()


async def test_cancelling_streaming_before_the_first_fragment_is_safe() -> None:
    async with raw_pair() as (server, raw):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(server.recv_streaming()), 0.01)
        await raw.send_frame(Opcode.TEXT, b"a", fin=False)
        await raw.send_frame(Opcode.CONT, b"b")
        assert await server.recv() == "ab"


async def test_streaming_ends_with_the_connection() -> None:
    async with raw_pair() as (server, raw):
        stream = server.recv_streaming()
        await raw.send_frame(Opcode.BINARY, b"0", fin=False)
        assert await anext(stream) == b"0"
        raw.sock.close()
        with pytest.raises(ConnectionClosedError):
            await anext(stream)
        with pytest.raises(ConnectionClosed):
            async for _ in server.recv_streaming():
                pass


async def test_with_a_listener_nothing_can_be_received() -> None:
    async with pair(listener=Listener()) as (server, client):
        with pytest.raises(ConcurrencyError, match="listener"):
            await client.recv()
        with pytest.raises(ConcurrencyError, match="listener"):
            await anext(client.recv_streaming())
        await server.close()


async def test_a_listener_gets_fragmented_messages_whole() -> None:
    got: asyncio.Queue[str | bytes] = asyncio.Queue()

    class Collect(Listener):
        def on_message(self, ws: object, message: str | bytes) -> None:
            got.put_nowait(message)

    async with pair(listener=Collect()) as (server, _):
        await server.send(iter(["a"] * 50))
        assert await asyncio.wait_for(got.get(), PATIENCE) == "a" * 50
