"""Checks of a broker: publications, offsets, history."""

from __future__ import annotations

import asyncio

from openline.hub.brokers.base import EpochChanged
from openline.hub.publication import (
    ClientInfo,
    HistoryOptions,
    Payload,
    Publication,
    PublishResult,
    StreamPosition,
)
from openline.testing.broker_stage import KEPT, BrokerStage, numbered, said, text
from openline.testing.waiting import expect

__all__ = ["CHECKS"]


async def published_whole(stage: BrokerStage) -> None:
    """All fields and any bytes arrive as they were published, live and from the history."""
    node = await stage.node()
    info = ClientInfo(
        user="ü", client="c-1", conn_info=Payload(b'{"name":"x"}'), chan_info=Payload(b"\x00\xff binary")
    )
    samples = [
        Publication(data=Payload(b"null")),
        Publication(data=Payload(bytes(range(256))), info=info, time=1_700_000_000_123),
        Publication(data=Payload('{"text":"ж\u2028"}'.encode()), tags={"a": "1", "ß": ""}, key="k"),
        Publication(data=Payload(b'"' + b"x" * 300_000 + b'"')),
        Publication(data=Payload(b"{}"), info=ClientInfo()),
    ]
    for history in (None, KEPT):
        channel = stage.channel()
        await node.broker.subscribe(channel)
        wanted = [_facts(sample) for sample in samples]
        for sample in samples:
            await node.broker.publish(channel, sample, history=history)
        heard = await stage.expect_heard(node, channel, len(samples))
        expect(
            [_facts(publication) for publication, _ in heard] == wanted,
            "a publication is told as it was made",
        )
        if history:
            kept, _ = await node.broker.history(channel, history=history)
            expect(
                [_facts(publication) for publication in kept] == wanted,
                "a publication is kept as it was made",
            )


def _facts(publication: Publication) -> tuple[object, ...]:
    info = publication.info
    who = info and (
        info.user,
        info.client,
        None if info.conn_info is None else bytes(info.conn_info),
        None if info.chan_info is None else bytes(info.chan_info),
    )
    tags = publication.tags or None
    return bytes(publication.data), who, tags, publication.time, publication.key, publication.delta


async def no_history(stage: BrokerStage) -> None:
    """Without history a publication has no offset, and leaves the stream alone."""
    node = await stage.node()
    channel = stage.channel()
    await node.broker.subscribe(channel)
    kept = await node.broker.publish(channel, numbered(1), history=KEPT)
    result = await node.broker.publish(channel, numbered(2))
    expect(result == PublishResult(StreamPosition(0, "")), 'without history the position is (0, "")')
    heard = await stage.expect_heard(node, channel, 2)
    expect(
        heard[1][0].offset == 0 and heard[1][1] == (0, ""),
        "without history a publication is told without offset",
    )
    publications, position = await node.broker.history(channel, history=KEPT)
    expect([text(p) for p in publications] == ['{"n":1}'], "what is published without history is not kept")
    expect(position == kept.position, "what is published without history does not move the stream")


async def offsets(stage: BrokerStage) -> None:
    """Offsets are 1, 2, 3 …, in one epoch, the same in result, event and history."""
    node = await stage.node()
    channel = stage.channel()
    await node.broker.subscribe(channel)
    results = [await node.broker.publish(channel, numbered(n), history=KEPT) for n in range(1, 21)]
    expect([result.position.offset for result in results] == list(range(1, 21)), "offsets are 1, 2, 3 …")
    expect(len({result.position.epoch for result in results}) == 1, "a stream has one epoch")
    expect(bool(results[0].position.epoch), "a stream's epoch is not empty")
    expect(not any(result.duplicate for result in results), "without a key nothing is a duplicate")
    heard = await stage.expect_heard(node, channel, 20)
    expect(
        [position for _, position in heard] == [r.position for r in results],
        "events tell the result's position",
    )
    expect([p.offset for p, _ in heard] == list(range(1, 21)), "a publication carries its offset")
    expect([text(p) for p, _ in heard] == [said(n) for n in range(1, 21)], "events come in offset order")
    kept, position = await node.broker.history(channel, history=KEPT)
    expect(
        [(p.offset, text(p)) for p in kept] == [(p.offset, text(p)) for p, _ in heard],
        "history equals events",
    )
    expect(position == results[-1].position, "history tells the top of the stream")


