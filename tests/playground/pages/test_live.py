"""Live updates: the server's side, on a real hub."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from openline.hub import Hub
from openline.hub.stores import open_store
from openline.playground.application import Application
from openline.playground.pages import live
from openline.playground.pages.live_thin import ThinLine
from tests.hub.conformance.wire import Wire, connected, decode, named_hub, serving


@contextlib.asynccontextmanager
async def trading() -> AsyncIterator[tuple[str, Hub, Application]]:
    """The page's server side; gives the address of its hub."""
    hub = named_hub()
    app = Application(hub, open_store("memory://"))
    live.install(app)
    async with serving(hub) as address:
        app.begin()
        try:
            yield address, hub, app
        finally:
            await app.end()


async def rpc(wire: Wire, method: str) -> Any:
    return (await wire.result(rpc={"method": method, "data": None}))["data"]


async def look(wire: Wire, *symbols: str) -> None:
    for symbol in symbols:
        await wire.subscribe(f"market:{symbol}")


async def test_the_newest_of_what_is_looked_at_in_one_frame() -> None:
    async with trading() as (address, hub, _), connected(address, "json", "1") as wire:
        listing = (await rpc(wire, "market.symbols"))["symbols"]
        assert len(listing) == 500
        chosen = [symbol for symbol, _, _ in listing[:50]]
        await look(wire, *chosen)
        seen: dict[str, int] = {}
        whole = 0
        while whole < 5:
            pushes = [one["push"] for one in decode(await wire.ws.recv(), "json")]
            for push in pushes:
                number = push["pub"]["data"]["n"]
                assert number > seen.get(push["channel"], 0)
                seen[push["channel"]] = number
            channels = [push["channel"] for push in pushes]
            assert len(channels) == len(set(channels)), "of each the newest alone"
            whole += len(channels) > 40
        assert set(seen) == {f"market:{symbol}" for symbol in chosen}
        assert hub.counters.conflated > hub.counters.deliveries


async def test_nothing_moves_while_nobody_looks() -> None:
    async with trading() as (address, _, _), connected(address, "json", "1") as wire:
        assert (await rpc(wire, "market.meter"))["changes"] == 0
        await look(wire, "ALAI", "ALBA")
        await wire.next()
        for symbol in ("ALAI", "ALBA"):
            await wire.result(unsubscribe={"channel": f"market:{symbol}"})
        while (await rpc(wire, "market.meter"))["watched"]:
            pass
        before = (await rpc(wire, "market.meter"))["changes"]
        assert before > 0
        await asyncio.sleep(0.05)  # it moves each 10 ms, if it does
        assert (await rpc(wire, "market.meter"))["changes"] == before
        await look(wire, "ALCA")
        while (await wire.next())["push"]["channel"] != "market:ALCA":
            pass  # what came of the others before


async def test_the_clock_is_the_servers() -> None:
    async with trading() as (address, _, _), connected(address, "json", "1") as wire:
        await look(wire, "ALAI")
        value = (await wire.push("pub", "market:ALAI"))["data"]
        assert 0 <= await rpc(wire, "market.clock") - value["t"] < 60_000


async def test_the_score_comes_in_patches_and_at_once() -> None:
    async with trading() as (address, _, _), connected(address, "json", "1") as first:
        await first.subscribe("score:final", delta="fossil")
        whole = await first.push("pub", "score:final")
        patch = await first.push("pub", "score:final")
        assert not whole.get("delta")
        assert patch["delta"]
        assert len(patch["data"]) < len(whole["data"]) / 2
        async with connected(address, "json", "2") as second:
            result = await second.subscribe("score:final", recover=True, offset=0, epoch="")
            assert result["publications"][0]["data"]["minute"] >= 2


async def test_nobody_else_publishes() -> None:
    async with trading() as (address, _, _), connected(address, "json", "1") as wire:
        await look(wire, "ALAI")
        await wire.subscribe("score:final")
        for channel in ("market:ALAI", "score:final"):
            assert await wire.error(publish={"channel": channel, "data": 1}) == 103


async def test_a_thin_line_is_mounted() -> None:
    async with trading() as (_, _, app):
        make = app.listener_at("/live/thin")
        assert make is not None
        assert isinstance(make(None), ThinLine)  # type: ignore[arg-type]
