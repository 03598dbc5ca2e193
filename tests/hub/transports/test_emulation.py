"""Further commands of sessions over HTTP."""

from __future__ import annotations

from pathlib import Path

import centrifuge.protocol.client_pb2 as messages
import pytest
from google.protobuf.internal.encoder import _VarintBytes

from openline.hub import Hub
from openline.hub.transports.emulation import Emulation, parse_emulation
from openline.testing.waiting import until
from tests.hub.redis_server import needs_redis, redis_server
from tests.hub.transports.speaking import Exchange, ask, emulate, frame, open_hub, served, streaming

JSON = {"Content-Type": "application/json"}


async def test_a_command_is_answered_by_the_stream() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        commands = {"id": 2, "subscribe": {"channel": "chat:a"}}, {"id": 3, "presence": {"channel": "chat:a"}}
        assert await emulate(port, result, *commands) == 204
        assert (await stream.line())["id"] == 2
        assert list((await stream.line())["presence"]["presence"]) == [result["client"]]


async def test_the_client_id_which_others_see_opens_nothing() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        command = {"id": 2, "subscribe": {"channel": "chat:a"}}
        assert await emulate(port, result, command, session=result["client"]) == 204
        assert not next(iter(hub.sessions.values())).subscriptions


async def test_a_node_that_is_gone_is_404_and_a_session_that_is_gone_is_not() -> None:
    hub = open_hub()
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        assert await emulate(port, result, {"id": 2, "ping": {}}, node="elsewhere", session="other") == 404
        await hub.disconnect("ann")
        await stream.rest()
        assert await emulate(port, result, {"id": 2, "ping": {}}) == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"session":"a","node":"b"}', 400),
        (b'{"session":"a","node":"b","data":{"id":1}}', 400),
        (b'{"session":"a","node":"","data":"{}"}', 400),
        (b"\xff", 400),
        (b"[" * 4000, 400),
        (b'{"session":"a","node":"b","data":"' + b"x" * 4097 + b'"}', 413),
        (b" " * 10000, 413),
    ],
)
async def test_what_is_no_such_request(body: bytes, status: int) -> None:
    async with served(open_hub(max_message_size=4096)) as port:
        assert (await ask(port, "POST", "/emulation", body, JSON)).status == status


async def test_a_frame_full_of_quotation_marks_has_room() -> None:
    hub = open_hub(max_message_size=4096)
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        command = {"id": 2, "rpc": {"method": "x", "data": [""] * 900}}
        assert 3600 < len(frame(command)) < 4096
        assert await emulate(port, result, command) == 204
        assert (await stream.line())["error"]["code"] == 108


def encoded(*fields: tuple[int, bytes]) -> bytes:
    return b"".join(
        _VarintBytes(number << 3 | 2) + _VarintBytes(len(value)) + value for number, value in fields
    )


def test_protobuf_is_read_in_any_order_and_unknown_fields_are_passed_over() -> None:
    unknown = b"\x20\x96\x01" + b"\x29" + b"8bytes!!" + b"\x35" + b"four" + encoded((7, b"more"))
    body = encoded((3, b"\x00data"), (1, b"the node")) + unknown + encoded((2, "café".encode()))
    assert parse_emulation(body, protobuf=True) == Emulation("café", "the node", b"\x00data")


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",  # no length
        b"\x0a\x05abcd",  # cut off
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7fabc",  # longer than anything
        b"\x80" * 11,  # a tag without an end
        b"\x0b",  # a group
        b"\x29short",
        encoded((2, b"\xff")),
    ],
)
def test_malformed_protobuf(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_emulation(body, protobuf=True)


async def test_protobuf_commands_come_as_bytes() -> None:
    hub = open_hub()
    binary = {"Content-Type": "application/octet-stream"}

    def framed(command: messages.Command) -> bytes:
        data = command.SerializeToString()
        return _VarintBytes(len(data)) + data

    connect = messages.Command(id=1)
    connect.connect.SetInParent()
    subscribe = messages.Command(id=2)
    subscribe.subscribe.channel = "chat:a"
    async with served(hub) as port:
        stream = await Exchange.begin(port, "POST", "/connection/http_stream", framed(connect), binary)
        piece = await stream.piece()
        result = messages.Reply.FromString(piece[1 if piece[0] < 128 else 2 :]).connect
        body = encoded((1, result.node.encode()), (2, result.session.encode()), (3, framed(subscribe)))
        assert (await ask(port, "POST", "/emulation", body, binary)).status == 204
        assert messages.Reply.FromString((await stream.piece())[1:]).id == 2
        await stream.close()


@needs_redis
async def test_commands_reach_their_session_through_any_node(tmp_path: Path) -> None:
    with redis_server(tmp_path) as redis:
        here, there = open_hub(broker=redis.url), open_hub(broker=redis.url)
        async with served(here) as port, served(there) as other, streaming(port) as stream:
            result = (await stream.line())["connect"]
            assert result["node"] == here.node
            # Nodes hear of each other by their signs of life.
            await until(lambda: _knows(there, here.node), "the nodes know each other")
            command = {"id": 2, "subscribe": {"channel": "chat:a"}}
            assert await emulate(other, result, command) == 204
            assert (await stream.line())["id"] == 2
            assert await emulate(other, result, command, session="no such session") == 204
            assert await emulate(other, result, command, node="no such node") == 404


async def _knows(hub: Hub, node: str) -> bool:
    return node in hub.nodes.known()
