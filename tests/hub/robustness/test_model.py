"""Many clients, cut lines and a late broker, by chance: what each client has seen is contiguous, or it was told.

The clients do what SDKs do: they keep the position of each channel, subscribe again after 2500, come back after a cut
and recover. Whatever comes is held against what was acknowledged. What is done, and how long the broker takes, follows
from the seed in the test's name; when sockets are ready does not. OPENLINE_MODEL_SEEDS says how many seeds there are.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from typing import Any

import pytest

import openline
from openline import ClientConnection, ConnectionClosed
from openline.hub import Hub, Session

from ..conformance.test_delta import Reader
from ..conformance.wire import decode, encode, named_hub, serving
from .brokers import ReluctantBroker
from .remains import nothing_remains, until

KINDS: dict[str, dict[str, Any]] = {
    "stream": {"history": 200, "ttl": 60.0, "recovery": True, "presence": True, "join_leave": True},
    "delta": {"history": 200, "ttl": 60.0, "recovery": True, "delta": True},
    "short": {"history": 3, "ttl": 60.0, "recovery": True, "exclude_sender": True},
    "posit": {"history": 200, "ttl": 60.0, "positioned": True, "presence": True},
    "cache": {"history": 1, "ttl": 60.0, "recovery": True, "recovery_mode": "cache"},
    "plain": {},
}
CHANNELS = [f"{kind}:{number}" for kind in KINDS for number in range(2)]
CLIENTS = 8
STEPS = 300


class World:
    """What was published, and acknowledged."""

    def __init__(self, hub: Hub, address: str, seed: int) -> None:
        self.hub = hub
        self.address = address
        self.chance = random.Random(seed)
        self.numbers = itertools.count(1)
        self.acknowledged: dict[tuple[str, str, int], Any] = {}
        self.wrong: list[str] = []

    def blame(self, who: object, what: str) -> None:
        """Somebody has seen what cannot be."""
        self.wrong.append(f"{who}: {what}")

    async def publish(self, channel: str, *, skip_history: bool = False) -> None:
        """Publish something new."""
        data = {"n": next(self.numbers), "text": "Съешь же ещё этих мягких булок " * 3}
        result = await self.hub.publish(channel, data, skip_history=skip_history)
        offset, epoch = result.position
        if offset:
            place = (channel, epoch, offset)
            if place in self.acknowledged:
                self.blame("broker", f"{place} was given twice")
            self.acknowledged[place] = data


class View:
    """What a client knows of a channel.

    Attributes:
        subscribed: The server has said so.
        asked: It was asked to, and has not answered.
        leaving: It was asked to end it, and has not answered; what comes meanwhile is ignored, as by SDKs.
        wanted: The client wants to be in it.
        offset: The client's position; None: it has none.
        epoch: Likewise.
        seen: Numbers of what came.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.kind = KINDS[channel.partition(":")[0]]
        self.subscribed = self.asked = self.leaving = False
        self.wanted = True
        self.offset: int | None = None
        self.epoch = ""
        self.seen: set[int] = set()
        self.reader: Reader | None = None


