"""The store in Redis: shared by all nodes, and as durable as that Redis.

A write that was acknowledged survives what Redis lets it survive: with ``appendfsync always`` a crash, with Debian's
defaults not the last minutes before one, and no failover to a replica that lagged. Everything lives in memory there.

A log, and likewise a table, lives on one server, in one slot of a Cluster: its keys have the same hash tag.

=====================================  ===========  ===========================================
key                                    type         what
=====================================  ===========  ===========================================
``{prefix:log:name}:last``             string       number of the newest entry; stays for ever
``{prefix:log:name}:numbers``          sorted set   numbers of the entries
``{prefix:log:name}:entries``          hash         entries by number
``{prefix:table:name}:keys``           sorted set   keys in order
``{prefix:table:name}:values``         hash         values by key
``{prefix:table:name}:versions``       hash         versions by key
=====================================  ===========  ===========================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from openline.hub.redis.cluster import Cluster
from openline.hub.redis.connection import Argument, Reply
from openline.hub.redis.keys import shard_of, tag
from openline.hub.redis.link import RedisDown
from openline.hub.redis.options import parse
from openline.hub.redis.scripts import Script, load
from openline.hub.redis.topology import SingleMaster, Topology, Uses
from openline.hub.stores.base import Entry, Row, StoreDown

__all__ = ["RedisStore"]

_APPEND = load("openline.hub.stores", "log_append", after="log_remove")
_TRIM = load("openline.hub.stores", "log_trim", after="log_remove")
_REPLACE = load("openline.hub.stores", "log_replace", after="log_remove")
_READ = load("openline.hub.stores", "log_read")
_DELETE_ENTRY = load("openline.hub.stores", "log_delete_entry")
_PUT = load("openline.hub.stores", "row_put")
_GET = load("openline.hub.stores", "row_get")
_DELETE = load("openline.hub.stores", "row_delete")
_SCAN = load("openline.hub.stores", "row_scan")
_SCRIPTS = (_APPEND, _TRIM, _REPLACE, _READ, _DELETE_ENTRY, _PUT, _GET, _DELETE, _SCAN)


class _Down(RedisDown, StoreDown):
    """What the Redis store raises as `StoreDown`."""


class RedisStore:
    """Logs and tables in Redis 7 or newer. See the contract, `openline.hub.stores.base.Store`.

    A write is not repeated when its answer was lost: `StoreDown` says that it is not known. An answer holds what was
    asked for: give `read` and `scan` a ``limit`` where it may be much.

    Args:
        urls: As of `RedisBroker`.
        options: Those of `RedisOptions`; they win over what stands in URLs. ``durable`` and what concerns publications
            and presence has no effect here.

    Raises:
        ValueError: A URL or an option does not make sense.
    """

    def __init__(self, urls: str | Sequence[str] = "redis://127.0.0.1:6379", **options: Any) -> None:
        self._places, self.options = parse(urls, options)
        self._shards: list[Topology] = []

    async def start(self) -> None:
        if self._shards:
            return
        uses = Uses(self.options, _SCRIPTS, _Down)
        self._shards = [
            Cluster(place, uses) if place.kind == "cluster" else SingleMaster(place, uses)
            for place in self._places
        ]
        try:
            for shard in self._shards:
                await shard.start()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        shards, self._shards = self._shards, []
        await asyncio.gather(*(shard.close() for shard in shards))

    # Logs.

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        keys = self._log(log, "last", "numbers", "entries")
        return _number(await self._run(_APPEND, keys, [data, -1 if keep is None else keep]))

    async def read(
        self, log: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> list[Entry]:
        keys = self._log(log, "numbers", "entries")
        reply = await self._run(_READ, keys, [after, -1 if limit is None else limit, int(reverse)])
        fields = _fields(reply)
        return [Entry(_number(number), _bytes(data)) for number, data in zip(fields, fields, strict=True)]

    async def trim(self, log: str, through: int) -> int:
        return _number(await self._run(_TRIM, self._log(log, "numbers", "entries"), [through]))

    async def replace(self, log: str, through: int, data: bytes) -> int:
        keys = self._log(log, "last", "numbers", "entries")
        return _number(await self._run(_REPLACE, keys, [through, data]))

    async def delete_entry(self, log: str, number: int) -> bool:
        return await self._run(_DELETE_ENTRY, self._log(log, "numbers", "entries"), [number]) == 1

    async def length(self, log: str) -> int:
        (key,) = self._log(log, "numbers")
        return _number(await self._where(key).command(key, "ZCARD", key))

    async def delete_log(self, log: str) -> None:
        keys = self._log(log, "numbers", "entries")
        await self._where(keys[0]).command(keys[0], "UNLINK", *keys)

    # Tables.

    async def put(self, table: str, key: str, value: bytes, *, expect: int | None = None) -> int | None:
        keys = self._table(table, "keys", "values", "versions")
        reply = await self._run(_PUT, keys, [key.encode(), value, -1 if expect is None else expect])
        return None if reply is None else _number(reply)

    async def get(self, table: str, key: str) -> Row | None:
        reply = await self._run(_GET, self._table(table, "values", "versions"), [key.encode()])
        match reply:
            case [bytes(value), int(version)]:
                return Row(key, value, version)
            case _:
                return None

    async def delete(self, table: str, key: str) -> bool:
        return await self._run(_DELETE, self._table(table, "keys", "values", "versions"), [key.encode()]) == 1

    async def scan(self, table: str, *, prefix: str = "", after: str = "", limit: int = 100) -> Sequence[Row]:
        begin, behind = prefix.encode(), after.encode()
        lowest = b"(" + behind if behind and behind >= begin else b"[" + begin
        highest = b"(" + begin + b"\xff" if begin else b"+"  # no UTF-8 has this byte
        reply = await self._run(
            _SCAN, self._table(table, "keys", "values", "versions"), [lowest, highest, limit]
        )
        fields = _fields(reply)
        return [
            Row(_bytes(key).decode(), _bytes(value), _number(version))
            for key, value, version in zip(fields, fields, fields, strict=True)
        ]

    def _log(self, name: str, *parts: str) -> list[bytes]:
        return self._keys(f"log:{name}", parts)

    def _table(self, name: str, *parts: str) -> list[bytes]:
        return self._keys(f"table:{name}", parts)

    def _keys(self, name: str, parts: Sequence[str]) -> list[bytes]:
        begin = tag(self.options.prefix, name)
        return [b"%b:%b" % (begin, part.encode()) for part in parts]

    def _where(self, key: bytes) -> Topology:
        if not self._shards:
            raise _Down("the store was not started, or is closed")
        return self._shards[shard_of(key[: key.index(b"}")], len(self._shards))]

    async def _run(self, script: Script, keys: Sequence[bytes], args: Sequence[Argument]) -> Reply:
        return await self._where(keys[0]).run(script, keys, args)


def _fields(reply: Reply) -> Iterator[Reply]:
    if not isinstance(reply, list):
        raise _Down(f"Redis answers in a way that is not known: {reply!r}")
    return iter(reply)


def _number(reply: Reply) -> int:
    if not isinstance(reply, int | bytes):
        raise _Down(f"Redis answers in a way that is not known: {reply!r}")
    return int(reply)


def _bytes(reply: Reply) -> bytes:
    if not isinstance(reply, bytes):
        raise _Down(f"Redis answers in a way that is not known: {reply!r}")
    return reply
