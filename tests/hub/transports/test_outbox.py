"""The bounded queue of one client."""

from __future__ import annotations

import asyncio

from openline.hub.transports.outbox import Outbox


def outbox(limit: int = 100, high: int = 40) -> tuple[Outbox, list[int]]:
    caught_up: list[int] = []
    made = Outbox(limit, high, lambda: caught_up.append(made.unsent))
    return made, caught_up


async def test_units_come_out_together_in_their_order() -> None:
    box, _ = outbox()
    for unit in (b"a", b"b", b"c"):
        assert box.put(unit)
    assert await box.take() == [b"a", b"b", b"c"]


async def test_what_was_handed_out_counts_until_the_next_is_asked_for() -> None:
    box, _ = outbox()
    box.put(b"12345")
    await box.take()
    assert box.unsent == 5
    box.put(b"678")
    assert box.unsent == 8
    await box.take()
    assert box.unsent == 3


async def test_more_than_the_limit_is_refused_and_what_was_there_stays() -> None:
    box, _ = outbox(limit=10)
    assert box.put(b"1234567890")
    assert not box.put(b"1")
    assert await box.take() == [b"1234567890"]
    # Handed out is not sent yet.
    assert not box.put(b"1")


async def test_a_unit_waits_for_its_taker_and_a_taker_for_its_unit() -> None:
    box, _ = outbox()
    taking = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    box.put(b"late")
    assert await taking == [b"late"]


async def test_who_was_behind_is_told_of_when_a_quarter_is_left() -> None:
    box, caught_up = outbox(limit=2**20, high=40)
    box.put(b"x" * 2**16)
    box.put(b"y" * 11)
    await box.take()
    await box.take()  # the y's are left: more than a quarter
    assert caught_up == []
    box.put(b"z" * 10)
    await box.take()
    assert caught_up == [10]
    box.put(b"z" * 10)
    await box.take()
    assert caught_up == [10], "it was not behind again"


async def test_the_end_comes_after_what_was_queued_even_over_the_limit() -> None:
    box, _ = outbox(limit=3)
    box.put(b"abc")
    box.finish(b"bye")
    assert box.put(b"more"), "thrown away, and no overrun"
    assert await box.take() == [b"abc", b"bye"]
    assert await box.take() == []
    assert await box.take() == []
    assert box.unsent == 0


async def test_what_is_dropped_is_not_sent_but_the_end_is() -> None:
    box, _ = outbox()
    box.put(b"taken")
    await box.take()
    box.put(b"dropped")
    box.finish(b"bye", drop=True)
    assert box.unsent == len(b"taken" + b"bye")
    assert await box.take() == [b"bye"]


async def test_the_end_wakes_who_waits() -> None:
    box, _ = outbox()
    taking = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    box.finish()
    assert await taking == []


async def test_a_take_that_is_cancelled_loses_nothing() -> None:
    box, _ = outbox()
    taking = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    box.put(b"a")
    assert await box.take() == [b"a"]
