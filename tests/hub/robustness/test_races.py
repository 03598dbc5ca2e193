"""Ends and beginnings of subscriptions that overlap, while the broker takes its time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub import Connect, Hub, Publication, Session, StreamPosition
from openline.hub.publication import Payload

from ..conformance.wire import connected, named_hub, opened, serving
from .brokers import GatedBroker
from .remains import nothing_remains, until


def gated_hub(**namespace: Any) -> tuple[Hub, GatedBroker]:
    broker = GatedBroker()
    hub = named_hub(broker)
    hub.namespace("", **namespace)
    return hub, broker


async def test_a_client_that_goes_while_it_unsubscribes_leaves_nothing() -> None:
    hub, broker = gated_hub(presence=True, join_leave=True)
    unsubscribed: list[int] = []

    @hub.on_unsubscribe
    def note(session: Session, channel: str, code: int) -> None:
        unsubscribed.append(code)

    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            await wire.subscribe("a")
            gate = broker.stop("remove_presence")
            await wire.send({"id": 9, "unsubscribe": {"channel": "a"}})
            await gate.reached.wait()
        await until(lambda: not hub.sessions)
        broker.go_on()
        await nothing_remains(hub)
        assert unsubscribed == [0]


async def test_on_disconnect_comes_after_all_on_unsubscribe() -> None:
    hub, broker = gated_hub(presence=True)
    said: list[str] = []
    hub.on_unsubscribe(lambda session, channel: said.append(f"unsubscribed {channel}"))
    hub.on_disconnect(lambda session: said.append("disconnected"))
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            await wire.subscribe("a")
            gate = broker.stop("remove_presence")
            await hub.unsubscribe("42", "a")
            await gate.reached.wait()
        await until(lambda: not hub.sessions)
        await asyncio.sleep(0.01)
        broker.go_on()
        await nothing_remains(hub)
        assert said == ["unsubscribed a", "disconnected"]


async def test_who_subscribes_again_at_once_is_present() -> None:
    """The end of the first subscription must not take away the presence of the second."""
    hub, broker = gated_hub(presence=True)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        gate = broker.stop("remove_presence")
        await hub.unsubscribe("42", "a", code=2500)
        await gate.reached.wait()
        await wire.push("unsubscribe", "a")
        await wire.send({"id": 9, "subscribe": {"channel": "a"}})
        await asyncio.sleep(0.01)
        broker.go_on()
        assert "subscribe" in await wire.reply(9)
        assert list(await hub.presence("a")) == [wire.client]


async def test_a_server_side_subscription_of_a_client_that_is_gone_leaves_nothing() -> None:
    hub, broker = gated_hub(presence=True, history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            gate = broker.stop("history")
            subscribing = asyncio.create_task(hub.subscribe("42", "a"))
            await gate.reached.wait()
            assert wire.client in hub.sessions
        await until(lambda: not hub.sessions)
        broker.go_on()
        assert await subscribing == 0
        await nothing_remains(hub)


@pytest.mark.parametrize("method", ["subscribe", "history", "add_presence"])
async def test_one_session_that_goes_does_not_hinder_the_users_others(method: str) -> None:
    hub, broker = gated_hub(presence=True, history=10, ttl=60.0, recovery=True)
    async with (
        serving(hub) as address,
        connected(address, "json", "42") as one,
        connected(address, "json", "42") as other,
    ):
        gate = broker.stop(method)
        subscribing = asyncio.create_task(hub.subscribe("42", "a"))
        await gate.reached.wait()
        first = next(iter(hub.table.all())).subscriptions
        leaving, staying = (one, other) if one.client in first else (other, one)
        await leaving.ws.close()
        await until(lambda: len(hub.sessions) == 1)
        broker.go_on()
        assert await subscribing == 1
        await staying.push("subscribe", "a")
        await until(lambda: not hub._tasks)  # who has gone is being taken out
        assert list(await hub.presence("a")) == [staying.client]


@pytest.mark.parametrize("method", ["subscribe", "history", "add_presence"])
async def test_a_subscription_that_the_server_ends_before_it_has_begun_is_not_answered_as_one(
    method: str,
) -> None:
    hub, broker = gated_hub(presence=True, history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            gate = broker.stop(method, after=True)
            await wire.send({"id": 9, "subscribe": {"channel": "a"}})
            await gate.reached.wait()
            assert await hub.unsubscribe("42", "a") == 1
            broker.go_on()
            assert (await wire.reply(9))["error"]["temporary"] is True
            await wire.subscribe("a")
            await hub.publish("a", 1)
            assert (await wire.push("unsubscribe", "a"))["code"] == 2000
            assert (await wire.push("pub", "a"))["data"] == 1
            assert list(await hub.presence("a")) == [wire.client]
        await nothing_remains(hub)


@pytest.mark.parametrize("method", ["subscribe", "history", "add_presence", "occupy"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_client_that_goes_while_it_subscribes_leaves_nothing(method: str, after: bool) -> None:
    hub, broker = gated_hub(presence=True, join_leave=True, history=10, ttl=60.0, recovery=True)
    hub.on_occupied(lambda channel: None)
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            gate = broker.stop(method, after=after)
            await wire.send({"id": 9, "subscribe": {"channel": "a"}})
            await gate.reached.wait()
        await until(lambda: not hub.sessions)
        broker.go_on()
        await nothing_remains(hub)


async def test_nobody_leaves_who_never_joined() -> None:
    hub, _ = gated_hub(join_leave=True, history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, "json", "1") as watching:
        await watching.subscribe("a")
        await watching.push("join", "a")
        async with connected(address, "json", "2") as wire:
            refused = await wire.ask(
                subscribe={"channel": "a", "recover": True, "offset": 7, "epoch": "x", "flag": 2}
            )
            assert refused["error"]["code"] == 112
        await until(lambda: len(hub.sessions) == 1)
        await watching.nothing()


def publication(offset: int) -> Publication:
    return Publication(data=Payload(b"%d" % offset), offset=offset)


async def test_who_subscribes_beside_another_hears_what_is_still_on_its_way() -> None:
    """One has read the stream before, one after two publications that have not arrived yet: the first misses none."""
    hub, broker = gated_hub(history=10, ttl=60.0, recovery=True)
    held: list[tuple[Publication, StreamPosition]] = []
    hub.table.on_publication = lambda channel, one, position: held.append((one, position))  # type: ignore[method-assign]
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as early,
        connected(address, "json", "2") as late,
    ):
        gate = broker.stop("history", after=True)
        await early.send({"id": 9, "subscribe": {"channel": "a"}})
        await gate.reached.wait()
        broker.after.clear()
        await hub.publish("a", 1)
        await hub.publish("a", 2)
        assert (await late.subscribe("a"))["offset"] == 2
        gate.open.set()
        assert (await early.reply(9))["subscribe"].get("offset", 0) == 0
        channel = hub.table.get("a")
        assert channel is not None
        for one, position in held:
            channel.publish(one, position)
        assert [(await early.push("pub", "a"))["offset"] for _ in range(2)] == [1, 2]
        await hub.publish("a", 3)
        channel.publish(*held[-1])
        assert (await early.push("pub", "a"))["offset"] == 3
        assert (await late.push("pub", "a"))["offset"] == 3
        await early.nothing()
        await late.nothing()


async def test_a_publication_without_a_place_does_not_bring_back_what_was_recovered() -> None:
    """It is sent to who has just subscribed; but what is still on its way, and was in the answer, is not sent again."""
    hub, _ = gated_hub(history=10, ttl=60.0, recovery=True)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        epoch = (await one.subscribe("a"))["epoch"]
        held: list[tuple[Publication, StreamPosition]] = []
        hub.table.on_publication = lambda channel, it, position: held.append((it, position))  # type: ignore[method-assign]
        await hub.publish("a", 1)
        result = await two.subscribe("a", recover=True, epoch=epoch)
        assert [it["offset"] for it in result["publications"]] == [1]
        channel = hub.table.get("a")
        assert channel is not None
        channel.publish(Publication(data=Payload(b'"by the way"')), StreamPosition(0, ""))
        for it, position in held:
            channel.publish(it, position)
        assert (await two.push("pub", "a"))["data"] == "by the way"
        await two.nothing()
        assert (await one.push("pub", "a"))["data"] == "by the way"
        assert (await one.push("pub", "a"))["offset"] == 1


async def test_who_has_caught_up_hears_who_comes() -> None:
    """A subscription whose answer ran ahead of the channel is one like all others once that has come as far."""
    hub, _ = gated_hub(history=10, ttl=60.0, recovery=True, join_leave=True)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        await one.subscribe("a")
        held: list[tuple[Publication, StreamPosition]] = []
        hub.table.on_publication = lambda channel, it, position: held.append((it, position))  # type: ignore[method-assign]
        await hub.publish("a", 1)
        await two.subscribe("a")
        channel = hub.table.get("a")
        assert channel is not None
        for it, position in held:
            channel.publish(it, position)
        async with connected(address, "json", "3") as three:
            await three.subscribe("a")
            assert (await two.push("join", "a"))["info"]["user"] == "3"
        assert (await two.push("leave", "a"))["info"]["user"] == "3"


async def test_a_client_that_is_being_let_in_can_be_sent_away() -> None:
    """Its `on_connect` has returned; whoever bans its user now must not miss it."""
    broker = GatedBroker()
    hub = Hub(broker)
    hub.namespace("")
    hub.on_connect(lambda session: Connect(user="42", subs=["a"]))
    async with serving(hub) as address:
        async with opened(address, "json") as wire:
            gate = broker.stop("subscribe")
            await wire.send({"id": 1, "connect": {}})
            await gate.reached.wait()
            assert await hub.disconnect("42") == 1
            broker.go_on()
            assert await wire.closed() == 3503
        await nothing_remains(hub)
