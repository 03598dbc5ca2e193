"""Who is in a channel: presence of clients, and leases of nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

import msgspec

from openline.hub.brokers.redis.encoding import decode_member, encode_member
from openline.hub.brokers.redis.streams import Down
from openline.hub.publication import ClientInfo
from openline.hub.redis.connection import Argument, Reply
from openline.hub.redis.scripts import load
from openline.hub.redis.topology import Topology

__all__ = ["SCRIPTS", "Members"]

_ADD = load("openline.hub.brokers", "presence_add", after="fading")
_REMOVE = load("openline.hub.brokers", "presence_remove", after="fading")
_PRESENCE = load("openline.hub.brokers", "presence", after="fading")
_LEASE = load("openline.hub.brokers", "lease")
SCRIPTS = (_ADD, _REMOVE, _PRESENCE, _LEASE)

_CLIENTS_AT_ONCE = 200  # in one call of a script, which holds up the server meanwhile
_CALLS_AT_ONCE = 100  # on the way when much is renewed: others want to be served, too


class Members:
    """Presence and occupation.

    Args:
        ttl: Seconds after which what was not renewed fades.
        node: This node's id.
        where: Finds the shard of a channel (by its name in Redis).
    """

    def __init__(self, ttl: float, node: str, where: Callable[[bytes], Topology]) -> None:
        self._ttl = round(ttl * 1000)
        self._node = node
        self._where = where

    async def add(self, channel: bytes, client: str, info: ClientInfo) -> None:
        """See `Broker.add_presence`."""
        await self._add(channel, [client, encode_member(info)])

    async def remove(self, channel: bytes, client: str) -> None:
        """See `Broker.remove_presence`."""
        await self._where(channel).run(_REMOVE, _keys(channel), [client])

    async def renew(self, entries: Iterable[tuple[bytes, str, ClientInfo]]) -> None:
        """See `Broker.renew_presence`."""
        channels: dict[bytes, list[Argument]] = {}
        for channel, client, info in entries:
            channels.setdefault(channel, []).extend((client, encode_member(info)))
        step = 2 * _CLIENTS_AT_ONCE
        await _some_at_once(
            self._add(channel, clients[first : first + step])
            for channel, clients in channels.items()
            for first in range(0, len(clients), step)
        )

    async def presence(self, channel: bytes) -> dict[str, ClientInfo]:
        """See `Broker.presence`."""
        reply = await self._where(channel).run(_PRESENCE, _keys(channel), [1])
        members: dict[str, ClientInfo] = {}
        if isinstance(reply, list):
            fields = iter(reply)
            for client, info in zip(fields, fields, strict=True):
                if isinstance(client, bytes) and isinstance(info, bytes):
                    try:
                        members[client.decode()] = decode_member(info)
                    except (ValueError, msgspec.MsgspecError) as error:
                        raise Down(f"presence in Redis cannot be read: {error}") from error
        return members

    async def stats(self, channel: bytes) -> tuple[int, int]:
        """See `Broker.presence_stats`."""
        match await self._where(channel).run(_PRESENCE, _keys(channel), [0]):
            case [int(clients), int(users)]:
                return clients, users
            case reply:
                raise Down(f"Redis answers in a way that is not known: {reply!r}")

    async def occupy(self, channel: bytes) -> bool:
        """See `Broker.occupy`."""
        return await self._lease(channel, self._ttl) == 1

    async def vacate(self, channel: bytes) -> bool:
        """See `Broker.vacate`."""
        return await self._lease(channel, 0) == 1

    async def renew_occupation(self, channels: Iterable[bytes]) -> None:
        """See `Broker.renew_occupation`."""
        await _some_at_once(self._lease(channel, self._ttl) for channel in channels)

    async def _add(self, channel: bytes, clients: list[Argument]) -> Reply:
        return await self._where(channel).run(_ADD, _keys(channel), [self._ttl, *clients])

    async def _lease(self, channel: bytes, ttl: int) -> Reply:
        return await self._where(channel).run(_LEASE, [channel + b":nodes"], [self._node, ttl])


def _keys(channel: bytes) -> list[bytes]:
    return [channel + b":clients", channel + b":times", channel + b":users"]


async def _some_at_once(calls: Iterable[Awaitable[Reply]]) -> None:
    """Make calls, a hundred on the way at a time; raise the first error when those on the way are done."""
    waiting = iter(calls)
    while batch := list(islice(waiting, _CALLS_AT_ONCE)):
        for outcome in await asyncio.gather(*batch, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
