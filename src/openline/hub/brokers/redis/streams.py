"""Publications and their streams, on one shard or several."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable

import msgspec

from openline.hub.brokers.base import BrokerDown, EpochChanged
from openline.hub.brokers.redis.encoding import decode_publication, encode_publication
from openline.hub.brokers.redis.heard import unkept
from openline.hub.brokers.redis.keys import once
from openline.hub.publication import HistoryOptions, Publication, PublishResult, StreamPosition
from openline.hub.redis.connection import Argument, Reply
from openline.hub.redis.link import RedisDown
from openline.hub.redis.options import RedisOptions
from openline.hub.redis.scripts import load
from openline.hub.redis.topology import Topology

__all__ = ["SCRIPTS", "Down", "Streams"]

_PUBLISH = load("openline.hub.brokers", "publish", after="position", positioned=True)
_HISTORY = load("openline.hub.brokers", "history", after="position", positioned=True)
SCRIPTS = (_PUBLISH, _HISTORY)

_IDEMPOTENCY_TTL = 300.0  # seconds, as `Broker.publish` says
_PAUSE = 0.05  # seconds before a publication that was refused is sent again
_NOWHERE = PublishResult(StreamPosition(0, ""))


class Down(RedisDown, BrokerDown):
    """What the Redis broker raises as `BrokerDown`."""


class Streams:
    """Publishing and reading.

    Args:
        options: How long to wait, and how much may wait.
        where: Finds the shard of a channel (by its name in Redis).
    """

    def __init__(self, options: RedisOptions, where: Callable[[bytes], Topology]) -> None:
        self._options = options
        self._where = where
        self._tokens = map(f"{secrets.token_hex(8)}{{}}".format, itertools.count())
        self._held = 0  # publications that wait for Redis to come back

    async def publish(
        self, channel: bytes, publication: Publication, history: HistoryOptions | None, idempotency_key: str
    ) -> PublishResult:
        """See `Broker.publish`."""
        options = self._options
        body = encode_publication(publication)
        shard = self._where(channel)
        if history is None and not idempotency_key and not options.publish_wait:
            await shard.command(channel, "SPUBLISH", channel, unkept(body))
            return _NOWHERE
        keys = [channel + b":meta", channel + b":stream"]
        size, ttl, meta_ttl = (0, 0.0, 0.0) if history is None else history
        args: list[Argument] = [
            channel,
            body,
            size,
            _milliseconds(ttl),
            _milliseconds(meta_ttl),
            _new_epoch(),
        ]
        if idempotency_key or options.publish_wait:
            token = next(self._tokens)
            keys.append(
                once(channel, idempotency_key)
                if idempotency_key
                else b"%b:sent:%b" % (channel, token.encode())
            )
            # A call's own mark needs to live until its last attempt.
            lasts = (
                _IDEMPOTENCY_TTL if idempotency_key else options.publish_wait + 2 * options.command_timeout
            )
            args += [_milliseconds(lasts), token]
        if options.publish_wait:
            reply = await self._insist(shard, keys, args)
        else:
            reply = await shard.run(_PUBLISH, keys, args)
        match reply:
            case [int(offset), bytes(epoch), int(duplicate)]:
                return PublishResult(StreamPosition(offset, epoch.decode()), duplicate == 1)
            case None:
                raise Down(
                    "Redis was started anew before it had answered; it may have forgotten the publication",
                    sent=True,
                )
            case _:
                raise Down(f"Redis answers in a way that is not known: {reply!r}", sent=True)

    async def _insist(self, shard: Topology, keys: list[bytes], args: list[Argument]) -> Reply:
        """Send a publication, again and again where Redis does not answer, until the time is over."""
        options = self._options
        loop = asyncio.get_running_loop()
        until = loop.time() + options.publish_wait
        doubtful = ""  # run_id of a server that may have stored it
        while True:
            server = shard.run_id(keys[0])
            try:
                return await shard.run(_PUBLISH, keys, [*args, doubtful])
            except RedisDown as error:
                if error.sent and not doubtful:
                    doubtful = server
                if loop.time() >= until or self._held >= options.max_waiting:
                    raise
                failure = error
            self._held += 1
            try:
                await asyncio.sleep(_PAUSE)
                if not await shard.wait_up(keys[0], until):
                    raise failure
            finally:
                self._held -= 1

    async def history(
        self, channel: bytes, history: HistoryOptions, limit: int, since: StreamPosition | None, reverse: bool
    ) -> tuple[list[Publication], StreamPosition]:
        """See `Broker.history`."""
        offset, epoch = ("", "") if since is None else since
        reply = await self._where(channel).run(
            _HISTORY,
            [channel + b":meta", channel + b":stream"],
            [_milliseconds(history.meta_ttl), _new_epoch(), offset, epoch, limit, int(reverse)],
        )
        match reply:
            case [int(), bytes(), None]:
                raise EpochChanged
            case [int(top), bytes(raw_epoch), [*entries]]:
                position = StreamPosition(top, raw_epoch.decode())
                return [_publication(entry) for entry in entries], position
            case _:
                raise Down(f"Redis answers in a way that is not known: {reply!r}")

    async def remove_history(self, channel: bytes) -> None:
        """See `Broker.remove_history`."""
        await self._where(channel).command(channel, "UNLINK", channel + b":stream")


def _publication(entry: Reply) -> Publication:
    match entry:
        case [bytes(number), [bytes(), bytes(body), *_]]:
            try:
                return decode_publication(body, int(number.partition(b"-")[0]))
            except (ValueError, msgspec.MsgspecError) as error:
                raise Down(f"a publication in Redis cannot be read: {error}") from error
        case _:
            raise Down(f"a publication in Redis cannot be read: {entry!r}")


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _new_epoch() -> str:
    return secrets.token_urlsafe(6)
