"""Checks of a broker: who is in a channel, who comes and goes, and whether anybody does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from openline.hub.publication import ClientInfo, Payload
from openline.testing.broker_stage import KEPT, BrokerStage, Node
from openline.testing.waiting import PATIENCE, expect

__all__ = ["CHECKS"]


def _who(user: str, client: str) -> ClientInfo:
    return ClientInfo(user=user, client=client, conn_info=Payload(b'{"of":"%s"}' % client.encode()))


async def presence(stage: BrokerStage) -> None:
    """Clients come, change and go; each is there once."""
    node = await stage.node()
    channel, other = stage.channel(), stage.channel()
    broker = node.broker
    expect(dict(await broker.presence(channel)) == {}, "nobody is in a new channel")
    expect(tuple(await broker.presence_stats(channel)) == (0, 0), "a new channel has no clients and no users")
    for user, client in (("u1", "c1"), ("u1", "c2"), ("u2", "c3"), ("", "c4"), ("", "c5")):
        await broker.add_presence(channel, client, _who(user, client))
    await broker.add_presence(other, "c1", _who("u1", "c1"))
    there = await broker.presence(channel)
    expect(set(there) == {"c1", "c2", "c3", "c4", "c5"}, "presence holds every client that was added")
    expect(
        all(info.client == client for client, info in there.items()), "presence tells each client's own info"
    )
    expect(bytes(there["c3"].conn_info or b"") == b'{"of":"c3"}', "presence keeps the info whole")
    stats = tuple(await broker.presence_stats(channel))
    expect(stats == (5, 3), f"5 clients of 3 different users, not {stats}")
    await broker.add_presence(channel, "c1", _who("u9", "c1"))
    expect(
        (await broker.presence(channel))["c1"].user == "u9", "a client that is added again has its new info"
    )
    expect(tuple(await broker.presence_stats(channel)) == (5, 4), "users are those of the present infos")
    await broker.remove_presence(channel, "c3")
    await broker.remove_presence(channel, "c3")
    await broker.remove_presence(channel, "nobody")
    await broker.remove_presence(stage.channel(), "c1")
    expect(
        set(await broker.presence(channel)) == {"c1", "c2", "c4", "c5"},
        "who was removed is gone, nobody else",
    )
    expect(tuple(await broker.presence_stats(channel)) == (4, 3), "stats follow removals")
    expect(set(await broker.presence(other)) == {"c1"}, "presence is of one channel")
    snapshot = await broker.presence(other)
    await broker.remove_presence(other, "c1")
    expect(set(snapshot) == {"c1"}, "an answer does not change afterwards")
    expect(not await broker.presence(other), "the last client can leave")


async def presence_fades(stage: BrokerStage) -> None:
    """Who is not renewed is gone after ``presence_ttl`` seconds."""
    node = await stage.node(presence_ttl=stage.short)
    channel = stage.channel()
    expect(node.broker.presence_ttl == stage.short, "presence_ttl is what the broker goes by")
    await node.broker.add_presence(channel, "c1", _who("u1", "c1"))

    async def gone() -> bool:
        return not await node.broker.presence(channel)

    async def uncounted() -> bool:
        return tuple(await node.broker.presence_stats(channel)) == (0, 0)

    await stage.after(stage.short * 1.01, gone, "a client that is not renewed fades")
    await stage.after(0.0, uncounted, "a client that has faded is not counted")


async def presence_is_renewed(stage: BrokerStage) -> None:
    """Who is renewed stays, however long; a renewal also adds."""
    node = await stage.node(presence_ttl=stage.short)
    channel, other = stage.channel(), stage.channel()
    await node.broker.renew_presence([])
    await node.broker.add_presence(channel, "left alone", _who("u0", "left alone"))
    entries = [(name, client, _who("u1", client)) for name in (channel, other) for client in ("c1", "c2")]

    async def holds() -> bool:
        return {"c1", "c2"} <= set(await node.broker.presence(channel)) and set(
            await node.broker.presence(other)
        ) == {"c1", "c2"}

    await _keep(stage, lambda: node.broker.renew_presence(iter(entries)), holds, "who is renewed stays")

    async def alone() -> bool:
        await node.broker.renew_presence(entries)
        return set(await node.broker.presence(channel)) == {"c1", "c2"}

    await stage.after(0.0, alone, "who is not renewed fades, though others of the channel are")


async def _keep(
    stage: BrokerStage,
    renew: Callable[[], Awaitable[None]],
    holds: Callable[[], Awaitable[bool]],
    contract: str,
) -> None:
    """Renew for twice the ttl, and see each time that it holds.

    By the time of the machine, an answer counts only where it came in time: a slow machine is no fault of the broker.
    """
    loop = asyncio.get_running_loop()
    if stage.clock:
        for _ in range(6):
            await renew()
            stage.clock.advance(stage.short * 0.4)
            expect(await holds(), contract)
        return
    end = loop.time() + stage.short * 2
    counted = 0
    while loop.time() < end or not counted:
        expect(loop.time() < end + PATIENCE, "the machine is too slow for this check")
        begin = loop.time()
        await renew()
        await asyncio.sleep(stage.short / 4)
        held = await holds()
        if loop.time() < begin + stage.short * 0.9:
            expect(held, contract)
            counted += 1


async def comings(stage: BrokerStage) -> None:
    """Joins and leaves are told in order, to nodes that have subscribed to the channel."""
    nodes = await stage.nodes()
    channel, other = stage.channel(), stage.channel()
    for node in nodes:
        await node.broker.subscribe(channel)
    wanted: list[tuple[str, str, str]] = []
    for n in range(5):
        await nodes[0].broker.publish_join(other, _who("u", "elsewhere"))
        await nodes[0].broker.publish_join(channel, _who("u", f"c{n}"))
        await nodes[0].broker.publish_leave(channel, _who("u", f"c{n}"))
        wanted += [("join", channel, f"c{n}"), ("leave", channel, f"c{n}")]
    for node in nodes:
        heard = node.heard
        await heard.until(
            lambda h=heard: len(h.comings) >= len(wanted), "joins and leaves are told to every node"
        )
        expect(
            heard.comings == wanted, "joins and leaves are told once, in order, where they are subscribed to"
        )
    _, position = await nodes[0].broker.history(channel, history=KEPT)
    expect(position.offset == 0, "joins and leaves are not in the stream")


async def occupation(stage: BrokerStage) -> None:
    """The first node that comes occupies a channel; when it goes, the channel is vacant."""
    node = await stage.node()
    channel = stage.channel()
    for _ in range(2):
        expect(await node.broker.occupy(channel), "occupied by the only node: it has become so")
        await node.broker.renew_occupation([channel])
        expect(await node.broker.vacate(channel), "left by the only node: it has become vacant")
    await node.broker.renew_occupation([])


async def occupation_by_two(stage: BrokerStage) -> None:
    """With two nodes only the first occupies, and only the last vacates. (Only where the broker is shared.)"""
    nodes = await stage.pair()
    if not nodes:
        return
    one, two = (node.broker for node in nodes)
    channel = stage.channel()
    expect(await one.occupy(channel), "the first node occupies")
    expect(not await two.occupy(channel), "the second node finds it occupied")
    expect(not await one.vacate(channel), "while another node is there, nothing becomes vacant")
    expect(not await one.occupy(channel), "the node that returns finds it occupied")
    expect(not await two.vacate(channel), "while another node is there, nothing becomes vacant")
    expect(await one.vacate(channel), "the last node vacates")
    expect(await two.occupy(channel), "after that the next node occupies")
    expect(await two.vacate(channel), "and vacates")


async def occupation_fades(stage: BrokerStage) -> None:
    """A node that does not renew its occupation is no longer counted. (Only where the broker is shared.)"""
    nodes = await stage.pair(presence_ttl=stage.short)
    if not nodes:
        return
    dead, alive = nodes
    channel = stage.channel()
    expect(await dead.broker.occupy(channel), "the first node occupies")

    async def occupied() -> bool:
        return not await alive.broker.occupy(channel)

    await _keep(
        stage,
        lambda: dead.broker.renew_occupation(iter([channel])),
        occupied,
        "what is renewed stays occupied",
    )

    async def free() -> bool:
        return await alive.broker.occupy(channel)

    await stage.after(stage.short * 1.01, free, "a node that does not renew its occupation fades")
    expect(await alive.broker.vacate(channel), "a node that has faded does not keep a channel occupied")


async def presence_of_two(stage: BrokerStage) -> None:
    """Every node sees the clients of all. (Only where the broker is shared.)"""
    nodes = await stage.pair()
    if not nodes:
        return
    channel = stage.channel()
    both: tuple[Node, ...] = nodes
    for number, node in enumerate(both):
        await node.broker.add_presence(channel, f"c{number}", _who("u", f"c{number}"))
    for node in both:
        expect(set(await node.broker.presence(channel)) == {"c0", "c1"}, "every node sees the clients of all")
        expect(tuple(await node.broker.presence_stats(channel)) == (2, 1), "a user on two nodes is one user")
    await both[0].broker.remove_presence(channel, "c0")
    expect(set(await both[1].broker.presence(channel)) == {"c1"}, "who left one node is gone from all")


CHECKS = (
    presence,
    presence_fades,
    presence_is_renewed,
    comings,
    occupation,
    occupation_by_two,
    occupation_fades,
    presence_of_two,
)
