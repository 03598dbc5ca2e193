"""Feed and Feeds: order, the bound, who reads, and how long one lives."""

from __future__ import annotations

import asyncio

from openline.playground.feeds import MAX_BATCH, MAX_WAITING, Feed, Feeds
from openline.playground.tap import Record


def number(value: int) -> Record:
    return {"number": value}


async def drained(feed: Feed) -> list[Record]:
    """What waits in a feed, as its reader gets it."""
    records: list[Record] = []
    batches = feed.batches()
    while feed.waiting:
        batch = await anext(batches)
        assert len(batch) <= MAX_BATCH + 1
        records += batch
    await batches.aclose()
    return records


async def test_records_come_in_order() -> None:
    feed = Feed()
    for value in range(3 * MAX_BATCH):
        feed.put(number(value))
    assert await drained(feed) == [number(value) for value in range(3 * MAX_BATCH)]


async def test_a_reader_waits_for_the_next_record() -> None:
    feed = Feed()
    batches = feed.batches()
    waiting = asyncio.ensure_future(anext(batches))
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.put(number(1))
    assert await waiting == [number(1)]
    await batches.aclose()


async def test_the_oldest_are_dropped_at_the_bound_and_counted_once() -> None:
    feed = Feed()
    for value in range(MAX_WAITING + 5):
        feed.put(number(value))
    assert feed.waiting == MAX_WAITING
    assert (await drained(feed))[:2] == [{"kind": "missed", "count": 5}, number(5)]
    feed.put(number(0))
    assert await drained(feed) == [number(0)]


async def test_a_new_reader_ends_the_one_before() -> None:
    feed = Feed()
    first, second = feed.batches(), feed.batches()
    waiting = asyncio.ensure_future(anext(first, None))
    await asyncio.sleep(0)
    newer = asyncio.ensure_future(anext(second))
    assert await waiting is None
    feed.put(number(1))
    assert await newer == [number(1)]
    await second.aclose()


async def test_a_feed_lives_as_long_as_anybody_holds_it() -> None:
    feeds = Feeds()
    with feeds.hold("token") as first:
        with feeds.hold("token") as second:
            assert second is first
        feeds.put("token", number(1))
        assert first.waiting == 1
    assert len(feeds) == 0
    with feeds.hold("token") as third:
        assert third is not first


async def test_records_for_nobody_are_dropped() -> None:
    feeds = Feeds()
    feeds.put("token", number(1))
    assert len(feeds) == 0
    with feeds.hold("token") as feed:
        assert feed.waiting == 0
