"""A line that lets few bytes a second through, on a real hub."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

import openline
from openline.hub import Hub
from openline.playground.pages.live_thin import ThinLine, rate_of
from tests.hub.conformance.wire import Wire, named_hub


@contextlib.asynccontextmanager
async def thin(hub: Hub, rate: int = 64_000) -> AsyncIterator[Wire]:
    """A client on such a line."""
    await hub.start()
    try:
        async with (
            openline.serve(None, "127.0.0.1", 0, listener=lambda ws: ThinLine(hub, ws)) as server,
            openline.connect(
                f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/thin?rate={rate}", max_size=2**24
            ) as ws,
        ):
            wire = Wire(ws, "json")
            await wire.connect(data={"user": "1"})
            yield wire
    finally:
        await hub.close()


def market(**options: Any) -> Hub:
    hub = named_hub()
    hub.namespace("", slow_consumer="conflate", batch_delay=0.01, **options)
    return hub


@pytest.mark.parametrize(
    ("query", "rate"),
    [("", 16_000), ("?rate=20000", 20_000), ("?rate=1", 2_000), ("?rate=9999999", 64_000)]
    + [(f"?rate={wrong}", 16_000) for wrong in ("", "-5", "1e9", "٣", "123456789012345678901234567890")],
)
def test_the_rate_is_within_reason(query: str, rate: int) -> None:
    assert rate_of(f"/live/thin{query}") == rate


async def test_it_speaks_the_hubs_protocol() -> None:
    hub = market()
    async with thin(hub) as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        assert (await wire.push("pub", "a"))["data"] == 1
        await wire.nothing()
        await hub.disconnect("1", code=4100)
        assert await wire.closed() == 4100


async def test_what_it_has_no_room_for_is_merged_and_nothing_older_comes() -> None:
    hub = market()
    async with thin(hub) as wire:
        await wire.subscribe("a")
        session = hub.sessions[wire.client]
        number = 0
        while hub.counters.conflated < 20:
            number += 1
            await hub.publish("a", {"n": number, "x": "x" * 12_000})
            await asyncio.sleep(0.005)
            assert session.transport.unsent < 64_000, "32 KiB, and what made it so much"
        got: list[int] = []
        while not got or got[-1] < number:
            got.append((await wire.push("pub", "a"))["data"]["n"])
        assert got == sorted(set(got))
        assert len(got) <= number - 20


async def test_who_waits_for_too_much_is_disconnected() -> None:
    hub = named_hub(max_queue_size=50_000)
    hub.namespace("")
    async with thin(hub, 2_000) as wire:
        await wire.subscribe("a")
        for _ in range(8):
            await hub.publish("a", "x" * 10_000)
        assert await wire.closed() == 3008


async def test_a_client_that_goes_leaves_nothing() -> None:
    hub = market()
    async with thin(hub, 2_000) as wire:
        await wire.subscribe("a")
        await hub.publish("a", "x" * 20_000)
        await wire.push("pub", "a")
        await hub.publish("a", "x" * 20_000)
        await wire.ws.close()
        while hub.sessions:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0.001)
