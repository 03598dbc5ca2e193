"""Who was promised everything is told of a gap: unsubscribe 2500, or disconnect 3010 where the server subscribed it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from openline.hub import Connect, Hub, Publication, Session, StreamPosition
from openline.hub.brokers.memory import MemoryBroker

from .wire import connected, named_hub, serving


class Lossy:
    """What a broker tells its hub, with a hole in the line: `lost` says what does not arrive."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self.lost: set[int] = set()
        self.epoch = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    def on_publication(self, channel: str, publication: Publication, position: StreamPosition) -> None:
        if publication.offset in self.lost:
            return
        if self.epoch:
            position = StreamPosition(position.offset, self.epoch)
        self._events.on_publication(channel, publication, position)


class LossyBroker(MemoryBroker):
    """The broker in memory, behind such a line."""

    line: Lossy

    async def start(self, events: Any, node: str) -> None:
        self.line = Lossy(events)
        await super().start(self.line, node)


def lossy_hub(**namespace: Any) -> tuple[Hub, LossyBroker]:
    broker = LossyBroker()
    hub = named_hub(broker)
    hub.namespace("", history=10, ttl=60.0, **namespace)
    return hub, broker


async def test_gap_2500(encoding: str) -> None:
    hub, broker = lossy_hub(positioned=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        await wire.push("pub", "a")
        broker.line.lost = {2}
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        assert await wire.push("unsubscribe", "a") == {"code": 2500, "reason": "insufficient state"}
        await wire.nothing()
        await wire.subscribe("a")
        await hub.publish("a", 4)
        assert (await wire.push("pub", "a"))["offset"] == 4


async def test_gap_is_recovered_by_subscribing_again(encoding: str) -> None:
    hub, broker = lossy_hub(recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe("a"))["epoch"]
        await hub.publish("a", 1)
        await wire.push("pub", "a")
        broker.line.lost = {2}
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        assert (await wire.push("unsubscribe", "a"))["code"] == 2500
        result = await wire.subscribe("a", recover=True, offset=1, epoch=epoch)
        assert result["recovered"] is True
        assert [one["offset"] for one in result["publications"]] == [2, 3]


async def test_another_epoch_2500(encoding: str) -> None:
    hub, broker = lossy_hub(recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        await wire.push("pub", "a")
        broker.line.epoch = "another"
        await hub.publish("a", 2)
        assert (await wire.push("unsubscribe", "a"))["code"] == 2500


async def test_gap_of_a_server_side_subscription_3010(encoding: str) -> None:
    broker = LossyBroker()
    hub = Hub(broker)
    hub.namespace("", history=10, ttl=60.0, recovery=True)

    @hub.on_connect
    def who(session: Session) -> Connect:
        return Connect(user="42", subs=["a"])

    async with serving(hub) as address, connected(address, encoding) as wire:
        await hub.publish("a", 1)
        await wire.push("pub", "a")
        broker.line.lost = {2}
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        assert await wire.closed() == 3010


async def test_without_a_promise_a_gap_passes(encoding: str) -> None:
    hub, broker = lossy_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        broker.line.lost = {1}
        await hub.publish("a", 1)
        await hub.publish("a", 2)
        assert (await wire.push("pub", "a"))["data"] == 2


async def test_what_comes_again_is_not_sent_again(encoding: str) -> None:
    hub, broker = lossy_hub(recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        await hub.publish("a", 2)
        for offset in (1, 2):
            assert (await wire.push("pub", "a"))["offset"] == offset
        publications, top = await hub.history("a", limit=-1)
        broker.line.on_publication("a", replace(publications[0]), StreamPosition(1, top.epoch))
        await wire.nothing()
