"""Stream: numbers, sizes, who asks late, who waits."""

from __future__ import annotations

import asyncio
import json

import pytest

from openline.playground.comparison.settings import Settings
from openline.playground.comparison.stream import KEPT, Stream, message_of


def filled(count: int) -> Stream:
    stream = Stream()
    for _ in range(count):
        stream.put()
    return stream


def numbers(messages: list[tuple[int, str]]) -> list[int]:
    return [number for number, _ in messages]


@pytest.mark.parametrize("size", [64, 200, 4096])
@pytest.mark.parametrize("number", [1, 10**6])
def test_a_message_has_exactly_its_size(size: int, number: int) -> None:
    text = message_of(number, 1764106831123.4567, size)
    assert len(text.encode()) == size
    assert json.loads(text)["n"] == number
    assert json.loads(text)["at"] == 1764106831123.457


def test_whoever_asks_gets_what_came_after() -> None:
    stream = filled(5)
    assert numbers(stream.after(2)) == [3, 4, 5]
    assert numbers(stream.after(4)) == [5]
    assert numbers(stream.after(5)) == []
    assert numbers(stream.after(99)) == []


def test_whoever_has_none_gets_the_newest_alone() -> None:
    assert numbers(filled(5).after(0)) == [5]
    assert filled(0).after(0) == []


def test_no_more_than_a_bound_is_kept() -> None:
    kept = numbers(filled(KEPT + 10).after(1))
    assert len(kept) == KEPT
    assert kept[-1] == KEPT + 10


async def test_waiting_ends_with_the_next_message() -> None:
    stream = filled(3)
    waiting = [asyncio.create_task(stream.wait(3, 20.0)) for _ in range(3)]
    await asyncio.sleep(0)
    stream.put()
    assert [numbers(found) for found in await asyncio.gather(*waiting)] == [[4], [4], [4]]


async def test_one_who_gives_up_takes_nobody_with_him() -> None:
    stream = filled(1)
    leaving, staying = (asyncio.create_task(stream.wait(1, 20.0)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    stream.put()
    assert numbers(await staying) == [2]


async def test_waiting_has_an_end_without_a_message() -> None:
    assert await filled(1).wait(1, 0.0) == []
    assert await filled(0).wait(0, 0.0) == []


async def test_a_follower_gets_all_in_order() -> None:
    stream = filled(2)
    followed: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        async for number, _ in stream.follow(0):
            followed.append(number)
            if number == 5:
                done.set()

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    for _ in range(3):
        stream.put()
    await done.wait()
    task.cancel()
    await asyncio.wait([task])
    assert followed == [2, 3, 4, 5]


async def test_the_clock_makes_messages_and_takes_new_settings() -> None:
    stream = Stream(Settings(rate=0.1, size=64))
    came: list[str] = []
    enough = asyncio.Event()

    def listen(message: str) -> None:
        came.append(message)
        if len(came) == 3:
            enough.set()

    stream.listen(listen)
    stream.start()
    stream.change(Settings(rate=50.0, size=100))  # the first is due in 20 ms, and not in 10 s
    await enough.wait()
    stream.stop()
    stream.stop()
    assert [len(message) for message in came] == [100, 100, 100]
    assert [json.loads(message)["n"] for message in came] == [1, 2, 3]


async def test_streams_of_one_period_are_kept_apart_by_their_phases() -> None:
    """Also when they were started at any time: it is the system's clock that says when."""
    made: list[str] = []
    done = asyncio.Event()

    def note(name: str) -> None:
        made.append(name)
        if len(made) == 8:
            done.set()

    streams = {name: Stream(Settings(rate=10.0), phase) for name, phase in (("first", 0.0), ("second", 0.5))}
    for name, stream in streams.items():
        stream.listen(lambda _, name=name: note(name))
        stream.start()
    await done.wait()
    dues = {name: stream._due for name, stream in streams.items()}
    for stream in streams.values():
        stream.stop()
    apart = (dues["second"] - dues["first"]) * 10 % 1
    assert round(apart, 6) == 0.5
