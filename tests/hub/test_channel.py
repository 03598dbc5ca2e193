"""A channel on one node: who hears what, and when."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from secrets import token_hex
from typing import Any

import pytest

from openline.hub import Hub, Publication, StreamPosition
from openline.hub.brokers.memory import MemoryBroker
from openline.hub.namespace import ChannelOptions
from openline.hub.publication import Payload

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


class LateBroker(MemoryBroker):
    """Answers questions about the history only when told to; as a broker on another machine may."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def history(self, channel: str, **options: Any) -> Any:
        answer = await super().history(channel, **options)
        self.asked.set()
        await self.gate.wait()
        return answer


def streaming_hub(broker: Any = None, **options: Any) -> Hub:
    hub = named_hub(broker, **options)
    hub.namespace("", history=100, ttl=60.0, recovery=True)
    return hub


async def test_what_is_published_while_somebody_subscribes_comes_behind_the_answer() -> None:
    broker = LateBroker()
    hub = streaming_hub(broker)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await hub.publish("a", 1)
        broker.gate.clear()
        broker.asked.clear()
        subscribing = asyncio.create_task(wire.subscribe("a"))
        await broker.asked.wait()
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        broker.gate.set()
        result = await subscribing
        assert result["offset"] == 1
        assert [(await wire.push("pub", "a"))["offset"] for _ in range(2)] == [2, 3]
        await hub.publish("a", 4)
        assert (await wire.push("pub", "a"))["offset"] == 4


async def test_too_much_of_that_is_not_kept() -> None:
    broker = LateBroker()
    hub = streaming_hub(broker, max_queue_size=2000, recovery_max_size=10_000)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        broker.gate.clear()
        broker.asked.clear()
        subscribing = asyncio.create_task(wire.subscribe("a"))
        await broker.asked.wait()
        for _ in range(30):
            await hub.publish("a", "x" * 100)
        broker.gate.set()
        await subscribing
        assert (await wire.push("unsubscribe", "a"))["code"] == 2500
        result = await wire.subscribe("a", recover=True, offset=0, epoch="")
        assert len(result["publications"]) == 30


async def test_who_read_further_than_the_channel_has_heard_hears_nothing_twice() -> None:
    hub = streaming_hub()
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        await one.subscribe("a")
        await hub.publish("a", 1)
        channel = hub.table.get("a")
        assert channel is not None
        # The second reads a stream whose newest publications are still on their way to this node.
        epoch = channel.position.epoch  # type: ignore[union-attr]
        broker: Any = hub.broker
        events, broker._events = broker._events, Deaf()
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        broker._events = events
        assert (await two.subscribe("a"))["offset"] == 3
        for offset in (2, 3, 4):
            publication = Publication(data=Payload(b"%d" % offset), offset=offset)
            channel.publish(publication, StreamPosition(offset, epoch))
        assert [(await one.push("pub", "a"))["data"] for _ in range(4)] == [1, 2, 3, 4]
        assert (await two.push("pub", "a"))["data"] == 4
        await two.nothing()


class Deaf:
    """Where publications get lost."""

    def on_publication(self, *args: object) -> None: ...


async def test_what_was_heard_before_is_not_heard_again() -> None:
    hub = streaming_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        channel = hub.table.get("a")
        assert channel is not None
        channel.publish(Publication(data=Payload(b"1"), offset=1), channel.position)  # type: ignore[arg-type]
        await wire.push("pub", "a")
        await wire.nothing()


async def test_a_publication_without_history_moves_nothing() -> None:
    hub = streaming_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1, skip_history=True)
        await hub.publish("a", 2)
        assert [await wire.push("pub", "a") for _ in range(2)][1]["offset"] == 1


async def test_the_sender_is_left_out_and_misses_nothing_else() -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True, delta=True, exclude_sender=True)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        for wire in (one, two):
            await wire.subscribe("a", delta="fossil")
        text = "a long text of which the most stays the same, and only the end is new: "
        await hub.publish("a", text + "1")
        await one.result(publish={"channel": "a", "data": text + "2"})
        await hub.publish("a", text + "3")
        mine = [await one.push("pub", "a") for _ in range(2)]
        theirs = [await two.push("pub", "a") for _ in range(3)]
        assert [one["offset"] for one in mine] == [1, 3]
        assert [one["offset"] for one in theirs] == [1, 2, 3]
        # A patch is made against what was last sent to that very client.
        assert [one.get("delta", False) for one in mine] == [False, False]
        assert [one.get("delta", False) for one in theirs] == [False, True, True]


async def test_the_application_can_look_at_it() -> None:
    hub = streaming_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        assert repr(hub.table.get("a")) == "<Channel a 1 subscriptions>"


async def test_the_newest_of_each_key_in_one_frame() -> None:
    hub = named_hub()
    hub.namespace("", slow_consumer="conflate", batch_delay=0.05)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        for number, key in enumerate("xyxzx"):
            await hub.publish("a", number, key=key)
        frame = await wire.ws.recv()
        assert isinstance(frame, str)
        pushes = [json.loads(line)["push"]["pub"] for line in frame.split("\n")]
        assert [(one["key"], one["data"]) for one in pushes] == [("y", 1), ("z", 3), ("x", 4)]
        assert (hub.counters.conflated, hub.counters.deliveries) == (2, 3)


