"""Sending: whole messages, fragments, backpressure, and what cannot be sent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator

import pytest

from openline import (
    ConcurrencyError,
    ConnectionClosedError,
    ConnectionClosedOK,
    Opcode,
    Request,
    ServerConnection,
    State,
    connect,
    serve,
)
from openline.protocol.close_codes import Close
from openline.websocket.sending import as_sent

from .pair import PATIENCE, pair, raw_pair, until

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("message", "text", "sent"),
    [
        ("é", None, (True, b"\xc3\xa9")),
        ("é", True, (True, b"\xc3\xa9")),
        ("é", False, (False, b"\xc3\xa9")),
        (b"a", None, (False, b"a")),
        (b"a", True, (True, b"a")),
        (bytearray(b"a"), None, (False, b"a")),
        (memoryview(b"abc")[1:], False, (False, b"bc")),
    ],
)
def test_5_6_what_a_message_is_sent_as(message: object, text: bool | None, sent: tuple[bool, bytes]) -> None:
    assert as_sent(message, text) == sent


@pytest.mark.parametrize("message", [None, 1, {"a": 1}, object()])
async def test_what_is_no_message_is_refused_and_the_connection_stays_open(message: object) -> None:
    async with pair() as (server, client):
        with pytest.raises(TypeError):
            await client.send(message)
        await client.send("fine")
        assert await server.recv() == "fine"


async def test_dict_is_refused_by_name() -> None:
    async with pair() as (_, client):
        with pytest.raises(TypeError, match="dict"):
            await client.send({"type": "hello"})


async def test_text_overrides_the_type() -> None:
    async with raw_pair() as (server, raw):
        await server.send(b"json", text=True)
        await server.send("raw", text=False)
        await server.send(iter([b"a", b"b"]), text=True)
        assert await raw.receive() == (Opcode.TEXT, b"json", True, 0)
        assert await raw.receive() == (Opcode.BINARY, b"raw", True, 0)
        assert (await raw.receive())[:3] == (Opcode.TEXT, b"a", False)


async def test_send_is_a_coroutine_for_all_who_take_one() -> None:
    async with pair() as (server, client):
        sending = client.send("a")
        assert isinstance(sending, Coroutine)
        await sending
        await asyncio.gather(client.send("b"), client.send("c"))
        async with asyncio.TaskGroup() as group:
            group.create_task(client.send("d"))
        await asyncio.wait_for(client.send("e"), PATIENCE)
        assert [await server.recv() for _ in range(5)] == list("abcde")


async def test_5_4_an_iterable_is_sent_as_fragments() -> None:
    async with raw_pair() as (server, raw):
        await server.send(["one", "two"])
        assert [await raw.receive() for _ in range(3)] == [
            (Opcode.TEXT, b"one", False, 0),
            (Opcode.CONT, b"two", False, 0),
            (Opcode.CONT, b"", True, 0),
        ]


async def test_5_4_an_async_iterable_is_sent_as_its_chunks_come() -> None:
    more = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        await more.wait()
        yield b"two"

    async with raw_pair() as (server, raw):
        sending = asyncio.create_task(server.send(chunks()))
        assert await raw.receive() == (Opcode.BINARY, b"one", False, 0)
        more.set()
        assert await raw.receive() == (Opcode.CONT, b"two", False, 0)
        assert await raw.receive() == (Opcode.CONT, b"", True, 0)
        await sending


async def test_an_empty_iterable_sends_nothing() -> None:
    async def nothing() -> AsyncIterator[str]:
        return
        yield ""

    async with pair() as (server, client):
        await client.send([])
        await client.send(nothing())
        await client.send("something")
        assert await server.recv() == "something"


async def test_5_4_other_messages_wait_for_a_fragmented_one_and_control_frames_do_not() -> None:
    more = asyncio.Event()

    async def chunks() -> AsyncIterator[str]:
        yield "one"
        await more.wait()
        yield "two"

    async with raw_pair() as (server, raw):
        first = asyncio.create_task(server.send(chunks()))
        assert (await raw.receive())[:2] == (Opcode.TEXT, b"one")
        whole = asyncio.create_task(server.send("whole"))
        parts = asyncio.create_task(server.send(["parts"]))
        with pytest.raises(ConcurrencyError):
            server.send_nowait("not now")
        await server.ping(b"between")
        assert (await raw.receive())[:2] == (Opcode.PING, b"between")
        await raw.send_frame(Opcode.PING, b"asked")
        assert (await raw.receive())[:2] == (Opcode.PONG, b"asked")
        more.set()
        await asyncio.gather(first, whole, parts)
        assert [(await raw.receive())[:2] for _ in range(5)] == [
            (Opcode.CONT, b"two"),
            (Opcode.CONT, b""),
            (Opcode.TEXT, b"whole"),
            (Opcode.TEXT, b"parts"),
            (Opcode.CONT, b""),
        ]


async def test_5_4_a_send_that_was_made_before_the_fragments_waits_for_them_too() -> None:
    more = asyncio.Event()

    async def chunks() -> AsyncIterator[str]:
        yield "one"
        await more.wait()

    async with raw_pair() as (server, raw):
        whole = server.send("whole")
        first = asyncio.create_task(server.send(chunks()))
        assert (await raw.receive())[:2] == (Opcode.TEXT, b"one")
        second = asyncio.ensure_future(whole)
        cancelled = asyncio.create_task(server.send("never"))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        more.set()
        await asyncio.gather(first, second)
        assert [(await raw.receive())[:2] for _ in range(2)] == [(Opcode.CONT, b""), (Opcode.TEXT, b"whole")]


async def test_a_send_that_was_made_before_the_end_raises_how_it_ended() -> None:
    async with pair() as (server, client):
        late = server.send("late")
        await client.close()
        with pytest.raises(ConnectionClosedOK):
            await late


@pytest.mark.parametrize("second", [b"bytes", None, 1])
async def test_fragments_that_are_not_alike_fail_the_connection_with_1011(second: object) -> None:
    async with pair() as (server, client):
        with pytest.raises(TypeError):
            await client.send(iter(["text", second]))
        with pytest.raises(ConnectionClosedError):
            await server.recv()
        assert server._closed_error().rcvd == Close(1011, "error in fragmented message")


async def test_an_error_in_the_iterable_fails_the_connection_and_is_raised() -> None:
    def broken() -> Iterator[str]:
        yield "one"
        raise LookupError("no more")

    async with pair() as (server, client):
        with pytest.raises(LookupError, match="no more"):
            await client.send(broken())
        await client.wait_closed()
        assert client._closed_error().sent == Close(1011, "error in fragmented message")
        await server.wait_closed()


async def test_cancelling_within_a_fragmented_message_fails_the_connection() -> None:
    async def endless() -> AsyncIterator[str]:
        yield "one"
        await asyncio.Event().wait()

    async with pair() as (server, client):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.send(endless()), 0.05)
        await asyncio.wait_for(server.wait_closed(), PATIENCE)
        assert server.close_code == 1011


async def test_send_waits_above_the_high_water_mark_and_goes_on_at_the_low_one() -> None:
    async with raw_pair(write_limit=(50_000, 10_000), receive_buffer=4096) as (server, raw):
        server.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

        async def send_many() -> None:
            for _ in range(200):
                await server.send(b"x" * 20_000)

        sending = asyncio.create_task(send_many())
        await until(lambda: server.unsent > 10_000, "it waits")
        done, _ = await asyncio.wait([sending], timeout=0.05)
        assert not done
        assert server.unsent <= 50_000 + 20_004
        received = 0
        while received < 200 * 20_000:
            received += len((await raw.receive()).payload)
        await sending


async def test_a_cancelled_send_that_waits_has_sent_its_message() -> None:
    async with raw_pair(write_limit=1000, receive_buffer=4096) as (server, raw):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(server.send(b"x" * 5_000_000), 0.05)
        assert len((await raw.receive()).payload) == 5_000_000
        await until(lambda: server.unsent == 0, "all has left")


async def test_send_waiting_for_a_peer_that_goes_away_raises() -> None:
    async with raw_pair(write_limit=1000, receive_buffer=4096) as (server, raw):
        sending = asyncio.create_task(server.send(b"x" * 5_000_000))
        await until(lambda: server.unsent > 0, "it waits")
        raw.sock.close()
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(sending, PATIENCE)


async def test_send_after_the_end_raises_how_it_ended() -> None:
    async with pair() as (server, client):
        await client.close()
        with pytest.raises(ConnectionClosedOK):
            await client.send("too late")
        with pytest.raises(ConnectionClosedOK):
            await client.send(["too", "late"])
        with pytest.raises(ConnectionClosedOK):
            client.send_nowait("too late")
        with pytest.raises(ConnectionClosedOK):
            await server.send("too late")


async def test_send_while_closing_waits_for_the_end_and_raises() -> None:
    async with pair() as (_, client):
        client.begin_close(1000)
        assert client.state is State.CLOSING
        with pytest.raises(ConnectionClosedOK):
            await client.send("too late")
        assert client.state is State.CLOSED


async def test_compress_false_leaves_one_message_as_it_is() -> None:
    headers = {"Sec_WebSocket_Extensions": "permessage-deflate"}
    async with raw_pair(headers=headers) as (server, raw):
        long = "compressible " * 100
        await server.send(long)
        await server.send(long, compress=False)
        await server.send([long, long], compress=False)
        server.send_nowait(long, compress=False)
        compressed = await raw.receive()
        assert compressed.rsv == 0x40
        assert len(compressed.payload) < 100
        for _ in range(5):
            frame = await raw.receive()
            assert frame.rsv == 0
            assert frame.payload in (long.encode(), b"")


async def test_fragments_are_compressed_as_one_message() -> None:
    async with pair() as (server, client):
        await client.send(["compressible " * 50] * 10)
        assert await server.recv() == "compressible " * 500
        assert server.deflate is not None


async def test_an_iterable_that_begins_with_something_else_leaves_the_connection_open() -> None:
    async with pair() as (server, client):
        with pytest.raises(TypeError, match="not int"):
            await client.send([1])  # type: ignore[list-item]
        await client.send("whole")
        assert await server.recv() == "whole"


@pytest.mark.parametrize(("compress", "first_octet"), [(None, 0x81), (False, 0x81), (True, 0xC1)])
async def test_a_short_message_is_compressed_only_when_it_is_told_to(
    compress: bool | None, first_octet: int
) -> None:
    """RFC 7692 section 6: RSV1 says of each message whether it is compressed."""
    sent: list[bytes] = []

    def watch(connection: ServerConnection, request: Request) -> None:
        connection.tap = lambda direction, data: sent.append(bytes(data)) if direction == "out" else None

    async def handler(ws: ServerConnection) -> None:
        await ws.send("short", compress=compress)

    async with serve(handler, "127.0.0.1", 0, process_request=watch) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}") as ws:
            assert await ws.recv() == "short"
    assert sent[0][0] == first_octet