async def same_object_twice(stage: BrokerStage) -> None:
    """One object published again, or elsewhere, does not change what was published before."""
    node = await stage.node()
    first, second = stage.channel(), stage.channel()
    publication = numbered(1)
    for channel in (first, second, first):
        await node.broker.publish(channel, publication, history=KEPT)
    kept, _ = await node.broker.history(first, history=KEPT)
    expect([p.offset for p in kept] == [1, 2], "a publication that is stored is never changed")
    kept, _ = await node.broker.history(second, history=KEPT)
    expect([p.offset for p in kept] == [1], "streams are independent")


async def history_windows(stage: BrokerStage) -> None:
    """``limit``, ``since`` and ``reverse``, alone and together."""
    node = await stage.node()
    channel = stage.channel()
    options = HistoryOptions(size=10, ttl=600.0)
    for n in range(1, 16):
        await node.broker.publish(channel, numbered(n), history=options)
    _, top = await node.broker.history(channel, history=options, limit=0)
    expect(top.offset == 15, "a full stream's offsets go on")
    everything = list(range(6, 16))

    async def window(limit: int, since: int | None, reverse: bool, wanted: list[int]) -> None:
        position = None if since is None else StreamPosition(since, top.epoch)
        kept, where = await node.broker.history(
            channel, history=options, limit=limit, since=position, reverse=reverse
        )
        call = f"history(limit={limit}, since={since}, reverse={reverse}) of offsets 6 to 15"
        expect([p.offset for p in kept] == wanted, f"{call} is {wanted}, not {[p.offset for p in kept]}")
        expect(
            [text(p) for p in kept] == [said(n) for n in wanted],
            f"{call} keeps offset and payload together",
        )
        expect(where == top, f"{call} tells the stream's top")

    for limit in (-1, 0, 1, 3, 10, 100):
        count = len(everything) if limit < 0 else limit
        await window(limit, None, False, everything[:count])
        await window(limit, None, True, everything[::-1][:count])
        for since in (0, 3, 5, 6, 10, 14, 15, 20):
            await window(limit, since, False, [n for n in everything if n > since][:count])
            await window(limit, since, True, [n for n in everything[::-1] if n < since][:count])


async def history_begins_a_stream(stage: BrokerStage) -> None:
    """History of a channel without a stream begins one, whose epoch stays."""
    node = await stage.node()
    channel = stage.channel()
    kept, position = await node.broker.history(channel, history=KEPT)
    expect(not kept and position.offset == 0, "a new stream is empty, at offset 0")
    expect(bool(position.epoch), "a channel without a stream gets one, with an epoch")
    again = await node.broker.history(channel, history=KEPT, limit=0)
    expect(again[1] == position, "the epoch is the answer to later questions, too")
    result = await node.broker.publish(channel, numbered(1), history=KEPT)
    expect(
        result.position == StreamPosition(1, position.epoch),
        "the first publication has offset 1 in that epoch",
    )
    kept, _ = await node.broker.history(channel, history=KEPT, since=position)
    expect([p.offset for p in kept] == [1], "what came since the empty stream is all")


async def epochs(stage: BrokerStage) -> None:
    """A position of another epoch is refused; one without an epoch is not."""
    node = await stage.node()
    channel = stage.channel()
    result = await node.broker.publish(channel, numbered(1), history=KEPT)
    for limit in (-1, 0):
        for reverse in (False, True):
            since = StreamPosition(1, result.position.epoch + "x")
            try:
                await node.broker.history(channel, history=KEPT, limit=limit, since=since, reverse=reverse)
            except EpochChanged:
                continue
            raise AssertionError(
                f"history since another epoch raises EpochChanged (limit={limit}, reverse={reverse})"
            )
    kept, _ = await node.broker.history(channel, history=KEPT, since=StreamPosition(0, ""))
    expect([p.offset for p in kept] == [1], "a position without an epoch is of any epoch")