class Client:
    """One client, which comes back."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"user{number}"
        self.encoding = ("json", "protobuf")[number % 2]
        count = world.chance.randint(2, len(CHANNELS))
        self.views = {channel: View(channel) for channel in world.chance.sample(CHANNELS, count)}
        self.ws: ClientConnection | None = None
        self.client = ""
        self.asked: dict[int, View | None] = {}
        self.numbers = itertools.count(1)
        self.staying = True
        self.skipped: list[tuple[str, str, int]] = []

    def __repr__(self) -> str:
        return f"{self.name} ({self.encoding})"

    async def live(self) -> None:
        """Connect, again and again, until `staying` is False."""
        subprotocols = ["centrifuge-protobuf"] if self.encoding == "protobuf" else None
        while self.staying:
            async with openline.connect(self.world.address, subprotocols=subprotocols) as ws:  # type: ignore[arg-type]
                self.ws = ws
                try:
                    await self.session(ws)
                except ConnectionClosed:
                    pass
                finally:
                    self.ws = None
                    self.client = ""
                    self.asked.clear()
                    for view in self.views.values():
                        view.subscribed = view.asked = view.leaving = False

    async def session(self, ws: ClientConnection) -> None:
        """One connection: connect and subscribe in one frame, as SDKs do, then listen."""
        commands: list[dict[str, Any]] = [
            {"id": next(self.numbers), "connect": {"data": {"user": self.name}}}
        ]
        self.asked[commands[0]["id"]] = None
        commands += [self.subscribing(view) for view in self.views.values() if view.wanted]
        await ws.send(encode(tuple(commands), self.encoding))
        while True:
            for reply in decode(await ws.recv(), self.encoding):
                self.take(reply)
            # After 2500, and after errors that are temporary.
            again = [
                view for view in self.views.values() if view.wanted and not (view.subscribed or view.asked)
            ]
            if again and self.client:
                await ws.send(encode(tuple(self.subscribing(view) for view in again), self.encoding))

    def subscribing(self, view: View) -> dict[str, Any]:
        number = next(self.numbers)
        self.asked[number] = view
        view.asked = True
        request: dict[str, Any] = {"channel": view.channel}
        if view.offset is not None and view.kind.get("recovery"):
            request |= {"recover": True, "offset": view.offset, "epoch": view.epoch}
        if view.kind.get("delta"):
            request["delta"] = "fossil"
        return {"id": number, "subscribe": request}

    def take(self, reply: dict[str, Any]) -> None:
        """Hold what came against what may come."""
        if "push" in reply:
            self.hear(reply["push"])
        elif "connect" in reply:
            del self.asked[reply["id"]]
            self.client = reply["connect"]["client"]
        elif reply.get("id") in self.asked:
            view = self.asked.pop(reply["id"])
            if view is None:
                self.world.blame(self, f"was not let in: {reply}")
            elif "unsubscribe" in reply:
                view.leaving = False
            elif "subscribe" in reply:
                self.enter(view, reply["subscribe"])
            else:
                view.asked = False
                if not reply["error"].get("temporary"):
                    self.world.blame(self, f"was refused: {reply}")

    def enter(self, view: View, result: dict[str, Any]) -> None:
        view.subscribed, view.asked = True, False
        view.reader = Reader(self.encoding) if view.kind.get("delta") else None
        if result.get("recovered") and view.kind.get("recovery_mode") != "cache":
            if result.get("offset", 0) != view.offset or result["epoch"] != view.epoch:
                self.world.blame(self, f"recovered from {view.offset}, not {result}")
        else:
            # It is told: there is no promise for what came before this position.
            view.offset, view.epoch = result.get("offset", 0), result.get("epoch", "")
            if view.kind.get("recovery_mode") == "cache":
                for one in result.get("publications", ()):
                    self.check(view, one)
                return
        for one in result.get("publications", ()):
            self.publication(view, one)

    def hear(self, push: dict[str, Any]) -> None:
        view = self.views[push["channel"]]
        if view.leaving and "unsubscribe" not in push:
            return
        if "pub" in push:
            if not view.subscribed:
                self.world.blame(self, f"{push['channel']}: a publication without a subscription")
            self.publication(view, push["pub"])
        elif "unsubscribe" in push:
            view.subscribed = False
        elif not view.subscribed:
            self.world.blame(self, f"{push['channel']}: a join or leave without a subscription")

    def publication(self, view: View, one: dict[str, Any]) -> None:
        offset = one.get("offset", 0)
        if offset:
            if view.offset is not None and offset != view.offset + 1:
                if view.kind.get("exclude_sender") and offset > view.offset:
                    # What it has published itself is held back from it, and only that: see `skipped`.
                    self.skipped += [
                        (view.channel, view.epoch, one) for one in range(view.offset + 1, offset)
                    ]
                else:
                    self.world.blame(self, f"{view.channel}: {offset} came after {view.offset}")
            view.offset = offset
        self.check(view, one)

    def check(self, view: View, one: dict[str, Any]) -> None:
        data = one["data"] if view.reader is None else view.reader.read(one)
        if data["n"] in view.seen and view.kind.get("recovery_mode") != "cache":
            self.world.blame(self, f"{view.channel}: {data['n']} came twice")
        view.seen.add(data["n"])
        known = self.world.acknowledged.get((view.channel, view.epoch, one.get("offset", 0)), data)
        if known != data:
            self.world.blame(self, f"{view.channel}: {one} is not {known}")

    # What it does by chance.

    async def act(self) -> None:
        """Do something."""
        ws, chance = self.ws, self.world.chance
        if ws is None:
            return
        view = chance.choice(list(self.views.values()))
        doing = chance.random()
        try:
            if doing < 0.35:
                self.cut()
            elif doing < 0.6 and view.subscribed and not view.asked:
                view.wanted = view.subscribed = False
                view.leaving = True
                number = next(self.numbers)
                self.asked[number] = view
                await ws.send(
                    encode(({"id": number, "unsubscribe": {"channel": view.channel}},), self.encoding)
                )
            elif not view.wanted and not view.asked:
                view.wanted = True
                await ws.send(encode((self.subscribing(view),), self.encoding))
            elif view.subscribed:
                data = {"n": next(self.world.numbers)}
                publish = {"channel": view.channel, "data": data}
                await ws.send(encode(({"id": next(self.numbers), "publish": publish},), self.encoding))
        except ConnectionClosed:
            pass

    def cut(self) -> None:
        """Cut the line, without a word."""
        if self.ws is not None:
            self.ws.transport.abort()

    def settled(self) -> bool:
        """Whether it is in all its channels."""
        return bool(self.client) and all(
            view.subscribed == view.wanted and not view.asked and not view.leaving
            for view in self.views.values()
        )


async def chaos(world: World, clients: list[Client]) -> None:
    """Everything at once."""
    hub, chance = world.hub, world.chance
    async with asyncio.TaskGroup() as tasks:
        for _ in range(STEPS):
            doing, channel, client = chance.random(), chance.choice(CHANNELS), chance.choice(clients)
            if doing < 0.5:
                tasks.create_task(world.publish(channel, skip_history=chance.random() < 0.1))
            elif doing < 0.75:
                await client.act()
            elif doing < 0.83:
                tasks.create_task(hub.unsubscribe(client.name, channel, code=2500))
            elif doing < 0.86:
                tasks.create_task(hub.disconnect(client.name, code=3000))
            elif doing < 0.88:
                tasks.create_task(hub.history_remove(channel)) if KINDS[channel.partition(":")[0]] else None
            elif doing < 0.89 and channel in hub.broker._streams:  # type: ignore[attr-defined]
                hub.broker._remove(channel)  # type: ignore[attr-defined]  # as if it had been evicted
            else:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("seed", range(int(os.environ.get("OPENLINE_MODEL_SEEDS", "6"))))
async def test_what_a_client_has_seen_is_contiguous_or_it_was_told(seed: int) -> None:
    broker = ReluctantBroker(seed)
    hub = named_hub(broker)
    ends: dict[str, int] = {}

    @hub.on_disconnect
    async def gone(session: Session) -> None:
        await asyncio.sleep(0)
        ends[session.client] = ends.get(session.client, 0) + 1

    @hub.on_subscribe
    async def hesitate(session: Session) -> None:
        await broker.dither()

    for kind, options in KINDS.items():
        hub.namespace(kind, **options)
    async with serving(hub) as address:
        world = World(hub, address, seed)
        clients = [Client(world, number) for number in range(CLIENTS)]
        lives = [asyncio.create_task(client.live()) for client in clients]
        await chaos(world, clients)
        async with asyncio.timeout(10.0):
            await settling(world, clients)
            # One more each, so that a gap at the end is seen.
            for channel in CHANNELS:
                await world.publish(channel)
            for client in clients:
                for view in client.views.values():
                    if view.wanted and view.kind.get("history"):
                        await arrival(world, client, view)
        for channel in CHANNELS:
            if KINDS[channel.partition(":")[0]].get("presence"):
                there = {
                    client.client
                    for client in clients
                    if channel in client.views and client.views[channel].wanted
                }
                if set(await hub.presence(channel)) != there:
                    world.blame("presence", f"{channel}: {set(await hub.presence(channel))}, not {there}")
        for client in clients:
            client.staying = False
            client.cut()
        await asyncio.gather(*lives)
        await nothing_remains(hub)
        for client in clients:
            for place in client.skipped:
                if place in world.acknowledged:
                    world.blame(client, f"{place} did not come, and was not its own")
        assert world.wrong == []
        assert set(ends.values()) == {1}
        assert len(ends) == hub.counters.connections_opened


async def settling(world: World, clients: list[Client]) -> None:
    """Wait until all are in all their channels."""
    try:
        async with asyncio.timeout(5.0):
            await until(lambda: all(client.settled() for client in clients))
    except TimeoutError:
        for client in clients:
            if not client.settled():
                views = [vars(view) | {"seen": len(view.seen)} for view in client.views.values()]
                odd = [it for it in views if it["subscribed"] != it["wanted"] or it["asked"] or it["leaving"]]
                world.blame(client, f"{client.client} waits: {odd}, commands {client.asked}")
        assert world.wrong == []


async def arrival(world: World, client: Client, view: View) -> None:
    """Wait until a client has what is newest in a channel."""
    broker: Any = world.hub.broker
    try:
        async with asyncio.timeout(5.0):
            while True:
                stream = broker._streams[view.channel]
                if view.subscribed and (view.offset, view.epoch) == (stream.top, stream.epoch):
                    return
                if view.subscribed and view.kind.get("exclude_sender") and view.epoch == stream.epoch:
                    return
                await asyncio.sleep(0)
    except TimeoutError:
        stream = broker._streams[view.channel]
        world.blame(
            client, f"{view.channel}: stays at {view.offset} {view.epoch}, of {stream.top} {stream.epoch}"
        )
