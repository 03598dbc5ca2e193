"""The checks of streams find what they are there for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from openline.hub.brokers.memory import MemoryBroker
from openline.hub.publication import Publication, PublishResult, StreamPosition
from openline.testing.broker_streams import CHECKS
from tests.testing.broken import expect_caught


class LosesTags(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        return await super().publish(channel, replace(publication, tags=None), **options)


class KeepsWhatHasNoHistory(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        if channel in self._streams and not options.get("history"):
            self._streams[channel].top += 1
        return await super().publish(channel, publication, **options)


class SkipsAnOffset(MemoryBroker):
    def _append(self, channel: str, publication: Publication, history: Any) -> StreamPosition:
        if publication.data and channel in self._streams and self._streams[channel].top == 9:
            self._streams[channel].top += 1
        return super()._append(channel, publication, history)


class ChangesWhatIsStored(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        publication.offset = 0
        return await super().publish(channel, publication, **options)


class IgnoresSince(MemoryBroker):
    async def history(self, channel: str, *, since: Any = None, **options: Any) -> Any:
        return await super().history(channel, **options)


class IgnoresLimitInReverse(MemoryBroker):
    async def history(self, channel: str, *, limit: int = -1, reverse: bool = False, **options: Any) -> Any:
        return await super().history(channel, limit=-1 if reverse else limit, reverse=reverse, **options)


class NewEpochAtFirstPublish(MemoryBroker):
    def _append(self, channel: str, publication: Publication, history: Any) -> StreamPosition:
        if channel in self._streams and not self._streams[channel].top:
            self._remove(channel)
        return super()._append(channel, publication, history)


class KeepsOneTooMany(MemoryBroker):
    def _append(self, channel: str, publication: Publication, history: Any) -> StreamPosition:
        return super()._append(channel, publication, history._replace(size=history.size + 1))


class NeverExpires(MemoryBroker):
    def _append(self, channel: str, publication: Publication, history: Any) -> StreamPosition:
        return super()._append(channel, publication, history._replace(ttl=1e9))


class LivesFromTheOldest(MemoryBroker):
    def _append(self, channel: str, publication: Publication, history: Any) -> StreamPosition:
        expires = self._streams[channel].expires if channel in self._streams else None
        position = super()._append(channel, publication, history)
        if expires is not None:
            self._streams[channel].expires = expires
        return position


class ReadingProlongs(MemoryBroker):
    async def history(self, channel: str, *, history: Any, **options: Any) -> Any:
        answer = await super().history(channel, history=history, **options)
        self._streams[channel].forgotten = self._clock() + history.meta_ttl + 1
        return answer


class RemovalForgetsThePosition(MemoryBroker):
    async def remove_history(self, channel: str) -> None:
        if channel in self._streams:
            self._remove(channel)


class TellsDuplicates(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        result = await super().publish(channel, publication, **options)
        if result.duplicate and self._events:
            self._events.on_publication(channel, publication, result.position)
        return result


class KeysOfAllChannels(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        key = options.pop("idempotency_key", "")
        if key and self._keys.get("", key, self._clock()):
            return PublishResult(self._keys.get("", key, self._clock()) or StreamPosition(0, ""), True)
        result = await super().publish(channel, publication, **options)
        if key:
            self._keys.add("", key, result.position, self._clock() + 300)
        return result


class ChecksKeysTooLate(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        key = options.get("idempotency_key", "")
        if key and self._keys.get(channel, key, self._clock()) is None:
            await asyncio.sleep(0)
            options["idempotency_key"] = ""
            result = await super().publish(channel, publication, **options)
            self._keys.add(channel, key, result.position, self._clock() + 300)
            return result
        return await super().publish(channel, publication, **options)


class ForgetsKeysEarly(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        self._keys.expire(self._clock() + 200, 1000)
        return await super().publish(channel, publication, **options)


class TellsOutOfOrder(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        told, self._subscribed = self._subscribed, set()
        try:
            result = await super().publish(channel, publication, **options)
        finally:
            self._subscribed = told
        for _ in range(result.position.offset % 3):
            await asyncio.sleep(0)
        if self._events and channel in told:
            self._events.on_publication(channel, publication, result.position)
        return result


class ReadsInTwoMoments(MemoryBroker):
    async def history(self, channel: str, **options: Any) -> Any:
        kept, _ = await super().history(channel, **options)
        await asyncio.sleep(0)
        return kept, (await super().history(channel, **options))[1]


class TellsBeforeItKeeps(MemoryBroker):
    async def publish(self, channel: str, publication: Publication, **options: Any) -> PublishResult:
        if channel in self._subscribed and self._events:
            self._events.on_publication(channel, publication, StreamPosition(0, ""))
        await asyncio.sleep(0)
        return await super().publish(channel, publication, **options)


FAULTS = [
    (LosesTags, "published_whole", "told as it was made"),
    (KeepsWhatHasNoHistory, "no_history", "does not move the stream"),
    (SkipsAnOffset, "offsets", "offsets are 1, 2, 3"),
    (ChangesWhatIsStored, "same_object_twice", "never changed"),
    (IgnoresSince, "history_windows", "since=0"),
    (IgnoresLimitInReverse, "history_windows", r"limit=0.*reverse=True"),
    (NewEpochAtFirstPublish, "history_begins_a_stream", "offset 1 in that epoch"),
    (IgnoresSince, "epochs", "EpochChanged"),
    (KeepsOneTooMany, "history_size", "publications are kept"),
    (NeverExpires, "history_ttl", "live as long as"),
    (LivesFromTheOldest, "history_ttl", "lets the older ones live longer"),
    (ReadingProlongs, "meta_ttl", "as long as its meta_ttl"),
    (RemovalForgetsThePosition, "removal", "keeps offset and epoch"),
    (TellsDuplicates, "idempotency", "each of 4 publications once"),
    (KeysOfAllChannels, "idempotency", "keys are of one channel"),
    (ChecksKeysTooLate, "idempotency_at_once", "of one key at once"),
    (ForgetsKeysEarly, "idempotency_ends", "five minutes"),
    (TellsOutOfOrder, "many_publishers", "order of the offsets"),
    (ReadsInTwoMoments, "history_of_one_moment", "of one moment"),
    (TellsBeforeItKeeps, "cancelled_publish", "hears"),
    (MemoryBroker, "survives", "outlives|outlive"),
]


@pytest.mark.parametrize(("broker", "check", "sentence"), FAULTS)
@pytest.mark.timeout(60)
async def test_a_fault_is_found(
    broker: type[MemoryBroker], check: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openline.testing.broker_stage.PATIENCE", 0.2)  # what does not come is the point here
    if broker is MemoryBroker:  # not durable: what an object leaves in memory is gone with it
        await expect_caught(broker, check, sentence, durable=True)
    else:
        await expect_caught(broker, check, sentence)


def test_every_check_is_shown_to_find_something() -> None:
    assert {check.__name__ for check in CHECKS} == {check for _, check, _ in FAULTS}
