"""What a broker has to do that serves one node only: everything but the streams needs no more than dictionaries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from openline.hub.brokers.base import BrokerDown, BrokerEvents
from openline.hub.publication import ClientInfo

__all__ = ["SingleNode"]

_TICK = 1.0  # seconds between two steps of the sweep
_CHANNELS_A_STEP = 4000  # about a millisecond of the loop's time


class SingleNode:
    """Subscriptions, presence, joins, occupation and control messages of a single node. Nothing here suspends.

    Presence is bounded by who makes it: one entry for each subscription of a session of this node.

    Args:
        presence_ttl: Seconds after which a presence entry that was not renewed fades.
        clock: Seconds that only grow.
    """

    def __init__(self, *, presence_ttl: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        if presence_ttl <= 0:
            raise ValueError("presence_ttl must be above 0")
        self._presence_ttl = presence_ttl
        self._clock = clock
        self._events: BrokerEvents | None = None
        self._node = ""
        self._subscribed: set[str] = set()
        # By channel, then client; the inner ones in the order of their deadlines, since all live equally long.
        self._present: dict[str, dict[str, tuple[ClientInfo, float]]] = {}
        self._unswept: list[str] = []
        self._occupied: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def shared(self) -> bool:
        """False: a second node would know nothing of the first."""
        return False

    @property
    def presence_ttl(self) -> float:
        """Seconds after which a presence entry fades."""
        return self._presence_ttl

    def _open(self, events: BrokerEvents, node: str) -> None:
        if self._events is not None:
            raise RuntimeError("the broker has a node already; it serves one at a time")
        self._events = events
        self._node = node
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _shut(self) -> None:
        """Forget the node, and all that was true only while it lived. Idempotent."""
        self._events = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._subscribed.clear()
        self._present.clear()
        self._unswept.clear()
        self._occupied.clear()

    def _required(self) -> BrokerEvents:
        events = self._events
        if events is None:
            raise BrokerDown("the broker is not started, or was closed")
        return events

    # One timer for all channels. What has expired is not seen anyway; this only gives back its memory.

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_TICK, self._tick)
        self._sweep()

    def _sweep(self) -> None:
        now = self._clock()
        if not self._unswept:
            self._unswept = list(self._present)
        for channel in take(self._unswept, _CHANNELS_A_STEP):
            self._fade(channel, now)

    # Channels.

    async def subscribe(self, channel: str) -> None:
        """See `Broker.subscribe`."""
        self._required()
        self._subscribed.add(channel)

    async def unsubscribe(self, channel: str) -> None:
        """See `Broker.unsubscribe`."""
        self._required()
        self._subscribed.discard(channel)

    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        """See `Broker.publish_join`."""
        events = self._required()
        if channel in self._subscribed:
            events.on_join(channel, info)

    async def publish_leave(self, channel: str, info: ClientInfo) -> None:
        """See `Broker.publish_leave`."""
        events = self._required()
        if channel in self._subscribed:
            events.on_leave(channel, info)

    # Presence.

    def _fade(self, channel: str, now: float) -> dict[str, tuple[ClientInfo, float]]:
        """Remove what has expired from a channel; return what is left."""
        clients = self._present.get(channel)
        if clients is None:
            return {}
        gone: list[str] = []
        for client, (_, deadline) in clients.items():
            if now < deadline:
                break
            gone.append(client)
        for client in gone:
            del clients[client]
        if not clients:
            del self._present[channel]
        return clients

    async def add_presence(self, channel: str, client: str, info: ClientInfo) -> None:
        """See `Broker.add_presence`."""
        self._required()
        self._add(channel, client, info, self._clock() + self._presence_ttl)

    def _add(self, channel: str, client: str, info: ClientInfo, deadline: float) -> None:
        clients = self._present.get(channel)
        if clients is None:
            clients = self._present[channel] = {}
        elif client in clients:
            del clients[client]  # it moves to the end
        clients[client] = info, deadline

    async def remove_presence(self, channel: str, client: str) -> None:
        """See `Broker.remove_presence`."""
        self._required()
        clients = self._present.get(channel)
        if clients is not None and clients.pop(client, None) is not None and not clients:
            del self._present[channel]

    async def renew_presence(self, entries: Iterable[tuple[str, str, ClientInfo]]) -> None:
        """See `Broker.renew_presence`."""
        self._required()
        deadline = self._clock() + self._presence_ttl
        for channel, client, info in entries:
            self._add(channel, client, info, deadline)

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """See `Broker.presence`."""
        self._required()
        return {client: info for client, (info, _) in self._fade(channel, self._clock()).items()}

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        """See `Broker.presence_stats`."""
        self._required()
        clients = self._fade(channel, self._clock())
        return len(clients), len({info.user for info, _ in clients.values()})

    # Occupation.

    async def occupy(self, channel: str) -> bool:
        """See `Broker.occupy`."""
        self._required()
        now = self._clock()
        until = self._occupied.get(channel)
        self._occupied[channel] = now + self._presence_ttl
        return until is None or now >= until

    async def vacate(self, channel: str) -> bool:
        """See `Broker.vacate`."""
        self._required()
        return self._occupied.pop(channel, None) is not None

    async def renew_occupation(self, channels: Iterable[str]) -> None:
        """See `Broker.renew_occupation`."""
        self._required()
        until = self._clock() + self._presence_ttl
        for channel in channels:
            self._occupied[channel] = until

    # Control.

    async def publish_control(self, data: bytes, node: str = "") -> None:
        """See `Broker.publish_control`. The message is told before this returns."""
        events = self._required()
        if not node or node == self._node:
            events.on_control(data)


def take(names: list[str], count: int) -> list[str]:
    """Take the last names off a list, ``count`` at most."""
    taken = names[-count:]
    del names[-count:]
    return taken
