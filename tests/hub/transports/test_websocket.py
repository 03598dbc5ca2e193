"""Sessions over WebSocket."""

from __future__ import annotations

from secrets import token_hex

import pytest

import openline
from openline.hub.options import HubOptions
from openline.hub.transports.websocket import hub_line_options, subprotocol_of
from openline.websocket.options import Options

from ..conformance.wire import Wire, connected, named_hub, opened, serving

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("query", "agreed", "name"),
    [
        ("", None, "json"),
        ("", "centrifuge-json", "json"),
        ("", "centrifuge-protobuf", "protobuf"),
        ("cf_protocol=protobuf", None, "protobuf"),
        ("a=b&format=protobuf", None, "protobuf"),
        ("format=json", None, "json"),
    ],
)
def test_the_encoding(query: str, agreed: str | None, name: str) -> None:
    assert subprotocol_of(query, agreed).name == name


def test_bounds_are_the_hubs_and_pings_the_protocols() -> None:
    options = hub_line_options(Options(), HubOptions(max_message_size=5000, max_queue_size=6000), 100)
    assert (options.ping_interval, options.max_message_size, options.max_unsent) == (None, 5000, 6000)
    assert (options.write_high, options.write_low) == (100, 25)


async def test_the_wrong_kind_of_frame_is_3501() -> None:
    async with serving(named_hub()) as address:
        async with opened(address, "json") as wire:
            await wire.ws.send(b'{"id":1,"connect":{}}')
            assert await wire.closed() == 3501
        async with opened(address, "protobuf") as wire:
            await wire.ws.send("{}")
            assert await wire.closed() == 3501


async def test_a_frame_that_is_too_large_is_1009() -> None:
    async with serving(named_hub(max_message_size=1000)) as address, connected(address, "json", "42") as wire:
        await wire.ws.send("x" * 1001)
        assert await wire.closed() == 1009


async def test_hooks_see_the_request() -> None:
    hub = named_hub()

    @hub.rpc("where")
    def where(session: object, data: object) -> list[str]:
        request, transport = session.request, session.transport  # type: ignore[attr-defined]
        return [request.path, request.headers["X-Test"], transport.remote_address, transport.name]

    async with (
        serving(hub) as address,
        openline.connect(address + "?a=b", additional_headers={"X-Test": "yes"}) as ws,
    ):
        wire = Wire(ws, "json")
        await wire.connect(data={"user": "42"})
        reply = await wire.ask(rpc={"method": "where"})
        assert reply["rpc"]["data"] == ["/connection/websocket?a=b", "yes", "127.0.0.1", "websocket"]


async def test_who_does_not_read_is_ended_with_3008_and_can_read_that() -> None:
    hub = named_hub(max_queue_size=200_000)
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as slow,
        connected(address, "json", "2") as quick,
    ):
        await slow.subscribe("a")
        await quick.subscribe("a")
        slow.ws.pause()
        number = 0
        while len(hub.sessions) == 2:
            number += 1
            await hub.publish("a", [number, token_hex(25_000)])
            assert (await quick.push("pub", "a"))["data"][0] == number
        assert hub.counters.overruns == 1
        assert hub.counters.disconnects == {3008: 1}
        slow.ws.resume()
        assert await slow.closed() == 3008
        # What it got before that are whole publications, without a gap.
        got = [reply["push"]["pub"]["data"][0] for reply in slow.log if "push" in reply]
        assert got == list(range(1, len(got) + 1))
