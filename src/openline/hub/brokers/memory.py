"""The broker of a single process: streams in memory, bounded in bytes over all of them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from itertools import islice

from msgspec.structs import replace

from openline.hub.brokers.base import BrokerDown, BrokerEvents, EpochChanged
from openline.hub.brokers.idempotency import IDEMPOTENCY_TTL, IdempotencyKeys
from openline.hub.brokers.single_node import SingleNode, take
from openline.hub.publication import ClientInfo, HistoryOptions, Publication, PublishResult, StreamPosition

__all__ = ["MemoryBroker", "new_epoch", "size_of"]

_STREAMS_A_STEP = 4000  # of the sweep: about a millisecond of the loop's time
_STREAM_OVERHEAD = 1400  # bytes of an empty stream and its name's place
_PUBLICATION_OVERHEAD = 250  # bytes of a publication besides its payload

_NOWHERE = StreamPosition(0, "")
_NOT_KEPT = PublishResult(_NOWHERE)


def new_epoch() -> str:
    """Make a name for a stream, which no stream of this channel had before."""
    return secrets.token_urlsafe(6)


def size_of(publication: Publication) -> int:
    """Estimate the bytes that a publication takes."""
    size = _PUBLICATION_OVERHEAD + len(publication.data) + len(publication.key)
    if publication.tags is not None:
        size += sum(200 + len(name) + len(value) for name, value in publication.tags.items())
    if publication.info is not None:
        size += _size_of_info(publication.info)
    return size


def _size_of_info(info: ClientInfo) -> int:
    size = 300 + len(info.user) + len(info.client)
    if info.conn_info is not None:
        size += len(info.conn_info)
    if info.chan_info is not None:
        size += len(info.chan_info)
    return size


class _Stream:
    """What is kept of one channel. Offsets of its publications are contiguous, and end at ``top``."""

    __slots__ = ("epoch", "expires", "forgotten", "publications", "size", "top")

    def __init__(self, epoch: str, forgotten: float, size: int) -> None:
        self.epoch = epoch
        self.top = 0
        self.publications: deque[Publication] = deque()
        self.expires = forgotten  # the publications
        self.forgotten = forgotten  # the stream itself
        self.size = size

    def clear(self) -> int:
        """Drop the publications; return how many bytes that gave back."""
        freed = sum(map(size_of, self.publications))
        self.publications.clear()
        self.size -= freed
        return freed

    def drop_oldest(self) -> int:
        """Drop one publication; return how many bytes that gave back."""
        freed = size_of(self.publications.popleft())
        self.size -= freed
        return freed

    def read(self, limit: int, since: StreamPosition | None, reverse: bool) -> list[Publication]:
        """Read as `Broker.history` says; the epoch has been compared."""
        publications = self.publications
        count = len(publications)
        if limit == 0 or not count:
            return []
        first = self.top - count + 1
        if reverse:
            skip = max(self.top - since.offset + 1, 0) if since is not None else 0
            stop = count if limit < 0 else min(skip + limit, count)
            return list(islice(reversed(publications), min(skip, count), stop))
        skip = max(since.offset + 1 - first, 0) if since is not None else 0
        stop = count if limit < 0 else min(skip + limit, count)
        return list(islice(publications, min(skip, count), stop))


class MemoryBroker(SingleNode):
    """Keeps everything in this process. No call suspends; events are told before the call that caused them returns.

    At ``max_size`` the stream that was not used for the longest time is evicted, to the last byte: when it is used
    again, it begins with a new epoch, and clients that were away hear ``recovered: false``. A stream that is too large
    alone loses its oldest publications.

    Args:
        max_size: Bytes that all streams together may take, by estimate.
        max_keys_size: Bytes that idempotency keys may take; beyond it the oldest are forgotten before their time.
        presence_ttl: Seconds after which a presence entry that was not renewed fades.
        clock: Seconds that only grow; what all expiry goes by.
    """

    def __init__(
        self,
        *,
        max_size: int = 256 * 2**20,
        max_keys_size: int = 32 * 2**20,
        presence_ttl: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(presence_ttl=presence_ttl, clock=clock)
        if max_size <= 0 or max_keys_size <= 0:
            raise ValueError("max_size and max_keys_size must be above 0")
        self._max_size = max_size
        self._size = 0
        self._streams: OrderedDict[str, _Stream] = OrderedDict()  # the one used last is last
        self._unswept_streams: list[str] = []
        self._keys = IdempotencyKeys(max_keys_size)
        self._evicted = 0

    @property
    def name(self) -> str:
        """``memory``."""
        return "memory"

    @property
    def counters(self) -> Mapping[str, int]:
        """What the bounds did since the beginning, and how full it is: for metrics."""
        return {
            "evicted_streams": self._evicted,
            "forgotten_keys": self._keys.forgotten,
            "streams": len(self._streams),
            "stream_bytes": self._size,
        }

    async def start(self, events: BrokerEvents, node: str) -> None:
        """See `Broker.start`. Streams of an earlier start are still there."""
        self._open(events, node)

    async def close(self) -> None:
        """See `Broker.close`."""
        self._shut()

    async def publish(
        self,
        channel: str,
        publication: Publication,
        *,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        """See `Broker.publish`. ``publication`` becomes the broker's: it is stored and told as it is."""
        return self.publish_now(channel, publication, history, idempotency_key)

    def publish_now(
        self,
        channel: str,
        publication: Publication,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        """See `openline.hub.brokers.base.ImmediateBroker`."""
        events = self._events
        if events is None:
            raise BrokerDown("the broker is not started, or was closed")
        if idempotency_key:
            known = self._keys.get(channel, idempotency_key, self._clock())
            if known is not None:
                return PublishResult(known, True)
        if publication.offset:  # it is part of a stream already
            publication = replace(publication, offset=0)
        position = _NOWHERE if history is None else self._append(channel, publication, history)
        if idempotency_key:
            self._keys.add(channel, idempotency_key, position, self._clock() + IDEMPOTENCY_TTL)
        if channel in self._subscribed:
            events.on_publication(channel, publication, position)
        return _NOT_KEPT if history is None else PublishResult(position)

    def _append(self, channel: str, publication: Publication, history: HistoryOptions) -> StreamPosition:
        now = self._clock()
        stream = self._streams.get(channel)
        if stream is None or now >= stream.forgotten:
            stream = self._begin(channel, now + history.meta_ttl)
        else:
            self._streams.move_to_end(channel)
            if now >= stream.expires:
                self._size -= stream.clear()
        offset = publication.offset = stream.top = stream.top + 1
        publications = stream.publications
        publications.append(publication)
        grown = size_of(publication)
        size, ttl, meta_ttl = history
        while len(publications) > size:
            grown -= size_of(publications.popleft())
        stream.size += grown
        self._size += grown
        stream.expires = now + ttl
        stream.forgotten = now + meta_ttl
        if self._size > self._max_size:
            self._evict(stream)
        return StreamPosition(offset, stream.epoch)

    def _begin(self, channel: str, forgotten: float) -> _Stream:
        if channel in self._streams:
            self._remove(channel)
        stream = self._streams[channel] = _Stream(new_epoch(), forgotten, _STREAM_OVERHEAD + len(channel))
        self._size += stream.size
        return stream

    def _remove(self, channel: str) -> None:
        self._size -= self._streams.pop(channel).size

    def _evict(self, newest: _Stream) -> None:
        while self._size > self._max_size:
            channel, oldest = next(iter(self._streams.items()))
            if oldest is not newest:
                self._remove(channel)
                self._evicted += 1
            elif newest.publications:
                self._size -= newest.drop_oldest()
            else:
                break

    async def history(
        self,
        channel: str,
        *,
        history: HistoryOptions,
        limit: int = -1,
        since: StreamPosition | None = None,
        reverse: bool = False,
    ) -> tuple[list[Publication], StreamPosition]:
        """See `Broker.history`."""
        self._required()
        now = self._clock()
        stream = self._streams.get(channel)
        if stream is None or now >= stream.forgotten:
            stream = self._begin(channel, now + history.meta_ttl)
            self._evict(stream)
        else:
            self._streams.move_to_end(channel)
            if now >= stream.expires:
                self._size -= stream.clear()
        if since is not None and since.epoch and since.epoch != stream.epoch:
            raise EpochChanged(f"epoch of {channel!r} is {stream.epoch}, not {since.epoch}")
        return stream.read(limit, since, reverse), StreamPosition(stream.top, stream.epoch)

    async def remove_history(self, channel: str) -> None:
        """See `Broker.remove_history`."""
        self._required()
        stream = self._streams.get(channel)
        if stream is not None:
            self._size -= stream.clear()

    def _sweep(self) -> None:
        super()._sweep()
        now = self._clock()
        self._keys.expire(now, _STREAMS_A_STEP)
        if not self._unswept_streams:
            self._unswept_streams = list(self._streams)
        for channel in take(self._unswept_streams, _STREAMS_A_STEP):
            stream = self._streams.get(channel)
            if stream is None:
                continue
            if now >= stream.forgotten:
                self._remove(channel)
            elif now >= stream.expires and stream.publications:
                self._size -= stream.clear()