async def test_after_a_reload_who_is_there_goes_on_by_the_new_options() -> None:
    hub = named_hub()
    plain = ChannelOptions(history=10, ttl=60.0, delta=True)
    by_turns = replace(plain, slow_consumer="conflate", batch_delay=5.0)
    hub.set_namespace("", plain)
    text = "a long text of which the most stays the same, and only the end is new: "
    async with serving(hub) as address, connected(address, "json", "1") as wire:

        async def reload(options: ChannelOptions) -> None:
            # Somebody else comes, and so the channel takes note.
            hub.set_namespace("", options)
            async with connected(address, "json", "2") as other:
                await other.subscribe("a")

        await wire.subscribe("a", delta="fossil")
        for number in (1, 2):
            await hub.publish("a", text + str(number))
        await reload(by_turns)
        await hub.publish("a", text + "3", key="x")
        await hub.publish("a", text + "4", key="y")
        await hub.publish("a", text + "5", key="y")
        await reload(replace(by_turns, batch_delay=0.02))  # what its turn was not for yet is sent
        await hub.publish("a", text + "6")
        got = [await wire.push("pub", "a") for _ in range(5)]
        await reload(by_turns)
        await hub.publish("a", text + "7")
        await reload(plain)
        for number in (8, 9):
            await hub.publish("a", text + str(number))
        got += [await wire.push("pub", "a") for _ in range(3)]
        assert [one["offset"] for one in got] == [1, 2, 3, 5, 6, 7, 8, 9]
        assert [one.get("delta", False) for one in got] == [False, True, *[False] * 5, True]
        await wire.nothing()


async def test_what_waited_for_a_slow_client_comes_before_what_comes_by_turns() -> None:
    hub = named_hub()
    slow = ChannelOptions(history=10, ttl=60.0, slow_consumer="conflate")
    hub.set_namespace("", slow)
    async with serving(hub) as address, connected(address, "json", "1") as wire:
        await wire.subscribe("a")
        wire.ws.pause()
        count = 0
        while not hub.counters.conflated:
            count += 1
            await hub.publish("a", token_hex(25_000))
        hub.set_namespace("", replace(slow, batch_delay=0.02))
        async with connected(address, "json", "2") as other:
            await other.subscribe("a")
            for _ in range(3):
                count += 1
                await hub.publish("a", token_hex(25_000))
        wire.ws.resume()
        got: list[int] = []
        while not got or got[-1] < count:
            got.append((await wire.push("pub", "a"))["offset"])
        assert got == sorted(set(got))
        assert count - 3 in got


async def test_what_is_gathered_leaves_in_one_frame_or_when_it_is_much() -> None:
    hub = named_hub()
    hub.namespace("", batch_delay=0.05)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        for number in range(5):
            await hub.publish("a", number)
        assert len(str(await wire.ws.recv()).split("\n")) == 5
        await hub.publish("a", "x" * 20_000)
        assert len(await wire.ws.recv()) > 20_000
        # What is answered meanwhile does not overtake it.
        await hub.publish("a", "before")
        reply = await wire.ask(unsubscribe={"channel": "b"})
        assert reply == {"unsubscribe": {}}
        assert (await wire.push("pub", "a"))["data"] == "before"


@pytest.mark.parametrize("policy", ["drop_oldest", "conflate"])
async def test_a_slow_client_gets_less_and_never_something_older(policy: Any) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, slow_consumer=policy, max_waiting=200_000)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as slow,
        connected(address, "json", "2") as quick,
    ):
        await slow.subscribe("a")
        await quick.subscribe("a")
        slow.ws.pause()
        number = 0
        while not (hub.counters.conflated if policy == "conflate" else hub.counters.drops.get(policy, 0)):
            number += 1
            await hub.publish("a", token_hex(25_000), key=str(number % 3))
            assert (await quick.push("pub", "a"))["offset"] == number
        slow.ws.resume()
        got: list[int] = []
        while not got or got[-1] < number:
            got.append((await slow.push("pub", "a"))["offset"])
        assert got == sorted(set(got))
        assert len(got) < number
        assert len(hub.sessions) == 2
        await hub.publish("a", "afterwards")
        assert (await slow.push("pub", "a"))["data"] == "afterwards"


async def test_a_hook_that_publishes_when_somebody_has_to_go_does_not_overtake() -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True)

    @hub.on_unsubscribe
    async def left(session: Any, channel: str) -> None:
        await hub.publish(channel, "somebody has left")

    async with (
        serving(hub) as address,
        connected(address, "protobuf", "1") as binary,
        connected(address, "json", "2") as text,
    ):
        await binary.subscribe("a")
        await text.subscribe("a")
        # It ends the session that speaks JSON, in the middle of its delivery.
        await hub.publish("a", b"\xff is no JSON")
        assert [(await binary.push("pub", "a"))["offset"] for _ in range(2)] == [1, 2]
        assert await text.closed() == 3506


async def test_the_sender_is_left_out_also_while_it_is_being_subscribed() -> None:
    broker = LateBroker()
    hub = named_hub(broker)
    hub.namespace("", history=10, ttl=60.0, recovery=True, exclude_sender=True, publish="anyone")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        broker.gate.clear()
        broker.asked.clear()
        subscribing = asyncio.create_task(hub.subscribe("42", "a"))
        await broker.asked.wait()
        await wire.result(publish={"channel": "a", "data": "mine"})
        await hub.publish("a", "theirs")
        broker.gate.set()
        assert await subscribing == 1
        await wire.push("subscribe", "a")
        assert (await wire.push("pub", "a"))["data"] == "theirs"
        await wire.nothing()
