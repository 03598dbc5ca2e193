"""What a subscription remembers, and how its time ends."""

from __future__ import annotations

import time

import pytest

from openline.hub import Connect, Hub, Subscribe

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


async def test_it_ends_when_its_time_and_the_grace_are_over() -> None:
    hub = named_hub(ping_interval=0.5, pong_timeout=0.2, expiry_grace=0.05)
    hub.namespace("")

    @hub.on_subscribe
    def terms(session: object, channel: str) -> Subscribe:
        return Subscribe(expire_at=time.time() + 0.05)

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        assert await wire.push("unsubscribe", "a") == {"code": 2501, "reason": "subscription expired"}
        assert not hub.table.all()


async def test_one_of_the_servers_making_takes_the_session_with_it() -> None:
    hub = Hub(ping_interval=0.5, pong_timeout=0.2, expiry_grace=0.05)
    hub.namespace("")

    @hub.on_connect
    def who(session: object) -> Connect:
        return Connect(user="42", subs={"a": Subscribe(expire_at=time.time() + 0.05)})

    async with serving(hub) as address, connected(address, "json") as wire:
        assert await wire.closed() == 3006


async def test_its_name_says_whose_it_is() -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        session = hub.sessions[wire.client]
        assert repr(session.subscriptions["a"]) == f"<Subscription {wire.client} a>"
