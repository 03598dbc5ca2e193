"""Frames: several commands in one, what is malformed (3501), what is unknown, and what only looks like a frame."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import openline
from openline.hub import Session

from .wire import Closed, Wire, connected, named_hub, opened, serving, varint

CONNECT = '{"id":1,"connect":{"data":{"user":"42"}}}'


def echo_hub(**options: Any) -> Any:
    hub = named_hub(**options)
    hub.namespace("")

    @hub.rpc("echo")
    def echo(session: Session, data: Any) -> Any:
        return data

    return hub


async def test_many_commands_in_a_frame(encoding: str) -> None:
    async with serving(echo_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send(*({"id": 100 + n, "rpc": {"method": "echo", "data": n}} for n in range(300)))
        for n in range(300):
            reply = await wire.next()
            assert (reply["id"], reply["rpc"]["data"]) == (100 + n, n)


async def test_a_line_feed_at_the_end() -> None:
    async with serving(echo_hub()) as address, opened(address, "json") as wire:
        await wire.send_raw(CONNECT + "\n")
        assert (await wire.next())["id"] == 1
        await wire.send_raw(
            '{"id":2,"rpc":{"method":"echo","data":1}}\n{"id":3,"rpc":{"method":"echo","data":2}}\n'
        )
        assert [(await wire.next())["id"] for _ in range(2)] == [2, 3]


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "\n",
        "\n\n",
        " ",
        "nonsense",
        "[]",
        "1",
        "null",
        '"text"',
        '{"id":2',
        '{"id":2}}',
        '{"id":2,"rpc":{}} {"id":3,"rpc":{}}',
        '{"id":2,"rpc":{}}\n\n{"id":3,"rpc":{}}',
        '{"id":"2","rpc":{}}',
        '{"id":2.5,"rpc":{}}',
        '{"id":-1,"rpc":{}}',
        '{"id":4294967296,"rpc":{}}',
        '{"id":2,"rpc":[]}',
        '{"id":2,"rpc":{"method":7}}',
        '{"id":2,"subscribe":{"channel":"a","offset":-1}}',
        '{"id":2,"subscribe":{"channel":"a","offset":18446744073709551616}}',
        '{"id":2,"subscribe":{"channel":"a","recover":1}}',
        '{"id":2,"publish":{"channel":"a","data":}}',
        '{"id":2,"publish":{"channel":"a","data":{"x":01}}}',
        '{"id":2,"publish":{"channel":"a","data":nul}}',
        '{"id":2,"publish":{"channel":"a","data":NaN}}',
        '{"id":2,"publish":{"channel":"a","data":"\x01"}}',
        "{" * 100_0,
        "[" * 60_000,
        '{"id":2,"rpc":{"data":' + "[" * 30_000 + "]" * 30_000 + "}}",
        '{"id":2,"rpc":{"data":' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}}",
        '{"id":2,"unknown":' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"id":2}',
        '{"id":2,"nothing":{"of":"this"}}',
    ],
    ids=lambda frame: frame[:40] or "empty",
)
async def test_malformed_json_3501(frame: str) -> None:
    hub = echo_hub()
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            await wire.send_raw(frame)
            assert await wire.closed() == 3501
        # The others do not notice.
        async with connected(address, "json", "43") as wire:
            await wire.result(rpc={"method": "echo", "data": 1})


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01",
        b"\x05\x08\x02",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xff\xff\xff\xff\x0f",
        b"\x80",
        b"\x02\x08\x02\x00\x00\x07",
        b"\x03\x08\x02\x07",
        b"\x04\x08\x02\x6a\x05",
        b"\x04\x08\x02\x6a\x80",
        b"\x05\x08\x02\x2a\x01\x0b",
        b"\x07\x08\x02\x2a\x03\x0a\x01\xff",
        b"\x02\x08\x02",
        varint(4) + b"\x08\x02\x6b\x6c",
        varint(60_002) + b"\x08\x02" + b"\x2b" * 60_000,
    ],
    ids=lambda frame: frame[:12].hex() or "empty",
)
async def test_malformed_protobuf_3501(frame: bytes) -> None:
    async with serving(echo_hub()) as address, connected(address, "protobuf", "42") as wire:
        await wire.send_raw(frame)
        assert await wire.closed() == 3501


async def test_malformed_first_frame_3501(encoding: str) -> None:
    async with serving(echo_hub()) as address, opened(address, encoding) as wire:
        await wire.send_raw("{" if encoding == "json" else b"\x07\x08")
        assert await wire.closed() == 3501


async def test_a_good_command_before_a_malformed_one_in_the_frame() -> None:
    """Nothing of a malformed frame is done, or what comes before the fault is; either way the session ends."""
    async with serving(echo_hub()) as address, connected(address, "json", "42") as wire:
        await wire.send_raw('{"id":2,"rpc":{"method":"echo","data":1}}\n{')
        assert await wire.closed() == 3501
        assert all(reply.get("id") in (None, 1, 2) for reply in wire.log)


async def test_wrong_kind_of_frame_3501(encoding: str) -> None:
    async with serving(echo_hub()) as address, connected(address, encoding, "42") as wire:
        frame = '{"id":9,"rpc":{"method":"echo"}}'
        await wire.send_raw(frame if encoding == "protobuf" else frame.encode())
        assert await wire.closed() == 3501


async def test_text_that_is_not_utf8_1007() -> None:
    """RFC 6455 section 8.1 stands before the protocol."""
    async with serving(echo_hub()) as address, connected(address, "json", "42") as wire:
        await wire.ws.send(b'{"id":2,"rpc":{"method":"echo","data":"\xff"}}', text=True)
        assert await wire.closed() == 1007


async def test_frame_over_the_bound_1009(encoding: str) -> None:
    async with (
        serving(echo_hub(max_message_size=1000)) as address,
        connected(address, encoding, "42") as wire,
    ):
        await wire.send_raw("x" * 1001 if encoding == "json" else b"x" * 1001)
        assert await wire.closed() == 1009


# What is not known is ignored.


async def test_unknown_json_fields_are_ignored() -> None:
    async with serving(echo_hub()) as address, opened(address, "json") as wire:
        await wire.send_raw(
            '{"future":[1,{"a":2}],"id":1,"connect":{"data":{"user":"42"},"flag":7,"dict":{"x":[]},"profile":"p","new":null}}'
        )
        assert "connect" in await wire.next()
        await wire.send_raw(
            '{"id":2,"subscribe":{"channel":"a","shiny":{"deep":[{}]},"flag":64},"trace":"x"}'
        )
        assert (await wire.next())["subscribe"] == {}
        await wire.send_raw('{"id":3,"rpc":{"method":"echo","data":{"кто":1},"новое":2}}')
        assert (await wire.next())["rpc"] == {"data": {"кто": 1}}


async def test_unknown_protobuf_fields_are_ignored() -> None:
    async with serving(echo_hub()) as address, connected(address, "protobuf", "42") as wire:
        # Fields 100 (varint), 101 (bytes), 102 (64 bit), 103 (32 bit), in the command and in its request.
        unknown = b"\xa0\x06\x05" + b"\xaa\x06\x02hi" + b"\xb1\x06" + b"\0" * 8 + b"\xbd\x06" + b"\0" * 4
        request = unknown + b"\x0a\x01a" + unknown
        command = unknown + b"\x08\x09\x2a" + varint(len(request)) + request + unknown
        await wire.send_raw(varint(len(command)) + command)
        assert await wire.reply(9) == {"subscribe": {}}


async def test_json_names_and_values_in_other_spellings() -> None:
    async with serving(echo_hub()) as address, connected(address, "json", "42") as wire:
        await wire.send_raw(' { "rpc" : { "data" : { "a" : 1 } , "m\\u0065thod" : "echo" } , "id" : 5 } ')
        assert await wire.reply(5) == {"rpc": {"data": {"a": 1}}}


async def test_nulls_count_as_absent() -> None:
    async with serving(echo_hub()) as address, connected(address, "json", "42") as wire:
        await wire.send_raw(
            '{"id":5,"connect":null,"subscribe":{"channel":"a","token":null,"tf":null,"data":null}}'
        )
        assert await wire.reply(5) == {"subscribe": {}}


async def test_first_request_of_a_command_counts(encoding: str) -> None:
    async with serving(echo_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 9, "rpc": {"method": "echo", "data": 1}, "unsubscribe": {"channel": "a"}})
        reply = await wire.reply(9)
        assert set(reply) == {"unsubscribe"}  # 6 stands before 13


# Forgery: a payload must not end its frame and begin another.


FORGED = '{"push":{"channel":"b","pub":{"data":"forged"}}}'


@pytest.mark.parametrize("feed", ["\n", "\r\n", "\r", "\n\n"])
async def test_line_breaks_between_tokens_leave_no_trace(feed: str) -> None:
    """JSON allows them in a payload; in a frame of JSON they would end it."""
    hub = echo_hub()
    async with (
        serving(hub) as address,
        connected(address, "protobuf", "42") as attacker,
        connected(address, "json", "43") as victim,
    ):
        await attacker.subscribe("a")
        await victim.subscribe("a")
        payload = ("{" + feed + '"x":' + feed + "1" + feed + "}" + feed).encode()
        request = b"\x0a\x01a\x12" + varint(len(payload)) + payload
        command = b"\x08\x09\x3a" + varint(len(request)) + request
        await attacker.send_raw(varint(len(command)) + command)
        await attacker.reply(9)
        assert (await victim.push("pub", "a"))["data"] == {"x": 1}
        await victim.nothing()


@pytest.mark.parametrize(
    "payload",
    [
        '{"a":1}\n' + FORGED,
        '1}}}\n{"push":{"channel":"b","pub":{"data":2',
        '{"a":1}}}}\n{"push":{"channel":"b","pub":{"data":{"a":1',
        '"a\n' + FORGED + '"',
        "",
        " ",
        "\n",
        '{"a":1},"offset":7',
    ],
    ids=range(8),
)
async def test_forged_pushes_do_not_reach_anybody(payload: str) -> None:
    """From protobuf, where a payload may be anything, and from every place that a payload comes from."""
    hub = echo_hub()
    async with serving(hub) as address, connected(address, "json", "43") as victim:
        await victim.subscribe("a")
        async with connected(address, "protobuf", "42") as attacker:
            await attacker.subscribe("a")
            data = payload.encode()
            request = b"\x0a\x01a\x12" + varint(len(data)) + data
            command = b"\x08\x09\x3a" + varint(len(request)) + request
            await attacker.send_raw(varint(len(command)) + command)
            await attacker.synchronous()
        try:
            while "push" in (reply := await victim.ask(rpc={"method": "echo", "data": "end"})):
                pass
            assert reply == {"rpc": {"data": "end"}}
        except Closed:
            assert await victim.closed() == 3506
        for reply in victim.log:
            assert reply.get("push", {}).get("channel", "a") == "a", "forged"
            assert reply.get("push", {}).get("pub", {}).get("offset") is None


async def test_newlines_of_the_application_are_taken_out() -> None:
    hub = echo_hub()

    @hub.rpc("bytes")
    def some(session: Session, data: Any) -> bytes:
        return b'{\n"x":\r\n1}\n'

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        assert await wire.result(rpc={"method": "bytes"}) == {"data": {"x": 1}}
        await hub.publish("a", b"[1,\n2]\n")
        assert (await wire.push("pub", "a"))["data"] == [1, 2]
        hub.sessions[wire.client].send(b"\n[3]\n")
        assert (await wire.push("message"))["data"] == [3]


async def test_deep_payloads_pass_up_to_a_bound(encoding: str) -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    async with serving(echo_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.result(publish={"channel": "a", "data": nested(400)})
        assert (await wire.push("pub", "a"))["data"] == nested(400)


# Pressure.


async def test_commands_that_wait_are_bounded_and_none_is_lost() -> None:
    """A client that sends without end while one command runs is not read any more; then all is answered."""
    hub = echo_hub(max_waiting_commands=10_000)
    go_on = asyncio.Event()

    @hub.rpc("wait")
    async def wait(session: Session, data: Any) -> None:
        await go_on.wait()

    count = 2000
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.send({"id": 10, "rpc": {"method": "wait"}})

        async def flood() -> None:
            for n in range(count):
                await wire.send_raw(
                    json.dumps({"id": 100 + n, "rpc": {"method": "echo", "data": "x" * 1000}})
                )

        flooding = asyncio.create_task(flood())
        session = hub.sessions[wire.client]
        while not session.reading_paused:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)
        assert session._pending_size < 100_000
        go_on.set()
        assert (await wire.next())["id"] == 10
        for n in range(count):
            assert (await wire.next())["id"] == 100 + n
        await flooding


@pytest.mark.parametrize("query", ["cf_protocol=protobuf", "format=protobuf"])
async def test_protobuf_by_the_query(query: str) -> None:
    async with (
        serving(echo_hub()) as address,
        openline.connect(f"{address}?{query}") as ws,
    ):
        wire = Wire(ws, "protobuf")
        assert ws.subprotocol is None
        await wire.connect(data={"user": "42"})


async def test_subprotocol_is_echoed() -> None:
    async with serving(echo_hub()) as address:
        async with openline.connect(address, subprotocols=["other", "centrifuge-protobuf"]) as ws:
            assert ws.subprotocol == "centrifuge-protobuf"
        async with openline.connect(address, subprotocols=["centrifuge-json"]) as ws:
            assert ws.subprotocol in (None, "centrifuge-json")
            await Wire(ws, "json").connect()