async def history_size(stage: BrokerStage) -> None:
    """The newest publications are kept, as many as the last publish says."""
    node = await stage.node()
    channel = stage.channel()
    for size, wanted in ((3, [1, 2, 3]), (3, [4, 5, 6]), (1, [9]), (5, [9, 10, 11, 12])):
        for _ in range(3):
            await node.broker.publish(channel, numbered(0), history=HistoryOptions(size, 600.0))
        kept, _ = await node.broker.history(channel, history=HistoryOptions(size, 600.0))
        expect(
            [p.offset for p in kept] == wanted,
            f"{size} publications are kept: {wanted}, not {[p.offset for p in kept]}",
        )


async def history_ttl(stage: BrokerStage) -> None:
    """Publications live ``ttl`` seconds after the newest of them; offset and epoch go on."""
    node = await stage.node()
    channel = stage.channel()
    options = HistoryOptions(100, stage.short)

    async def empty() -> bool:
        return not (await node.broker.history(channel, history=options))[0]

    for n in range(2):
        await node.broker.publish(channel, numbered(n), history=options)
    result = await node.broker.publish(channel, numbered(2), history=options)
    if stage.clock:
        stage.clock.advance(options.ttl * 0.75)
        result = await node.broker.publish(channel, numbered(4), history=options)
        stage.clock.advance(options.ttl * 0.75)
        kept, _ = await node.broker.history(channel, history=options)
        expect(
            [p.offset for p in kept] == [1, 2, 3, 4], "a newer publication lets the older ones live longer"
        )
    await stage.after(options.ttl, empty, "publications live as long as the history's ttl")
    _, position = await node.broker.history(channel, history=options, since=result.position)
    expect(position == result.position, "offset and epoch outlive the publications")
    again = await node.broker.publish(channel, numbered(5), history=options)
    expect(
        again.position == StreamPosition(result.position.offset + 1, result.position.epoch),
        "offsets go on after the publications have expired",
    )
    kept, _ = await node.broker.history(channel, history=options)
    expect({p.offset for p in kept} <= {again.position.offset}, "what has expired does not come back")


async def meta_ttl(stage: BrokerStage) -> None:
    """Offset and epoch live ``meta_ttl`` seconds after the newest publication; then the stream is another."""
    node = await stage.node()
    options = HistoryOptions(100, stage.short, stage.short * 2)
    published, only_read = stage.channel(), stage.channel()
    old = {
        published: (await node.broker.publish(published, numbered(1), history=options)).position,
        only_read: (await node.broker.history(only_read, history=options))[1],
    }
    if stage.clock:
        stage.clock.advance(options.meta_ttl * 0.75)
        for channel, position in old.items():
            now = (await node.broker.history(channel, history=options, limit=0))[1]
            expect(now == position, "a stream lives as long as its meta_ttl")
        stage.clock.advance(options.meta_ttl * 0.5)
    for channel, position in old.items():

        async def other(channel: str = channel, position: StreamPosition = position) -> bool:
            # Reading does not prolong the life of a stream; where that is not kept, this never comes true.
            now = (await node.broker.history(channel, history=options, limit=0))[1]
            return now.epoch != position.epoch

        await stage.after(
            0.0 if stage.clock else options.meta_ttl,
            other,
            "a stream lives as long as its meta_ttl, whether it is read or not; then its epoch changes",
        )
        result = await node.broker.publish(channel, numbered(2), history=options)
        expect(result.position.offset == 1, "a new epoch's offsets begin with 1")
        try:
            await node.broker.history(channel, history=options, since=position)
        except EpochChanged:
            continue
        raise AssertionError("history since a position of the stream that was forgotten raises EpochChanged")


