"""Checks of a broker: subscriptions, several nodes, the control channel, beginning and end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from openline.hub.brokers.base import BrokerDown
from openline.hub.publication import ClientInfo
from openline.testing.broker_stage import KEPT, BrokerStage, Node, numbered, said, text
from openline.testing.waiting import expect

__all__ = ["CHECKS"]


async def facts(stage: BrokerStage) -> None:
    """Name, sharing and times are there before the start."""
    node = await stage.node()
    expect(bool(node.broker.name) and node.broker.name.isidentifier(), "name is a word for logs and metrics")
    expect(node.broker.presence_ttl == 60.0, "presence_ttl is what the broker was made with")


async def subscriptions(stage: BrokerStage) -> None:
    """A node hears of a channel from `subscribe` to `unsubscribe`, and of no other."""
    node = await stage.node()
    channel, other = stage.channel(), stage.channel()
    broker = node.broker
    await broker.unsubscribe(channel)

    async def publish(number: int) -> None:
        await broker.publish(channel, numbered(number), history=KEPT)
        await broker.publish(other, numbered(number), history=KEPT)
        await broker.publish_join(channel, ClientInfo(client=f"c{number}"))

    await publish(1)
    await broker.subscribe(channel)
    await broker.subscribe(channel)
    await publish(2)
    await stage.expect_heard(node, channel, 1)
    await broker.unsubscribe(channel)
    await publish(3)
    # Events of a channel come in order: what was told wrongly would come before the next that is told rightly.
    await broker.subscribe(channel)
    await publish(4)
    await stage.expect_heard(node, channel, 2)
    await node.heard.until(lambda: len(node.heard.comings) >= 2, "joins of a subscribed channel are told")
    expect(
        node.heard.texts(channel) == ['{"n":2}', '{"n":4}'],
        "nothing is told before subscribe or after unsubscribe",
    )
    expect(
        [c for _, _, c in node.heard.comings] == ["c2", "c4"], "joins are told from subscribe to unsubscribe"
    )
    expect(not node.heard.of(other), "nothing is told of a channel that was not subscribed to")


async def names(stage: BrokerStage) -> None:
    """Any text is the name of a channel, and is that channel alone."""
    node = await stage.node()
    suffixes = (
        "",
        " ",
        ":",
        "#1,2",
        "*",
        "[a]",
        "?",
        "{x}",
        "}{",
        "%s",
        "'\"",
        "\\",
        "\n",
        "\0",
        "\u00e9",
        "e\u0301",
        "ж" * 100,
    )
    base = stage.channel()
    channels = [base + suffix for suffix in suffixes]
    for channel in channels:
        await node.broker.subscribe(channel)
    for n, channel in enumerate(channels):
        result = await node.broker.publish(channel, numbered(n), history=KEPT, idempotency_key=channel)
        expect(result.position.offset == 1, f"{channel!r} is a channel of its own")
        await node.broker.add_presence(channel, channel, ClientInfo(user=channel))
        await node.broker.occupy(channel)
    for n, channel in enumerate(channels):
        heard = await stage.expect_heard(node, channel, 1)
        expect(text(heard[0][0]) == said(n), f"{channel!r} is told what was published in it")
        expect(await stage.texts(node, channel) == [said(n)], f"{channel!r} has a stream of its own")
        there = await node.broker.presence(channel)
        expect([info.user for info in there.values()] == [channel], f"{channel!r} has presence of its own")
        expect(await node.broker.vacate(channel), f"{channel!r} is occupied by itself")


async def control(stage: BrokerStage) -> None:
    """Control messages reach all nodes, this one included, or the one that is named; in order."""
    nodes = await stage.nodes()
    messages = [b"%d \x00\xff" % n for n in range(10)]
    for message in messages:
        await nodes[0].broker.publish_control(message)
    for node in nodes:
        await _controls(node, messages)
    for node in nodes:
        await nodes[0].broker.publish_control(b"for " + node.id.encode(), node.id)
    await nodes[0].broker.publish_control(b"for nobody", "no-such-node")
    await nodes[-1].broker.publish_control(b"end")
    for node in nodes:
        await node.heard.until(
            lambda n=node: b"end" in n.heard.control, "a control message reaches all nodes"
        )
        await _controls(node, [*messages, b"for " + node.id.encode(), b"end"])


async def _controls(node: Node, wanted: list[bytes]) -> None:
    await node.heard.until(
        lambda: len(node.heard.control) >= len(wanted),
        "a control message reaches all nodes, this one included",
    )
    # Of different senders, no order is promised.
    heard = sorted(node.heard.control) if b"end" in wanted else node.heard.control
    expect(
        heard == (sorted(wanted) if b"end" in wanted else wanted),
        "a node is told its control messages once, in order",
    )


async def two_nodes(stage: BrokerStage) -> None:
    """What one node publishes, the other hears, reads, and does not publish again. (Only where it is shared.)"""
    nodes = await stage.pair()
    if not nodes:
        return
    one, two = nodes
    channel = stage.channel()
    await two.broker.subscribe(channel)
    first = await one.broker.publish(channel, numbered(1), history=KEPT, idempotency_key="k")
    again = await two.broker.publish(channel, numbered(2), history=KEPT, idempotency_key="k")
    expect(again.duplicate and again.position == first.position, "a key is known on all nodes")
    second = await two.broker.publish(channel, numbered(3), history=KEPT)
    expect(second.position == (2, first.position.epoch), "all nodes write one stream")
    plain = await one.broker.publish(channel, numbered(4))
    heard = await stage.expect_heard(two, channel, 3)
    expect(
        [position for _, position in heard] == [first.position, second.position, plain.position],
        "a node hears of publications of others and of its own",
    )
    for node in nodes:
        expect(await stage.texts(node, channel) == ['{"n":1}', '{"n":3}'], "all nodes read one stream")
    expect(not one.heard.publications, "a node that has not subscribed hears nothing")
    await one.broker.remove_history(channel)
    expect(not await stage.texts(two, channel), "a history that one node removes is gone for all")


async def dead_node(stage: BrokerStage) -> None:
    """A node that ends does not harm the other. (Only where the broker is shared.)"""
    nodes = await stage.pair()
    if not nodes:
        return
    one, two = nodes
    channel = stage.channel()
    for node in nodes:
        await node.broker.subscribe(channel)
    await one.broker.close()
    await two.broker.publish(channel, numbered(1), history=KEPT)
    await two.broker.publish_control(b"alive")
    await stage.expect_heard(two, channel, 1)
    await two.heard.until(lambda: two.heard.control == [b"alive"], "a node is told its control messages")
    expect(not one.heard.publications and not one.heard.control, "no event follows close")


async def closing(stage: BrokerStage) -> None:
    """After `close` nothing is left: no events, no tasks, no threads; calls raise `BrokerDown`."""
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    node = await stage.node()
    broker = node.broker
    channel = stage.channel()
    await broker.subscribe(channel)
    pending = [asyncio.ensure_future(broker.publish(channel, numbered(n), history=KEPT)) for n in range(20)]
    await asyncio.sleep(0)
    await broker.close()
    heard = len(node.heard.publications)
    outcomes = await asyncio.gather(*pending, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    expect(
        all(isinstance(f, BrokerDown) for f in failures),
        f"a call that close cuts off raises BrokerDown: {failures}",
    )
    await broker.close()
    info = ClientInfo(client="c")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "subscribe": lambda: broker.subscribe(channel),
        "publish": lambda: broker.publish(channel, numbered(1), history=KEPT),
        "history": lambda: broker.history(channel, history=KEPT),
        "remove_history": lambda: broker.remove_history(channel),
        "add_presence": lambda: broker.add_presence(channel, "c", info),
        "renew_presence": lambda: broker.renew_presence([(channel, "c", info)]),
        "presence": lambda: broker.presence(channel),
        "presence_stats": lambda: broker.presence_stats(channel),
        "publish_join": lambda: broker.publish_join(channel, info),
        "occupy": lambda: broker.occupy(channel),
        "publish_control": lambda: broker.publish_control(b"x"),
    }
    for name, call in calls.items():
        try:
            await call()
        except BrokerDown:
            continue
        raise AssertionError(f"{name} after close raises BrokerDown")
    for _ in range(10):
        await asyncio.sleep(0)
    expect(len(node.heard.publications) == heard, "no event follows close")
    expect(asyncio.all_tasks() <= tasks, f"close ends the broker's tasks: {asyncio.all_tasks() - tasks}")
    expect(set(threading.enumerate()) <= threads, f"close ends the broker's threads: {threading.enumerate()}")


async def never_started(stage: BrokerStage) -> None:
    """A broker that was never started can be closed."""
    broker = stage.unstarted()
    await broker.close()
    await broker.close()


async def without_suspension(stage: BrokerStage) -> None:
    """No call suspends. (Only where that is promised.)"""
    if stage.suspends:
        return
    broker = (await stage.node()).broker
    channel, info = stage.channel(), ClientInfo(client="c")
    calls: list[Coroutine[Any, Any, object]] = [
        broker.subscribe(channel),
        broker.publish(channel, numbered(1), history=KEPT, idempotency_key="k"),
        broker.publish(channel, numbered(1)),
        broker.history(channel, history=KEPT),
        broker.remove_history(channel),
        broker.add_presence(channel, "c", info),
        broker.renew_presence([(channel, "c", info)]),
        broker.presence(channel),
        broker.presence_stats(channel),
        broker.remove_presence(channel, "c"),
        broker.publish_join(channel, info),
        broker.publish_leave(channel, info),
        broker.occupy(channel),
        broker.renew_occupation([channel]),
        broker.vacate(channel),
        broker.publish_control(b"x"),
        broker.unsubscribe(channel),
    ]
    try:
        for call in calls:
            try:
                call.send(None)
            except StopIteration:
                continue
            raise AssertionError(f"{call.__qualname__} does not suspend")
    finally:
        for call in calls:
            call.close()


CHECKS = (
    facts,
    subscriptions,
    names,
    control,
    two_nodes,
    dead_node,
    closing,
    never_started,
    without_suspension,
)
