"""One message to many connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest

from openline import ConcurrencyError, Opcode, broadcast, connect
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from openline.protocol.headers import ExtensionParameter

from .pair import meeting, pair, port_of, raw_client, raw_pair

pytestmark = pytest.mark.engine

DEFLATE = {"Sec_WebSocket_Extensions": "permessage-deflate"}
NO_TAKEOVER = {"Sec_WebSocket_Extensions": "permessage-deflate; server_no_context_takeover"}
LONG = "a message that is worth compressing " * 20


async def test_every_open_connection_gets_the_message_and_others_are_left_out() -> None:
    async with meeting() as (server, handler), AsyncExitStack() as stack:
        uri = f"ws://127.0.0.1:{port_of(server)}/"
        clients = [await stack.enter_async_context(connect(uri)) for _ in range(5)]
        servers = [await handler.next() for _ in clients]
        await clients[0].close()
        await servers[0].wait_closed()
        broadcast(servers, "text")
        broadcast(iter(servers), b"binary")
        for client in clients[1:]:
            assert [await client.recv(), await client.recv()] == ["text", b"binary"]


@pytest.mark.parametrize(
    ("message", "text", "opcode"),
    [
        ("a", None, Opcode.TEXT),
        (b"a", None, Opcode.BINARY),
        (b"a", True, Opcode.TEXT),
        ("a", False, Opcode.BINARY),
        (bytearray(b"a"), None, Opcode.BINARY),
    ],
)
async def test_text_overrides_the_type(message: str | bytes, text: bool | None, opcode: Opcode) -> None:
    async with raw_pair() as (server, raw):
        broadcast([server], message, text=text)
        assert await raw.receive() == (opcode, b"a", True, 0)


async def test_what_is_no_message_is_refused_before_anything_is_sent() -> None:
    async with pair() as (server, client):
        with pytest.raises(TypeError):
            broadcast([server], ["no", "fragments"])  # type: ignore[arg-type]
        broadcast([server], "fine")
        assert await client.recv() == "fine"


async def test_5_3_clients_send_each_with_a_mask_of_its_own() -> None:
    async with meeting() as (server, handler):
        uri = f"ws://127.0.0.1:{port_of(server)}/"
        async with connect(uri) as one, connect(uri) as two:
            broadcast([one, two], "from clients")
            for _ in range(2):
                assert await (await handler.next()).recv() == "from clients"


async def test_7692_7_2_1_a_shared_frame_and_own_messages_may_alternate() -> None:
    """All of the peers' inflators must follow, whatever each connection has sent by itself before and after."""
    async with meeting() as (server, handler), AsyncExitStack() as stack:
        uri = f"ws://127.0.0.1:{port_of(server)}/"
        clients = [await stack.enter_async_context(connect(uri)) for _ in range(3)]
        servers = [await handler.next() for _ in clients]
        assert all(ws.deflate is not None for ws in servers)
        expected: list[list[str]] = [[] for _ in clients]
        for turn in range(5):
            for number, ws in enumerate(servers):
                if (turn + number) % 2:
                    await ws.send(f"{number} alone in turn {turn}: {LONG}")
                    expected[number].append(f"{number} alone in turn {turn}: {LONG}")
            broadcast(servers, f"for all in turn {turn}: {LONG}")
            for messages in expected:
                messages.append(f"for all in turn {turn}: {LONG}")
            broadcast(servers, "short")
            for messages in expected:
                messages.append("short")
        for client, messages in zip(clients, expected, strict=True):
            assert [await client.recv() for _ in messages] == messages


async def test_connections_of_different_parameters_get_different_frames() -> None:
    factories = [ServerPerMessageDeflateFactory(server_max_window_bits=12)]
    async with meeting(extensions=factories) as (server, handler), AsyncExitStack() as stack:
        port = port_of(server)
        plain = await stack.enter_async_context(raw_client(port))
        first = await handler.next()
        one = await stack.enter_async_context(raw_client(port, **DEFLATE))
        two = await stack.enter_async_context(raw_client(port, **NO_TAKEOVER))
        rest = [await handler.next() for _ in range(2)]
        broadcast([first, *rest], LONG)
        assert await plain.receive() == (Opcode.TEXT, LONG.encode(), True, 0)
        compressed = [await one.receive(), await two.receive()]
        assert {frame.rsv for frame in compressed} == {0x40}
        assert compressed[0].payload == compressed[1].payload, (
            "compressed once: from an empty window both read it"
        )


class Counting(PerMessageDeflate):
    """Counts what all of its kind compress."""

    __slots__ = ()
    compressed = 0

    def compress_message(self, data: bytes) -> bytes | None:
        Counting.compressed += 1
        return super().compress_message(data)


class CountingFactory(ServerPerMessageDeflateFactory):
    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        agreed, extension = super().process_request_params(params, accepted_extensions)
        extension.__class__ = Counting
        return agreed, extension


async def test_a_message_is_compressed_once_for_a_group() -> None:
    async with meeting(extensions=[CountingFactory()]) as (server, handler), AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(raw_client(port_of(server), **DEFLATE)) for _ in range(4)]
        broadcast([await handler.next() for _ in raws], LONG)
        assert Counting.compressed == 1
        assert len({(await raw.receive()).payload for raw in raws}) == 1


async def endless(started: asyncio.Event, go_on: asyncio.Event) -> AsyncIterator[str]:
    yield "one"
    started.set()
    await go_on.wait()


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_5_4_a_connection_within_a_fragmented_message_is_skipped_with_a_warning(
    caplog: pytest.LogCaptureFixture, compression: str | None
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    async with pair(compression=compression) as (server, client):
        assert (server.deflate is None) is (compression is None)
        sending = asyncio.create_task(server.send(endless(started, go_on)))
        await started.wait()
        with caplog.at_level(logging.WARNING, "openline"):
            broadcast([server], "skipped")
        assert "skipped broadcast: ConcurrencyError: sending a fragmented message" in caplog.text
        with pytest.raises(ExceptionGroup) as info:
            broadcast([server], "skipped", raise_exceptions=True)
        assert info.group_contains(ConcurrencyError)
        go_on.set()
        await sending
        assert await client.recv() == "one"


async def test_a_slow_peer_is_bounded_by_max_unsent_and_harms_nobody() -> None:
    async with (
        meeting(max_unsent=1_000_000) as (server, handler),
        raw_client(port_of(server), receive_buffer=4096),
        connect(f"ws://127.0.0.1:{port_of(server)}/", max_size=None, max_queue=None) as quick,
    ):
        ends = [await handler.next(), await handler.next()]
        slow = next(ws for ws in ends if ws.remote_address != quick.local_address)
        for _ in range(200):
            broadcast(ends, b"x" * 100_000)
            assert len(await quick.recv()) == 100_000
            assert slow.unsent <= 1_000_000
        await slow.wait_closed()
        assert slow.close_code == 1006
        assert server.options.overruns == 1


async def test_a_connection_that_stands_there_often_gets_whole_frames_though_its_kernel_is_full() -> None:
    size, copies = 30_000, 300
    async with raw_pair(compression=None, ping_interval=None, receive_buffer=1 << 16) as (ws, client):
        broadcast([ws] * copies, bytes(size))
        assert 0 < ws.unsent < copies * (size + 4)
        for _ in range(copies):
            assert (await client.receive()).payload == bytes(size)
        assert ws.unsent == 0
