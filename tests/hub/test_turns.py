"""Turns: what a client gets once in an interval."""

from __future__ import annotations

import asyncio
import socket
from secrets import token_hex
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from openline.hub import Hub
from openline.hub.turns import Turns

from .conformance.wire import Wire, connected, decode, named_hub, opened, serving

pytestmark = pytest.mark.engine


def market(interval: float = 0.02, **options: Any) -> Hub:
    hub = named_hub()
    hub.namespace("", slow_consumer="conflate", batch_delay=interval, **options)
    return hub


async def settled(turns: Turns) -> None:
    """Return when nothing is stirring."""
    while turns.stirring or turns._handle is not None:  # noqa: ASYNC110 - there is no event for this
        await asyncio.sleep(0.001)


def narrow(address: str) -> socket.socket:
    """A socket for which the kernel takes little, so that who does not read is behind soon."""
    place = urlsplit(address)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((place.hostname, place.port))
    return sock


async def frame(wire: Wire) -> list[tuple[str, Any]]:
    pushes = [one["push"] for one in decode(await wire.ws.recv(), wire.encoding)]
    return [(one["channel"], one["pub"]["data"]) for one in pushes]


@pytest.mark.parametrize(("interval", "places"), [(0.001, 1), (0.1, 10), (0.5, 50), (60.0, 100)])
def test_places_are_some_10_ms_apart(interval: float, places: int) -> None:
    turns = Turns(named_hub(), interval)
    assert turns.places == places
    taken = {turns.place_of(SimpleNamespace(client=str(n))) for n in range(2000)}  # type: ignore[arg-type]
    assert taken == set(range(places))


async def test_the_newest_of_all_channels_in_one_frame() -> None:
    hub = market(0.05)
    async with serving(hub) as address, connected(address, "json", "1") as wire:
        for channel in "abc":
            await wire.subscribe(channel)
        for number in range(9):
            await hub.publish("abc"[number % 3], number)
        assert sorted(await frame(wire)) == [("a", 6), ("b", 7), ("c", 8)]
        await hub.publish("b", 9)
        assert await frame(wire) == [("b", 9)], "and then what is new alone"
        assert (hub.counters.deliveries, hub.counters.conflated, hub.counters.batched) == (4, 6, 4)
        await wire.nothing()


async def test_there_is_a_timer_only_while_something_waits() -> None:
    hub = market()
    async with serving(hub) as address, connected(address, "json", "1") as wire:
        await wire.subscribe("a")
        turns = hub.table.turns_of(0.02)
        assert turns._handle is None
        await hub.publish("a", 1)
        assert turns._handle is not None
        assert await frame(wire) == [("a", 1)]
        await settled(turns)
        await hub.publish("b", 1)
        assert turns._handle is None, "nobody is there"
        await hub.publish("a", 2)
        await wire.result(unsubscribe={"channel": "a"})
        await settled(turns)
        await wire.nothing()


async def test_what_is_much_leaves_in_several_frames() -> None:
    hub = market()
    async with serving(hub) as address, connected(address, "protobuf", "1") as wire:
        await wire.subscribe("a")
        await wire.subscribe("b")
        for number in range(20):
            await hub.publish("a", "x" * 3000, key=str(number))
        await hub.publish("b", "y" * 20_000)
        got = 0
        frames: list[list[tuple[str, Any]]] = []
        while got < 21:
            frames.append(await frame(wire))
            got += len(frames[-1])
        assert len(frames) > 3
        assert max(len(part) for part in frames) <= 6, "16 KiB are enough for one"
        await wire.nothing()


async def test_who_is_slow_is_passed_over_and_gets_what_is_the_newest_then() -> None:
    hub = market(history=10, ttl=60.0, positioned=True)
    async with (
        serving(hub) as address,
        opened(address, "json", sock=narrow(address), compression=None) as slow,
        connected(address, "json", "2") as quick,
    ):
        await slow.connect(data={"user": "1"})
        for wire in (slow, quick):
            await wire.subscribe("a")
        session = hub.sessions[slow.client]
        slow.ws.pause()
        number = 0
        after = 0
        while after < 20:
            number += 1
            await hub.publish("a", token_hex(30_000))
            assert (await quick.push("pub", "a"))["offset"] == number, "nobody else notices"
            if session.transport.unsent > hub.write_high:
                after += 1
        assert session.transport.unsent < hub.options.max_queue_size
        turns = hub.table.turns_of(0.02)
        assert turns.stirring, "its turn is still to come"
        channel = hub.table.get("a")
        assert channel is not None
        assert channel.count_waiting(session.subscriptions["a"]) == 1
        assert channel.count_waiting(hub.sessions[quick.client].subscriptions["a"]) == 0
        slow.ws.resume()
        got: list[int] = []
        while not got or got[-1] < number:
            got.append((await slow.push("pub", "a"))["offset"])
        assert got == sorted(set(got))
        assert len(got) < number - 10
        assert hub.counters.conflated == number - len(got)
        await hub.publish("a", "afterwards")
        assert (await slow.push("pub", "a"))["data"] == "afterwards"
        await quick.push("pub", "a")
        await settled(turns)


async def test_who_cannot_have_it_is_disconnected_and_the_others_are_not() -> None:
    hub = market()
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as text,
        connected(address, "protobuf", "2") as binary,
    ):
        for wire in (text, binary):
            await wire.subscribe("a")
            await wire.subscribe("b")
        await hub.publish("a", b"\xff is no JSON")
        await hub.publish("b", 1)
        assert await text.closed() == 3506
        assert len(await frame(binary)) == 2


async def test_patches_are_not_made_and_not_missed() -> None:
    hub = market(delta=True, history=1, ttl=60.0)
    async with serving(hub) as address, connected(address, "json", "1") as wire:
        await wire.subscribe("a", delta="fossil")
        for text in ("x" * 500 + "1", "x" * 500 + "2"):
            await hub.publish("a", text)
            publication = await wire.push("pub", "a")
            assert not publication.get("delta")
            assert text in publication["data"]


async def test_a_hub_that_is_closed_leaves_no_timer() -> None:
    hub = market(5.0)
    async with serving(hub) as address, connected(address, "json", "1") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        turns = hub.table.turns_of(5.0)
        assert turns._handle is not None
        await hub.close()
        assert turns._handle is None
