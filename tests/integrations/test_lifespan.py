"""The lifespan of ASGI: the hub's, and that of the application beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from openline.hub import BrokerDown, Hub
from openline.integrations.lifespan import Lifespan


async def run(hub: Hub, other: Any = None) -> list[str]:
    """Start and stop, as a server does; what it was told, with the hub's state at that time."""
    to_it: asyncio.Queue[Any] = asyncio.Queue()
    said: list[str] = []

    async def send(event: Any) -> None:
        said.append(event["type"].removeprefix("lifespan.") + (" up" if hub.started_at else ""))
        if event["type"] == "lifespan.startup.complete":
            to_it.put_nowait({"type": "lifespan.shutdown"})

    to_it.put_nowait({"type": "lifespan.startup"})
    await Lifespan(hub, other).run({"type": "lifespan"}, to_it.get, send)
    return said


async def test_the_hub_starts_and_closes() -> None:
    assert await run(Hub(insecure=True)) == ["startup.complete up", "shutdown.complete"]


async def test_the_other_application_lives_inside_the_hubs_life() -> None:
    hub = Hub(insecure=True)
    seen: list[Any] = []

    async def other(scope: Any, receive: Any, send: Any) -> None:
        for what in ("startup", "shutdown"):
            seen.append(((await receive())["type"], bool(hub.started_at)))
            await send({"type": f"lifespan.{what}.complete"})

    assert await run(hub, other) == ["startup.complete up", "shutdown.complete"]
    assert seen == [("lifespan.startup", True), ("lifespan.shutdown", True)]


async def test_an_application_that_knows_no_lifespan_is_served_all_the_same() -> None:
    async def raises(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("no lifespan here")

    async def returns(scope: Any, receive: Any, send: Any) -> None:
        return

    async def returns_later(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    for other in (raises, returns, returns_later):
        assert await run(Hub(insecure=True), other) == ["startup.complete up", "shutdown.complete"]


async def test_an_application_that_fails_at_its_start_is_not_served() -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    assert await run(Hub(insecure=True), other) == ["startup.failed"]


async def test_an_application_that_fails_at_its_end_does_not_keep_the_hub() -> None:
    hub = Hub(insecure=True)

    async def other(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "too late"})

    assert await run(hub, other) == ["startup.complete up", "shutdown.failed"]
    assert not hub.started_at


async def test_a_broker_that_is_down_is_a_start_that_failed() -> None:
    class Down(Hub):
        async def start(self) -> None:
            raise BrokerDown("no broker")

    assert await run(Down()) == ["startup.failed"]
