"""Many deadlines, one timer of the loop."""

from __future__ import annotations

import asyncio
import gc
import weakref

from openline.engine.deadlines import Deadlines


def timers(loop: asyncio.AbstractEventLoop) -> int:
    """Timers that the loop has to look after; only asyncio's own loop can be asked."""
    return len([handle for handle in loop._scheduled if not handle.cancelled()])  # type: ignore[attr-defined]


async def test_deadlines_are_reached_in_their_order_and_not_before() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    reached: list[tuple[str, float]] = []
    all_reached = loop.create_future()
    started = loop.time()
    deadlines.add(0.03, lambda: reached.append(("c", loop.time())))
    deadlines.add(0.01, lambda: reached.append(("a", loop.time())))
    deadlines.add(0.02, lambda: reached.append(("b", loop.time())))
    deadlines.add(0.04, lambda: all_reached.set_result(None))
    assert len(deadlines) == 4
    await all_reached
    assert [name for name, _ in reached] == ["a", "b", "c"]
    resolution = 0.001
    assert all(
        at - started >= delay - resolution for (_, at), delay in zip(reached, (0.01, 0.02, 0.03), strict=True)
    )
    assert len(deadlines) == 0


async def test_a_removed_deadline_is_not_reached() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    reached: list[str] = []
    done = asyncio.Event()
    removed = deadlines.add(0.0, lambda: reached.append("removed"))
    deadlines.add(0.01, done.set)
    deadlines.remove(removed)
    deadlines.remove(removed)
    assert len(deadlines) == 1
    await done.wait()
    assert reached == []
    deadlines.remove(removed)
    assert len(deadlines) == 0


async def test_an_earlier_deadline_moves_the_timer() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    done = asyncio.Event()
    far = deadlines.add(3600, lambda: None)
    deadlines.add(0.01, done.set)
    await asyncio.wait_for(done.wait(), 5)
    deadlines.remove(far)


async def test_a_deadline_of_no_time_is_reached_in_a_later_turn() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    done = asyncio.Event()
    deadlines.add(0, done.set)
    assert not done.is_set()
    await asyncio.wait_for(done.wait(), 5)


async def test_what_a_deadline_does_may_set_and_remove_others() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    reached: list[str] = []
    done = asyncio.Event()

    def first() -> None:
        reached.append("first")
        deadlines.remove(second)
        deadlines.add(0, lambda: (reached.append("third"), done.set()))

    deadlines.add(0.01, first)
    second = deadlines.add(0.011, lambda: reached.append("second"))
    await asyncio.wait_for(done.wait(), 5)
    assert reached == ["first", "third"]


async def test_one_that_raises_does_not_stop_the_others() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    done = asyncio.Event()
    caught: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: caught.append(context["exception"]))

    def broken() -> None:
        raise LookupError("in a deadline")

    deadlines.add(0.0, broken)
    deadlines.add(0.0, done.set)
    await asyncio.wait_for(done.wait(), 5)
    assert [type(error) for error in caught] == [LookupError]


async def test_ten_thousand_deadlines_that_move_cost_one_timer_and_no_garbage() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    before = timers(loop) if hasattr(loop, "_scheduled") else None
    held = [deadlines.add(1000 + number, lambda: None) for number in range(10_000)]
    for turn in range(5):
        for number, deadline in enumerate(held):
            deadlines.remove(deadline)
            held[number] = deadlines.add(1000 + turn + number, lambda: None)
    assert len(deadlines) == 10_000
    assert len(deadlines._heap) <= 2 * 10_000 + 100
    if before is not None:
        assert timers(loop) <= before + 1
    for deadline in held:
        deadlines.remove(deadline)
    assert len(deadlines) == len(deadlines._heap) == 0
    if before is not None:
        assert timers(loop) == before


async def test_a_loop_has_one_as_long_as_somebody_holds_it() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines.of(loop)
    assert Deadlines.of(loop) is deadlines
    gone = weakref.ref(deadlines)
    del deadlines
    gc.collect()
    assert gone() is None
    assert len(Deadlines.of(loop)) == 0
