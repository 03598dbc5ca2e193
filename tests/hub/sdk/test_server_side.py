"""Subscriptions that the server makes, and what else it does by itself."""

from __future__ import annotations

import asyncio

import pytest

from openline.hub import Connect, Hub, Session, Subscribe
from tests.hub.conformance.wire import named_hub

from .client import SDK, Settings
from .line import reachable

AS_42 = Settings(data={"user": "42"})


def news_hub() -> Hub:
    hub = Hub()
    hub.namespace("news", history=100, ttl=60.0, recovery=True, join_leave=True)

    @hub.on_connect
    def who(session: Session) -> Connect:
        return Connect(user="42", subs={"news:a": Subscribe(data={"welcome": "да"})})

    return hub


async def test_at_the_connect(sdk: SDK) -> None:
    hub = news_hub()
    async with reachable(hub) as line, sdk.client(line.address, Settings()) as client:
        connected = await client.connected()
        subscribed = await client.until("subscribed", "news:a")
        assert subscribed["data"] == {"welcome": "да"}
        assert subscribed["recoverable"]
        assert (await client.until("join", "news:a"))["info"]["client"] == connected["client"]
        await hub.publish("news:a", {"n": 1}, tags={"a": "b"})
        pub = await client.until("publication", "news:a")
        assert (pub["data"], pub["offset"], pub["tags"]) == ({"n": 1}, 1, {"a": "b"})


async def test_recovers_after_a_cut_line(sdk: SDK) -> None:
    hub = news_hub()
    async with reachable(hub) as line, sdk.client(line.address, Settings()) as client:
        await client.connected()
        await client.until("subscribed", "news:a")
        await hub.publish("news:a", 1)
        assert await client.publications("news:a", 1) == [1]
        line.cut(for_good=True)
        await client.until("connecting")
        for number in (2, 3, 4):
            await hub.publish("news:a", number)
        line.up = True
        back = await client.until("subscribed", "news:a")
        assert back["was_recovering"]
        assert back["recovered"]
        assert await client.publications("news:a", 3) == [2, 3, 4]


async def test_later(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("news", history=100, ttl=60.0, recovery=True)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await hub.subscribe("42", "news:b", data={"later": True})
        assert (await client.until("subscribed", "news:b"))["data"] == {"later": True}
        await hub.publish("news:b", 1)
        assert await client.publications("news:b", 1) == [1]
        await hub.unsubscribe("42", "news:b")
        await client.until("unsubscribed", "news:b")
        await hub.publish("news:b", 2)
        await hub.subscribe("42", "news:b")
        await client.until("subscribed", "news:b")
        await hub.publish("news:b", 3)
        assert await client.publications("news:b", 1) == [3]


async def test_server_ends_a_subscription_of_the_client(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("")
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        connected = await client.connected()
        await client.subscribed("a")
        await hub.unsubscribe("42", "a")
        assert (await client.until("unsubscribed", "a"))["code"] == 2000
        await client.subscribed("b")
        session = hub.sessions[connected["client"]]
        session.end_subscription(session.subscriptions["b"], 2500)
        # From 2500 on it subscribes again by itself.
        assert (await client.until("subscribing", "b"))["code"] == 2500
        await client.until("subscribed", "b")


@pytest.mark.parametrize("code", [3000, 3001, 3004, 3005, 3008, 3010, 3011, 3012, 3014, 4000, 4499])
async def test_codes_after_which_the_client_comes_back(sdk: SDK, code: int) -> None:
    hub = named_hub()
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        first = await client.connected()
        await hub.disconnect("42", code=code)
        assert (await client.until("connecting"))["code"] == code
        assert (await client.until("connected"))["client"] != first["client"]
        assert not client.seen("disconnected")


@pytest.mark.parametrize("code", [3500, 3501, 3503, 3504, 3507, 3508, 3509, 4500, 4999])
async def test_codes_after_which_it_does_not(sdk: SDK, code: int) -> None:
    hub = named_hub()
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await hub.disconnect("42", code=code, reason="потому что")
        gone = await client.until("disconnected")
        assert (gone["code"], gone["reason"]) == (code, "потому что")
        assert not hub.sessions


async def test_pings_keep_a_quiet_client(sdk: SDK) -> None:
    """It answers them, and takes the server for alive."""
    hub = named_hub(ping_interval=1.0, pong_timeout=0.5)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        connected = await client.connected()
        session = hub.sessions[connected["client"]]
        for _ in range(2):
            while not session.pinged:  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0.01)
            while session.pinged:  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0.01)
        assert not session.closed
        assert not client.seen("connecting") or client.events[0]["event"] == "connecting"
        assert not client.seen("disconnected")


async def test_rolling_restart_by_draining(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("chat", history=100, ttl=60.0, recovery=True)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await client.subscribed("chat:a")
        draining = asyncio.create_task(hub.drain(0.0))
        assert (await client.until("connecting"))["code"] == 3001
        await draining
        await hub.publish("chat:a", "meanwhile")
        hub.draining = False
        assert (await client.until("subscribed", "chat:a"))["recovered"]
        assert await client.publications("chat:a", 1) == ["meanwhile"]