async def removal(stage: BrokerStage) -> None:
    """Removing the history keeps the position."""
    node = await stage.node()
    channel = stage.channel()
    await node.broker.remove_history(stage.channel())
    for n in range(1, 3):
        await node.broker.publish(channel, numbered(n), history=KEPT)
    result = await node.broker.publish(channel, numbered(3), history=KEPT)
    await node.broker.remove_history(channel)
    kept, position = await node.broker.history(channel, history=KEPT)
    expect(not kept, "a removed history is empty")
    expect(position == result.position, "removing the history keeps offset and epoch")
    kept, _ = await node.broker.history(channel, history=KEPT, since=result.position)
    expect(not kept, "a position before the removal is still of this stream")
    again = await node.broker.publish(channel, numbered(4), history=KEPT)
    expect(again.position == StreamPosition(4, result.position.epoch), "offsets go on after a removal")
    kept, _ = await node.broker.history(channel, history=KEPT)
    expect([p.offset for p in kept] == [4], "what was removed does not come back")


async def idempotency(stage: BrokerStage) -> None:
    """A key that the channel has seen is not published again, and the first result comes back."""
    node = await stage.node()
    for history in (KEPT, None):
        channel, other = stage.channel(), stage.channel()
        for name in (channel, other):
            await node.broker.subscribe(name)
        first = await node.broker.publish(channel, numbered(1), history=history, idempotency_key="a")
        again = await node.broker.publish(channel, numbered(2), history=history, idempotency_key="a")
        expect(not first.duplicate and again.duplicate, "a key that the channel has seen is a duplicate")
        expect(again.position == first.position, "a duplicate returns the first position")
        third = await node.broker.publish(channel, numbered(3), history=history, idempotency_key="b")
        expect(not third.duplicate, "another key is another publication")
        elsewhere = await node.broker.publish(other, numbered(4), history=history, idempotency_key="a")
        expect(not elsewhere.duplicate, "keys are of one channel")
        for n in (5, 6):
            free = await node.broker.publish(channel, numbered(n), history=history)
            expect(not free.duplicate, "without a key nothing is a duplicate")
        await stage.expect_heard(node, channel, 4)
        expect(node.heard.texts(channel) == [said(n) for n in (1, 3, 5, 6)], "a duplicate is not told")
        if history:
            expect(await stage.texts(node, channel) == node.heard.texts(channel), "a duplicate is not kept")


async def idempotency_at_once(stage: BrokerStage) -> None:
    """Of many publications with one key at once, one is made."""
    node = await stage.node()
    channel = stage.channel()
    results = await asyncio.gather(
        *(node.broker.publish(channel, numbered(n), history=KEPT, idempotency_key="once") for n in range(20))
    )
    expect(sum(not result.duplicate for result in results) == 1, "of one key at once, one is published")
    expect(len({result.position for result in results}) == 1, "all of one key get the same position")
    expect(len(await stage.texts(node, channel)) == 1, "of one key at once, one is kept")


async def idempotency_ends(stage: BrokerStage) -> None:
    """A key is remembered for five minutes. (Only where there is a clock to move.)"""
    if not stage.clock:
        return
    node = await stage.node()
    channel = stage.channel()
    await node.broker.publish(channel, numbered(1), history=KEPT, idempotency_key="a")
    stage.clock.advance(299.0)
    soon = await node.broker.publish(channel, numbered(2), history=KEPT, idempotency_key="a")
    expect(soon.duplicate, "a key is remembered for five minutes")
    stage.clock.advance(2.0)
    later = await node.broker.publish(channel, numbered(3), history=KEPT, idempotency_key="a")
    expect(not later.duplicate, "a key is forgotten after five minutes")


async def many_publishers(stage: BrokerStage) -> None:
    """Many publish at once: every publication is told once, kept once, in one order without gaps."""
    nodes = await stage.nodes()
    channels = [stage.channel() for _ in range(3)]
    for node in nodes:
        for channel in channels:
            await node.broker.subscribe(channel)
    results: dict[str, list[tuple[int, StreamPosition]]] = {channel: [] for channel in channels}

    async def publisher(number: int) -> None:
        node = nodes[number % len(nodes)]
        for turn in range(10):
            channel = channels[(number + turn) % len(channels)]
            n = number * 100 + turn
            result = await node.broker.publish(channel, numbered(n), history=KEPT)
            results[channel].append((n, result.position))

    await asyncio.gather(*(publisher(number) for number in range(60)))
    for channel in channels:
        wanted = sorted((position.offset, said(n)) for n, position in results[channel])
        count = len(wanted)
        expect(
            [offset for offset, _ in wanted] == list(range(1, count + 1)),
            "every publication has its own offset",
        )
        for node in nodes:
            heard = await stage.expect_heard(node, channel, count)
            expect(
                [(p.offset, text(p)) for p, _ in heard] == wanted,
                "every node is told in the order of the offsets",
            )
        kept, _ = await nodes[-1].broker.history(channel, history=KEPT)
        expect([(p.offset, text(p)) for p in kept] == wanted, "every publication is kept at its offset")


