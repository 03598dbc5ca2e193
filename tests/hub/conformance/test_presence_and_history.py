"""Presence, presence_stats, history: what they say, and who may ask."""

from __future__ import annotations

from typing import Any

import pytest

from openline.hub import Connect, Hub, Refused, Session, Subscribe

from .wire import connected, named_hub, serving


async def test_presence(encoding: str) -> None:
    hub = Hub()
    hub.namespace("", presence=True)

    @hub.on_connect
    def who(session: Session, data: Any) -> Connect:
        return Connect(user=data["user"], info={"name": data["user"]})

    @hub.on_subscribe
    def let_in(session: Session, channel: str) -> Subscribe:
        return Subscribe(info=[session.user])

    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as one,
        connected(address, encoding, "42") as same,
        connected(address, encoding, "43") as other,
    ):
        for wire in (one, same, other):
            await wire.subscribe("a")
        result = await one.result(presence={"channel": "a"})
        assert result["presence"] == {
            wire.client: {
                "user": user,
                "client": wire.client,
                "conn_info": {"name": user},
                "chan_info": [user],
            }
            for wire, user in ((one, "42"), (same, "42"), (other, "43"))
        }
        stats = await one.result(presence_stats={"channel": "a"})
        assert stats == {"num_clients": 3, "num_users": 2}
        await other.result(unsubscribe={"channel": "a"})
        assert await one.result(presence_stats={"channel": "a"}) == {"num_clients": 2, "num_users": 1}


async def test_empty_results_are_there() -> None:
    """SDKs look into them."""
    hub = named_hub()
    hub.namespace("", presence=True, read_presence="anyone", read_history="anyone", history=5, ttl=60.0)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        assert await wire.result(presence={"channel": "a"}) == {"presence": {}}
        assert await wire.result(presence_stats={"channel": "a"}) == {"num_clients": 0, "num_users": 0}
        result = await wire.result(history={"channel": "a"})
        assert (result["publications"], result["offset"]) == ([], 0)
        assert result["epoch"]


@pytest.mark.parametrize("command", ["presence", "presence_stats", "history"])
async def test_not_available_108(encoding: str, command: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(**{command: {"channel": "a"}}) == 108


@pytest.mark.parametrize("command", ["presence", "presence_stats", "history"])
async def test_who_may_ask(encoding: str, command: str) -> None:
    hub = named_hub()
    options: dict[str, Any] = {"presence": True, "history": 5, "ttl": 60.0}
    hub.namespace("", **options)
    hub.namespace("shut", read_presence="nobody", read_history="nobody", **options)
    hub.namespace("open", read_presence="anyone", read_history="anyone", **options)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(**{command: {"channel": "a"}}) == 103
        await wire.subscribe("a")
        await wire.result(**{command: {"channel": "a"}})
        await wire.subscribe("shut:a")
        assert await wire.error(**{command: {"channel": "shut:a"}}) == 103
        await wire.result(**{command: {"channel": "open:a"}})
        assert await wire.error(**{command: {"channel": "unknown:a"}}) == 102
        assert await wire.error(**{command: {"channel": ""}}) == 107


@pytest.mark.parametrize("command", ["presence", "presence_stats", "history"])
async def test_hooks_refuse(encoding: str, command: str) -> None:
    hub = named_hub()
    hub.namespace("", presence=True, history=5, ttl=60.0)

    @hub.on_presence
    def no_presence(session: Session, channel: str) -> None:
        raise Refused(501)

    @hub.on_history
    def no_history(session: Session, channel: str) -> None:
        raise Refused(501)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(**{command: {"channel": "a"}}) == 501


async def test_presence_ends_with_the_connection(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", presence=True, join_leave=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.push("join", "a")
        async with connected(address, encoding, "43") as other:
            await other.subscribe("a")
            assert (await wire.push("join", "a"))["info"] == {"user": "43", "client": other.client}
            other.ws.transport.abort()
            assert (await wire.push("leave", "a"))["info"] == {"user": "43", "client": other.client}
        assert set((await wire.result(presence={"channel": "a"}))["presence"]) == {wire.client}


async def test_join_and_leave(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", join_leave=True)
    hub.namespace("quiet")
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as wire,
        connected(address, encoding, "43") as other,
    ):
        for channel in ("a", "quiet:a"):
            await wire.subscribe(channel)
        assert (await wire.push("join", "a"))["info"]["client"] == wire.client
        for channel in ("a", "quiet:a"):
            await other.subscribe(channel, join_leave=True)
        assert (await wire.push("join", "a"))["info"]["client"] == other.client
        for channel in ("a", "quiet:a"):
            await other.result(unsubscribe={"channel": channel})
        assert (await wire.push("leave", "a"))["info"]["client"] == other.client
        await wire.nothing()


# History.


def history_hub(**options: Any) -> Hub:
    hub = named_hub(**options)
    hub.namespace("", history=10, ttl=60.0)
    return hub


@pytest.mark.parametrize(
    ("request_", "offsets"),
    [
        ({}, []),
        ({"limit": 0}, []),
        ({"limit": -1}, [1, 2, 3, 4, 5]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 100}, [1, 2, 3, 4, 5]),
        ({"limit": -1, "reverse": True}, [5, 4, 3, 2, 1]),
        ({"limit": 2, "reverse": True}, [5, 4]),
        ({"limit": -1, "since": {"offset": 3}}, [4, 5]),
        ({"limit": 1, "since": {"offset": 3}}, [4]),
        ({"limit": -1, "since": {"offset": 5}}, []),
        ({"limit": -1, "since": {"offset": 3}, "reverse": True}, [2, 1]),
        ({"limit": -1, "since": {"offset": 0}}, [1, 2, 3, 4, 5]),
    ],
    ids=str,
)
async def test_history(encoding: str, request_: dict[str, Any], offsets: list[int]) -> None:
    hub = history_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        for number in range(1, 6):
            await hub.publish("a", {"n": number})
            await wire.push("pub", "a")
        epoch = (await wire.result(history={"channel": "a"}))["epoch"]
        if "since" in request_:
            request_ = {**request_, "since": {**request_["since"], "epoch": epoch}}
        result = await wire.result(history={"channel": "a", **request_})
        assert [one["offset"] for one in result.get("publications", [])] == offsets
        assert [one["data"] for one in result.get("publications", [])] == [{"n": n} for n in offsets]
        assert (result["offset"], result["epoch"]) == (5, epoch)


async def test_history_since_another_epoch_112(encoding: str) -> None:
    hub = history_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        since = {"offset": 0, "epoch": "another"}
        assert await wire.error(history={"channel": "a", "limit": -1, "since": since}) == 112


async def test_history_is_bounded(encoding: str) -> None:
    hub = history_hub(history_max_limit=3)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        for number in range(5):
            await hub.publish("a", number)
        for limit in (-1, 5, 2_000_000_000):
            result = await wire.result(history={"channel": "a", "limit": limit})
            assert len(result["publications"]) == 3


async def test_history_keeps_info_and_tags(encoding: str) -> None:
    hub = history_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.result(publish={"channel": "a", "data": "из клиента"})
        await hub.publish("a", 2, tags={"t": "2"})
        one, two = (await wire.result(history={"channel": "a", "limit": -1}))["publications"]
        assert one["info"]["client"] == wire.client
        assert one["data"] == "из клиента"
        assert two["tags"] == {"t": "2"}
