"""What the application calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openline.hub import BrokerDown, Hub, Refused, StreamPosition
from openline.hub.brokers.memory import MemoryBroker
from openline.hub.publication import PublishResult

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


async def test_publishing_says_where_it_stands() -> None:
    async with Hub() as hub:
        hub.namespace("chat", history=10, ttl=60.0, presence=True)
        hub.namespace("plain")
        first = await hub.publish("chat:a", {"n": 1})
        second = await hub.publish("chat:a", {"n": 2})
        assert (second.position.offset, second.position.epoch) == (2, first.position.epoch)
        assert (await hub.publish("plain:a", 1)).position == (0, "")
        assert (await hub.publish("chat:a", 3, skip_history=True)).position == (0, "")
        publications, top = await hub.history("chat:a", limit=-1)
        assert [one.offset for one in publications] == [1, 2]
        assert top == second.position
        newest, _ = await hub.history("chat:a", limit=1, reverse=True)
        assert newest[0].offset == 2
        since, _ = await hub.history("chat:a", limit=-1, since=first.position)
        assert [one.offset for one in since] == [2]
        with pytest.raises(Refused, match="112"):
            await hub.history("chat:a", since=StreamPosition(1, "of another time"))
        await hub.history_remove("chat:a")
        assert await hub.history("chat:a", limit=-1) == ([], top)
        assert await hub.presence("chat:a") == {}
        assert await hub.presence_stats("chat:a") == (0, 0)


async def test_a_key_makes_a_publication_single() -> None:
    async with Hub() as hub:
        hub.namespace("", history=10, ttl=60.0)
        once = await hub.publish("a", 1, idempotency_key="k")
        again = await hub.publish("a", 1, idempotency_key="k")
        assert (again.position, again.duplicate, once.duplicate) == (once.position, True, False)


async def test_what_a_channel_does_not_have_is_108_and_what_is_unknown_102() -> None:
    async with Hub() as hub:
        hub.namespace("plain")
        for call in (hub.history("plain:a"), hub.history_remove("plain:a"), hub.presence("plain:a")):
            with pytest.raises(Refused, match="108"):
                await call
        with pytest.raises(Refused, match="102"):
            await hub.publish("unknown:a", 1)
        with pytest.raises(Refused, match="107"):
            await hub.publish("", 1)
        with pytest.raises(Refused, match="107"):
            await hub.publish("plain:" + "a" * 255, 1)


async def test_a_broadcast_tells_of_each_channel() -> None:
    async with Hub() as hub:
        hub.namespace("", history=10, ttl=60.0)
        results = await hub.broadcast(["a", "x:b", "c"], {"n": 1}, idempotency_key="k")
        assert [getattr(result, "code", 0) for result in results] == [0, 102, 0]
        many = [f"channel{number}" for number in range(1000)]
        assert len(await hub.broadcast(many, 1)) == 1000
        assert (await hub.history("channel999", limit=1))[0][0].offset == 1


@pytest.mark.parametrize("broker", ["memory", "sqlite"])
async def test_many_are_published_in_the_order_of_each_channel(broker: str, tmp_path: Path) -> None:
    async with Hub("memory://" if broker == "memory" else f"sqlite:///{tmp_path}/hub.db") as hub:
        hub.namespace("", history=1000, ttl=60.0)
        many: list[Any] = [("ab"[n % 2], n) if n % 3 else ("ab"[n % 2], n, f"key {n}") for n in range(600)]
        many[100:100] = [("x:b", 1), ("a", object()), ("a", 1, 2)]
        results = await hub.publish_many(many)
        failed = [one for one in results if isinstance(one, Exception)]
        assert results[100:103] == failed
        assert [type(one) for one in failed] == [Refused, TypeError, TypeError]
        positions = [one.position.offset for one in results if isinstance(one, PublishResult)]
        assert positions == [n // 2 + 1 for n in range(600)]
        published, _ = await hub.history("a", limit=-1)
        assert [int(bytes(one.data)) for one in published] == list(range(0, 600, 2))
        assert published[3].key == "key 6"
        assert (hub.counters.publications, hub.counters.publish_latency.count) == (600, 600)
        assert await hub.publish_many([]) == []


async def test_of_many_a_broker_that_is_down_is_told_for_each() -> None:
    hub = Hub()
    async with hub:
        hub.namespace("")
        await hub.broker.close()
        results = await hub.publish_many([("a", 1), ("a", 2)])
        assert [type(one) for one in results] == [BrokerDown, BrokerDown]
        assert hub.counters.publications == 0


async def test_what_publishing_costs_is_counted() -> None:
    async with Hub() as hub:
        hub.namespace("")
        await hub.publish("a", None)
        assert (hub.counters.publications, hub.counters.publish_latency.count) == (1, 1)


async def test_a_broker_that_is_down_is_said_to_be() -> None:
    class Down(MemoryBroker):
        async def publish(self, *args: Any, **options: Any) -> Any:
            raise BrokerDown("out of reach")

    hub = named_hub(Down())
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        with pytest.raises(BrokerDown):
            await hub.publish("a", 1)
        await wire.subscribe("a")
        reply = await wire.ask(publish={"channel": "a", "data": 1})
        assert reply["error"] == {"code": 100, "message": "internal server error", "temporary": True}
        assert hub.counters.broker_errors == 1


async def test_a_frame_for_nobody() -> None:
    async with Hub() as hub:
        assert not await hub.emulate("nobody", hub.node, "{}")
        assert not await hub.emulate("nobody", "nowhere", "{}")


async def test_a_client_id_is_no_key_to_its_session() -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        assert not await hub.emulate(wire.client, hub.node, '{"id":1,"rpc":{"method":"x"}}')
        await wire.nothing()
