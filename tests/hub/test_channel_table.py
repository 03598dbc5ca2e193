"""Which channels a node listens to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub import BrokerDown, Hub, StreamPosition
from openline.hub.brokers.memory import MemoryBroker
from openline.hub.namespace import ChannelOptions
from openline.hub.publication import Payload, Publication

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


class WatchedBroker(MemoryBroker):
    """Notes for which channels it is asked, and takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self.down = False

    async def subscribe(self, channel: str) -> None:
        self.asked.append(("+", channel))
        await asyncio.sleep(0)
        await super().subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        self.asked.append(("-", channel))
        await asyncio.sleep(0)
        if self.down:
            raise BrokerDown("gone")
        await super().unsubscribe(channel)


async def test_the_first_comes_and_the_last_goes() -> None:
    broker = WatchedBroker()
    hub = named_hub(broker)
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        await asyncio.gather(one.subscribe("a"), two.subscribe("a"))
        await one.result(unsubscribe={"channel": "a"})
        assert broker.asked == [("+", "a")]
        await two.result(unsubscribe={"channel": "a"})
        assert broker.asked == [("+", "a"), ("-", "a")]
        assert len(hub.table) == 0


async def test_who_comes_while_the_last_goes_is_heard() -> None:
    broker = WatchedBroker()
    hub = named_hub(broker)
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        for _ in range(20):
            await one.subscribe("a")
            await asyncio.gather(one.result(unsubscribe={"channel": "a"}), two.subscribe("a"))
            await hub.publish("a", 1)
            await two.push("pub", "a")
            await two.result(unsubscribe={"channel": "a"})
        assert len(hub.table) == 0


async def test_a_broker_that_is_gone_keeps_nobody() -> None:
    broker = WatchedBroker()
    hub = named_hub(broker)
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "1") as one:
        await one.subscribe("a")
        broker.down = True
        await one.result(unsubscribe={"channel": "a"})
        assert len(hub.table) == 0
        assert hub.counters.broker_errors == 1


async def test_occupied_by_the_first_and_vacated_by_the_last() -> None:
    hub = named_hub()
    rooms = hub.namespace("room")
    said: list[str] = []

    @rooms.on_occupied
    async def occupied(channel: str) -> None:
        said.append(f"+{channel}")

    @rooms.on_vacated
    def vacated(channel: str) -> None:
        said.append(f"-{channel}")
        raise RuntimeError("a fault of the application, which is logged")

    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        await one.subscribe("room:a")
        await two.subscribe("room:a")
        await one.result(unsubscribe={"channel": "room:a"})
        assert said == ["+room:a"]
        await two.result(unsubscribe={"channel": "room:a"})
        assert said == ["+room:a", "-room:a"]


@pytest.fixture
def lossy() -> tuple[Hub, Any]:
    broker = MemoryBroker()
    hub = named_hub(broker)
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    return hub, broker


async def test_who_missed_something_while_the_broker_was_away_is_told(
    lossy: tuple[Hub, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, broker = lossy
    monkeypatch.setattr("openline.hub.channel_table.POSITION_PATIENCE", 0.0)
    async with serving(hub) as address, connected(address, "json", "1") as one:
        await one.subscribe("a")
        await one.subscribe("b")
        told = hub.table.on_publication
        monkeypatch.setattr(hub.table, "on_publication", lambda *args: None)
        await hub.publish("a", 1)
        monkeypatch.setattr(hub.table, "on_publication", told)
        hub.table.on_restored(["a", "b", "nobody is here"])
        assert (await one.push("unsubscribe", "a"))["code"] == 2500
        await one.nothing()
        assert set(hub.sessions[one.client].subscriptions) == {"b"}
        result = await one.subscribe("a", recover=True, offset=0, epoch="")
        assert [pub["data"] for pub in result["publications"]] == [1]
    assert broker.name == "memory"


async def test_what_is_still_on_its_way_is_no_gap(
    lossy: tuple[Hub, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = lossy
    late: list[tuple[Any, ...]] = []
    async with serving(hub) as address, connected(address, "json", "1") as one:
        await one.subscribe("a")
        told = hub.table.on_publication
        monkeypatch.setattr(hub.table, "on_publication", lambda *args: late.append(args))
        await hub.publish("a", 1)

        async def pause(seconds: float) -> None:
            # In the time that is left to it, the publication arrives.
            for args in late:
                told(*args)

        monkeypatch.setattr(hub, "pause", pause)
        await hub.table.check_positions(["a"])
        assert (await one.push("pub", "a"))["data"] == 1
        await one.nothing()
        assert hub.table.get("a").position == StreamPosition(1, late[0][2].epoch)  # type: ignore[union-attr]


class Ear:
    """Something of this process that listens."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, int]] = []
        self.restored = 0

    def on_publication(self, publication: Publication, position: StreamPosition) -> None:
        self.heard.append((bytes(publication.data), position.offset))

    def on_restored(self) -> None:
        self.restored += 1


async def test_an_ear_hears_of_its_channel_until_it_is_detached() -> None:
    broker = WatchedBroker()
    async with named_hub(broker) as hub:
        hub.namespace("")
        ear = Ear()
        options = ChannelOptions(history=10, ttl=60.0)
        await hub.table.attach("/own:a", options, ear)
        await broker.publish("/own:a", Publication(data=Payload(b"1")), history=options.stream)
        await hub.publish("b", 2)
        hub.table.on_restored(["/own:a", "b"])
        assert (ear.heard, ear.restored) == ([(b"1", 1)], 1)
        await hub.table.detach("/own:a")
        await hub.table.detach("/own:a")
        await broker.publish("/own:a", Publication(data=Payload(b"3")), history=options.stream)
        assert ear.heard == [(b"1", 1)]
        assert broker.asked == [("+", "/own:a"), ("-", "/own:a")]
        assert len(hub.table) == 0


async def test_an_ear_that_cannot_be_attached_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = WatchedBroker()

    async def down(channel: str) -> None:
        raise BrokerDown("gone")

    async with named_hub(broker) as hub:
        monkeypatch.setattr(broker, "subscribe", down)
        with pytest.raises(BrokerDown):
            await hub.table.attach("/own:a", ChannelOptions(), Ear())
        assert len(hub.table) == 0
