"""A shard that is a Redis Cluster: 16,384 slots, each with a master, and masters that come and go.

The map of slots is asked for at the start, when a node says ``MOVED``, when a slot is taken from under a subscription,
and while a node is out of reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from redis.crc import key_slot

from openline.hub.redis.connection import LOST, Argument, Redirected, Reply, ServerConnection
from openline.hub.redis.link import RedisDown, describe
from openline.hub.redis.options import Place, Settings
from openline.hub.redis.pubsub import Listener
from openline.hub.redis.scripts import Script
from openline.hub.redis.topology import Changes, Node, Uses

__all__ = ["Cluster"]

_ATTEMPTS = 5  # of a command that is sent from node to node
_AGAIN = 0.1  # seconds, at least, between two questions for the map

Address = tuple[str, int]
Range = tuple[int, int, Address]

_T = TypeVar("_T")


class Cluster:
    """A shard of many masters.

    Args:
        place: Some of its nodes.
        uses: What for.
    """

    def __init__(self, place: Place, uses: Uses) -> None:
        self._place = place
        self._uses = uses
        self._loop = asyncio.get_running_loop()
        self._nodes: dict[Address, Node] = {}
        self._slots: list[Node | None] = [None] * 16384
        self._stale = asyncio.Event()  # the map is to be asked for
        self._changes = Changes()  # of the map, and of nodes
        self._map: list[Range] = []  # as it was last told
        self._error: BaseException | None = None
        self._task = self._loop.create_task(self._keep_map(), name="openline redis cluster")
        self._leaving: set[asyncio.Task[None]] = set()
        self._stale.set()

    async def start(self) -> None:
        until = self._loop.time() + self._uses.options.start_wait
        while not any(self._slots):
            await self._changes.next()
            if not any(self._slots) and self._loop.time() >= until:
                raise self._uses.down(f"the Redis Cluster cannot be reached: {describe(self._error)}")
        for node in list(self._nodes.values()):
            await node.start()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await asyncio.gather(*(node.close() for node in self._nodes.values()), *self._leaving)

    async def command(self, key: bytes, *command: Argument) -> Reply:
        def ask(node: Node, asking: bool) -> asyncio.Future[Reply]:
            if asking:
                node.ask()
            return node.commands.call(command)

        return await self._at(key, ask)

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Argument]) -> Reply:
        return await self._at(keys[0], lambda node, asking: node.run(script, keys, args, asking=asking))

    async def subscribe(self, channel: bytes, listener: Listener) -> None:
        def listen(node: Node, asking: bool) -> Awaitable[None]:
            assert node.pubsub is not None
            return node.pubsub.subscribe(channel, listener)

        await self._at(channel, listen)

    def unsubscribe(self, channel: bytes) -> None:
        for node in self._nodes.values():
            assert node.pubsub is not None
            node.pubsub.unsubscribe(channel)

    def run_id(self, key: bytes) -> str:
        node = self._slots[key_slot(key)]
        return node.commands.server.run_id if node is not None and node.commands.server is not None else ""

    async def wait_up(self, key: bytes, until: float) -> bool:
        while True:
            node = self._slots[key_slot(key)]
            if node is not None and node.commands.up:
                return True
            if self._loop.time() >= until:
                return False
            # While a node is out of reach, the map is asked for again and again.
            await self._changes.next(until)

    async def _at(self, key: bytes, ask: Callable[[Node, bool], Awaitable[_T]]) -> _T:
        """Ask the node that has the key, and whoever it names instead."""
        slot = key_slot(key)
        node = self._slots[slot]
        asking = False
        for _ in range(_ATTEMPTS):
            if node is None:
                self._stale.set()
                raise self._uses.down(f"no node of the Redis Cluster has slot {slot}")
            try:
                return await ask(node, asking)
            except Redirected as redirected:
                node = self._node((redirected.host or self._host_of(node), redirected.port))
                asking = not redirected.moved
                if redirected.moved:
                    self._slots[slot] = node
                    self._stale.set()
                if not node.up:
                    await node.changes.next(self._loop.time() + self._uses.options.connect_timeout)
        raise self._uses.down("the nodes of the Redis Cluster do not agree on who has what")

    # The map.

    async def _keep_map(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                ranges = await self._ask_map()
            except (*LOST, RedisDown, ValueError) as error:
                self._error = error
                self._stale.set()
            else:
                self._error = None
                self._apply(ranges)
            self._changes.tell()
            await asyncio.sleep(_AGAIN)

    async def _ask_map(self) -> list[Range]:
        error: BaseException | None = None
        for node in [node for node in self._nodes.values() if node.commands.up]:
            try:
                return _read_map(await node.commands.call(("CLUSTER", "SLOTS")), self._host_of(node))
            except (RedisDown, ValueError) as failure:
                error = failure
        for host, port in dict.fromkeys((*self._place.hosts, *self._nodes)):
            connection = ServerConnection(self._settings((host, port)), self._uses.options.connect_timeout)
            try:
                await connection.open()
                return _read_map(await connection.ask("CLUSTER", "SLOTS"), host)
            except (*LOST, ValueError) as failure:
                error = failure
            finally:
                await connection.close()
        raise ConnectionError(describe(error)) from error

    def _apply(self, ranges: list[Range]) -> None:
        if ranges != self._map:
            self._map = ranges
            slots: list[Node | None] = [None] * len(self._slots)
            for first, last, address in ranges:
                slots[first : last + 1] = [self._node(address)] * (last + 1 - first)
            self._slots = slots
            self._place_listeners()
            kept = {address for _, _, address in ranges}
            for address in [address for address in self._nodes if address not in kept]:
                closing = self._loop.create_task(self._nodes.pop(address).close())
                self._leaving.add(closing)
                closing.add_done_callback(self._leaving.discard)
        for node in self._nodes.values():
            if node.pubsub is not None:
                node.pubsub.again()

    def _place_listeners(self) -> None:
        """Give each channel to the node that has its slot now."""
        for node in self._nodes.values():
            if node.pubsub is None:
                continue
            moving: dict[Node, list[bytes]] = {}
            for channel in node.pubsub.listeners:
                target = self._slots[key_slot(channel)]
                if target is not None and target is not node:
                    moving.setdefault(target, []).append(channel)
            for target, channels in moving.items():
                if target.pubsub is not None:
                    target.pubsub.adopt(node.pubsub.abandon(channels))

    def _node(self, address: Address) -> Node:
        node = self._nodes.get(address)
        if node is None:

            async def locate() -> Settings:
                return self._settings(address)

            name = f"Redis at {address[0]}:{address[1]}"
            node = Node(name, locate, self._uses, changed=self._node_changed, moved=self._stale.set)
            self._nodes[address] = node
        return node

    def _node_changed(self) -> None:
        if not all(node.up for node in self._nodes.values()):
            self._stale.set()
        self._changes.tell()

    def _host_of(self, node: Node) -> str:
        return next((host for (host, _), other in self._nodes.items() if other is node), "")

    def _settings(self, address: Address) -> Settings:
        return {**self._place.settings, "host": address[0], "port": address[1]}


def _read_map(answer: Reply, asked: str) -> list[Range]:
    """Read the reply to ``CLUSTER SLOTS``; a node without a host has that of the node that was ``asked``."""
    ranges: list[Range] = []
    if not isinstance(answer, list) or not answer:
        raise ValueError("the node has no map of slots")
    for entry in answer:
        match entry:
            case [int(first), int(last), [host, int(port), *_], *_] if 0 <= first <= last < 16384:
                name = host.decode() if isinstance(host, bytes) and host != b"?" else ""
                ranges.append((first, last, (name or asked, port)))
            case _:
                raise ValueError("the node's map of slots cannot be read")
    return sorted(ranges)
