"""HTTP streaming: a session by one long response."""

from __future__ import annotations

import asyncio
from typing import Any

import centrifuge.protocol.client_pb2 as messages
import pytest
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf.internal.encoder import _VarintBytes

from openline.hub import DisconnectCode
from tests.hub.transports.speaking import CONNECT, Exchange, ask, frame, open_hub, served, streaming

PATH = "/connection/http_stream"


async def test_replies_and_pushes_are_lines_of_one_response() -> None:
    hub = open_hub()
    async with (
        served(hub) as port,
        streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}}) as stream,
    ):
        assert stream.status == 200
        assert stream.headers["cache-control"] == "no-store, no-transform"
        assert (await stream.line())["connect"]["ping"] == 25
        assert (await stream.line())["subscribe"]["recoverable"] is True
        await hub.publish("chat:a", {"n": 1})
        push = (await stream.line())["push"]
        assert push["channel"] == "chat:a"
        assert push["pub"]["data"] == {"n": 1}


async def test_the_connect_result_says_where_further_commands_go() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        assert result["node"] == hub.node
        assert result["session"] != result["client"], "others see the client id"


async def test_protobuf_follows_from_the_content_type() -> None:
    hub = open_hub()
    command = messages.Command(id=1)
    command.connect.name = "me"
    data = command.SerializeToString()
    headers = {"Content-Type": "application/octet-stream"}
    async with served(hub) as port:
        exchange = await Exchange.begin(port, "POST", PATH, _VarintBytes(len(data)) + data, headers)
        assert exchange.headers["content-type"] == "application/octet-stream"
        piece = await exchange.piece()
        length, begin = _DecodeVarint32(piece, 0)
        reply = messages.Reply.FromString(piece[begin : begin + length])
        assert reply.id == 1
        assert reply.connect.node == hub.node
        assert len(piece) == begin + length
        await exchange.close()


async def test_a_disconnect_is_a_push_before_the_end() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        await stream.line()
        await hub.disconnect("ann", code=4001, reason="enough")
        push = await stream.line()
        assert push == {"push": {"disconnect": {"code": 4001, "reason": "enough", "reconnect": True}}}
        assert await stream.rest() == b""
    assert not hub.sessions


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[]", frame({"id": 1, "subscribe": {"channel": "chat:a"}})]
)
async def test_a_malformed_frame_or_a_wrong_beginning_ends_with_3501(body: bytes) -> None:
    async with served(open_hub()) as port:
        answer = await ask(port, "POST", PATH, body, {"Content-Type": "application/json"})
        assert answer.status == 200
        assert answer.json["push"]["disconnect"]["code"] == DisconnectCode.BAD_REQUEST


async def test_a_body_has_a_bound_and_must_be_there() -> None:
    async with served(open_hub(max_message_size=100)) as port:
        assert (await ask(port, "POST", PATH, b"x" * 101)).status == 413
        assert (await ask(port, "POST", PATH)).status == 400


async def test_who_goes_is_gone() -> None:
    hub = open_hub()
    gone: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    @hub.on_disconnect
    def note(session: Any, code: int) -> None:
        gone.put_nowait((session.user, code))

    async with served(hub) as port:
        async with streaming(port) as stream:
            await stream.line()
        assert await gone.get() == ("ann", DisconnectCode.CONNECTION_CLOSED)
        assert not hub.sessions


async def test_the_answer_begins_before_the_hook_has_decided() -> None:
    hub = open_hub()
    decide = asyncio.Event()
    chat = hub.namespace("slow")

    @chat.on_subscribe
    async def wait(session: Any) -> None:
        await decide.wait()

    async with (
        served(hub) as port,
        streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "slow:a"}}) as stream,
    ):
        assert "connect" in await stream.line()
        decide.set()
        assert "subscribe" in await stream.line()


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    hub = open_hub(max_queue_size=200_000)
    async with (
        served(hub) as port,
        streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}}) as stream,
    ):
        await stream.line()
        await stream.line()
        session = next(iter(hub.sessions.values()))
        most = 0
        while not session.closed:
            await hub.publish("chat:a", "x" * 50_000)
            most = max(most, session.transport.unsent)
            await asyncio.sleep(0)
        assert most <= 200_000
        assert hub.counters.disconnects == {DisconnectCode.SLOW: 1}
        assert hub.counters.overruns == 1
