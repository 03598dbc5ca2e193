"""`RedisBroker`: the contract of a broker, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openline.hub.brokers.base import BrokerEvents
from openline.hub.brokers.redis import members, streams
from openline.hub.brokers.redis.encoding import encode_info
from openline.hub.brokers.redis.heard import JOIN, LEAVE, Heard
from openline.hub.brokers.redis.keys import Keys
from openline.hub.brokers.redis.members import Members
from openline.hub.brokers.redis.streams import Down, Streams
from openline.hub.publication import ClientInfo, HistoryOptions, Publication, PublishResult, StreamPosition
from openline.hub.redis.cluster import Cluster
from openline.hub.redis.keys import shard_of
from openline.hub.redis.options import parse
from openline.hub.redis.topology import SingleMaster, Topology, Uses

__all__ = ["RedisBroker"]


class RedisBroker:
    """Publications, history and presence in Redis 7 or newer, for as many nodes as there are.

    Publishing is one script: position, stream, idempotency and sharded pub/sub at once. A node listens only to the
    channels it has. When Redis is out of reach, clients stay: the node connects again, listens again, and has the hub
    look for gaps (`BrokerEvents.on_restored`).

    What Redis promises, this promises:

    - With ``durable=True``, and a Redis with ``appendfsync always`` that does not fail over: each publication that was
      acknowledged is in the history, and reaches every node once; one that was not acknowledged at most once.
    - Otherwise a Redis that was started anew, or a replica that took over, may have forgotten the newest publications:
      streams get new epochs, so that every client that may have missed something is told.
    - Publications without history are delivered at most once.

    The bounds: ``max_waiting`` commands and ``max_waiting_size`` bytes for each server, then `BrokerDown`; publications
    that wait for Redis to come back (``publish_wait``) are at most ``max_waiting``.

    Args:
        urls: One URL or several, also in one string with commas between; see `openline.hub.redis.options.parse`. With
            several, each channel lives on one of them.
        options: Those of `RedisOptions`; they win over what stands in URLs.

    Raises:
        ValueError: A URL or an option does not make sense.
    """

    def __init__(self, urls: str | Sequence[str] = "redis://127.0.0.1:6379", **options: Any) -> None:
        self._places, self.options = parse(urls, options)
        self._keys = Keys(self.options.prefix)
        self._shards: list[Topology] = []
        self._streams = Streams(self.options, self._where)
        self._members = Members(self.options.presence_ttl, "", self._where)
        self._events: BrokerEvents | None = None
        self._heard: dict[bytes, Heard] = {}

    @property
    def name(self) -> str:
        return "redis"

    @property
    def shared(self) -> bool:
        return True

    @property
    def presence_ttl(self) -> float:
        return self.options.presence_ttl

    async def start(self, events: BrokerEvents, node: str) -> None:
        self._events = events
        self._members = Members(self.options.presence_ttl, node, self._where)
        uses = Uses(self.options, (*streams.SCRIPTS, *members.SCRIPTS), Down, self._restored)
        self._shards = [
            Cluster(place, uses) if place.kind == "cluster" else SingleMaster(place, uses)
            for place in self._places
        ]
        try:
            for shard in self._shards:
                await shard.start()
            for channel in (self._keys.all_nodes, self._keys.node(node)):
                await self._where(channel).subscribe(channel, events.on_control)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        shards, self._shards = self._shards, []
        self._heard.clear()
        await asyncio.gather(*(shard.close() for shard in shards))

    # Channels.

    async def subscribe(self, channel: str) -> None:
        key = self._keys.channel(channel)
        shard = self._where(key)
        if self._events is None:
            raise Down("the broker was not started")
        known = self._heard.get(key)
        heard = known or Heard(channel, self._events)
        self._heard[key] = heard
        try:
            await shard.subscribe(key, heard.take)
        except BaseException:
            if known is None:
                self._heard.pop(key, None)
            raise

    async def unsubscribe(self, channel: str) -> None:
        key = self._keys.channel(channel)
        self._heard.pop(key, None)
        self._where(key).unsubscribe(key)

    # Publications.

    async def publish(
        self,
        channel: str,
        publication: Publication,
        *,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        return await self._streams.publish(self._keys.channel(channel), publication, history, idempotency_key)

    async def history(
        self,
        channel: str,
        *,
        history: HistoryOptions,
        limit: int = -1,
        since: StreamPosition | None = None,
        reverse: bool = False,
    ) -> tuple[list[Publication], StreamPosition]:
        return await self._streams.history(self._keys.channel(channel), history, limit, since, reverse)

    async def remove_history(self, channel: str) -> None:
        await self._streams.remove_history(self._keys.channel(channel))

    # Presence.

    async def add_presence(self, channel: str, client: str, info: ClientInfo) -> None:
        await self._members.add(self._keys.channel(channel), client, info)

    async def remove_presence(self, channel: str, client: str) -> None:
        await self._members.remove(self._keys.channel(channel), client)

    async def renew_presence(self, entries: Iterable[tuple[str, str, ClientInfo]]) -> None:
        name = self._keys.channel
        await self._members.renew((name(channel), client, info) for channel, client, info in entries)

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        return await self._members.presence(self._keys.channel(channel))

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        return await self._members.stats(self._keys.channel(channel))

    async def publish_join(self, channel: str, info: ClientInfo) -> None:
        await self._tell(channel, JOIN + encode_info(info))

    async def publish_leave(self, channel: str, info: ClientInfo) -> None:
        await self._tell(channel, LEAVE + encode_info(info))

    # Occupation.

    async def occupy(self, channel: str) -> bool:
        return await self._members.occupy(self._keys.channel(channel))

    async def vacate(self, channel: str) -> bool:
        return await self._members.vacate(self._keys.channel(channel))

    async def renew_occupation(self, channels: Iterable[str]) -> None:
        await self._members.renew_occupation(map(self._keys.channel, channels))

    # The control channel.

    async def publish_control(self, data: bytes, node: str = "") -> None:
        channel = self._keys.node(node) if node else self._keys.all_nodes
        await self._where(channel).command(channel, "SPUBLISH", channel, data)

    def _where(self, channel: bytes) -> Topology:
        if not self._shards:
            raise Down("the broker was not started, or is closed")
        return self._shards[shard_of(channel, len(self._shards))]

    async def _tell(self, channel: str, message: bytes) -> None:
        key = self._keys.channel(channel)
        await self._where(key).command(key, "SPUBLISH", key, message)

    def _restored(self, channels: list[bytes]) -> None:
        heard = [self._heard[channel].channel for channel in channels if channel in self._heard]
        if heard and self._events is not None:
            self._events.on_restored(heard)