async def history_of_one_moment(stage: BrokerStage) -> None:
    """Publications and position of one answer fit together, whoever publishes meanwhile."""
    node = await stage.node()
    channel = stage.channel()
    await node.broker.publish(channel, numbered(0), history=KEPT)

    async def publish() -> None:
        for n in range(100):
            await node.broker.publish(channel, numbered(n), history=KEPT)
            await asyncio.sleep(0)  # a broker in memory would let nobody in between

    publishing = asyncio.ensure_future(publish())
    seen = 0
    try:
        while seen < 101 and not (publishing.done() and publishing.exception()):
            kept, position = await node.broker.history(channel, history=KEPT)
            expect(
                [p.offset for p in kept] == list(range(1, position.offset + 1)), "history is of one moment"
            )
            expect(position.offset >= seen, "what was read once does not vanish")
            seen = position.offset
            await asyncio.sleep(0)
        await publishing
    finally:
        publishing.cancel()
        await asyncio.wait([publishing])


async def cancelled_publish(stage: BrokerStage) -> None:
    """A publish that is cancelled may have taken effect, and harms no other."""
    node = await stage.node()
    channel = stage.channel()
    await node.broker.subscribe(channel)
    tasks = [
        asyncio.ensure_future(node.broker.publish(channel, numbered(n), history=KEPT)) for n in range(50)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    made = {n for n, outcome in enumerate(outcomes) if isinstance(outcome, PublishResult)}
    expect(made >= set(range(1, 50, 2)), "a publish that was not cancelled is made")
    last = await node.broker.publish(channel, numbered(99), history=KEPT)
    heard = await stage.expect_heard(node, channel, last.position.offset)
    kept = await stage.texts(node, channel)
    expect(kept == [text(p) for p, _ in heard], "what is kept is told, cancelled or not")
    expect({said(n) for n in made} <= set(kept), "what was acknowledged is kept")


async def survives(stage: BrokerStage) -> None:
    """History, position, epoch and keys outlive the broker object. (Only where that is promised.)"""
    if not stage.durable:
        return
    node = await stage.node()
    channel, empty = stage.channel(), stage.channel()
    results = [
        await node.broker.publish(channel, numbered(n), history=KEPT, idempotency_key=f"k{n}")
        for n in range(5)
    ]
    _, beginning = await node.broker.history(empty, history=KEPT)
    await node.broker.close()
    node = await stage.node()
    try:
        kept, position = await node.broker.history(
            channel, history=KEPT, since=StreamPosition(1, results[0].position.epoch)
        )
    except EpochChanged:
        raise AssertionError("the epoch outlives the node") from None
    expect([p.offset for p in kept] == [2, 3, 4, 5], "the history outlives the node")
    expect(position == results[-1].position, "offset and epoch outlive the node")
    again = await node.broker.publish(channel, numbered(9), history=KEPT, idempotency_key="k3")
    expect(again == PublishResult(results[3].position, duplicate=True), "idempotency keys outlive the node")
    further = await node.broker.publish(channel, numbered(5), history=KEPT)
    expect(further.position == StreamPosition(6, position.epoch), "offsets go on")
    expect(
        (await node.broker.history(empty, history=KEPT))[1] == beginning, "an empty stream outlives the node"
    )


CHECKS = (
    published_whole,
    no_history,
    offsets,
    same_object_twice,
    history_windows,
    history_begins_a_stream,
    epochs,
    history_size,
    history_ttl,
    meta_ttl,
    removal,
    idempotency,
    idempotency_at_once,
    idempotency_ends,
    many_publishers,
    history_of_one_moment,
    cancelled_publish,
    survives,
)
