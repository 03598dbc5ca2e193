"""Who sees what."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.rooms import Entity, integer, number
from openline.rooms.interest import Interest

NOTHING: frozenset[Entity] = frozenset()


class Dot(Entity):
    x: float = number(-1000, 1000, step=1)
    y: float = number(-1000, 1000, step=1)


class Sun(Dot):
    everywhere = True


class Board(Entity):
    leader: int = integer(0, 9)


def test_one_sees_as_far_as_the_radius_and_loses_sight_a_little_later() -> None:
    interest = Interest(10.0, margin=0.5)
    dot = Dot(x=11, y=0)
    interest.place([dot])
    assert interest.seen(0, 0, NOTHING) == NOTHING
    dot.x = 10
    interest.place([dot])
    seen = interest.seen(0, 0, NOTHING)
    assert seen == {dot}
    dot.x = 14.9
    interest.place([dot])
    assert interest.seen(0, 0, seen) is seen
    assert interest.seen(0, 0, NOTHING) == NOTHING
    dot.x = 15.1
    interest.place([dot])
    assert interest.seen(0, 0, seen) == NOTHING


@given(st.integers(0, 2**32), st.floats(1, 400), st.floats(0, 1))
def test_it_is_what_a_look_at_each_would_find(seed: int, radius: float, margin: float) -> None:
    chance = random.Random(seed)
    dots = [Dot(x=chance.uniform(-500, 500), y=chance.uniform(-500, 500)) for _ in range(60)]
    before = frozenset(chance.sample(dots, 20))
    x, y = chance.uniform(-500, 500), chance.uniform(-500, 500)
    interest = Interest(radius, margin=margin)
    interest.place(dots)
    expected = {
        dot
        for dot in dots
        if (far := math.dist((dot.x, dot.y), (x, y))) <= radius
        or (far <= radius * (1 + margin) and dot in before)
    }
    assert interest.seen(x, y, before) == expected


def test_some_things_are_seen_from_everywhere() -> None:
    interest = Interest(10.0)
    board, sun, dot = Board(), Sun(x=900), Dot(x=900)
    interest.place([board, sun, dot])
    assert interest.seen(0, 0, NOTHING) == {board, sun}
    assert interest.everywhere == {board, sun}


def test_without_a_radius_all_is_seen() -> None:
    interest = Interest(None)
    dots = [Dot(x=x) for x in (-1000, 1000)]
    interest.place(dots)
    seen = interest.seen(0, 0, NOTHING)
    assert seen == set(dots)
    assert interest.seen(5, 5, seen) is seen


@pytest.mark.parametrize("radius", [None, 500.0])
def test_of_too_many_the_nearest_are_seen_and_what_is_everywhere(radius: float | None) -> None:
    interest = Interest(radius, most=4)
    board = Board()
    dots = [Dot(x=x) for x in range(10)]
    interest.place([*reversed(dots), board])
    assert interest.seen(0, 0, NOTHING) == {board, *dots[:3]}


def test_what_makes_no_sense_is_refused() -> None:
    for radius, margin, most in ((0.0, 0.1, 9), (-1.0, 0.1, 9), (1.0, -0.1, 9), (1.0, 0.1, 0)):
        with pytest.raises(ValueError, match="a radius is above 0"):
            Interest(radius, margin=margin, most=most)


@pytest.mark.parametrize("nowhere", [math.nan, math.inf, -math.inf])
def test_what_stands_nowhere_is_not_seen_and_hides_nobody(nowhere: float) -> None:
    interest = Interest(10.0)
    dots = [Dot(x=number * 7 % 60 - 30) for number in range(60)]
    near = {dot for dot in dots if abs(dot.x) <= 10}
    interest.place([one for dot in dots for one in (dot, Dot(x=nowhere), Dot(y=nowhere))])
    assert interest.seen(0, 0, NOTHING) == near
    for place in ((nowhere, 0), (0, nowhere)):
        assert interest.seen(*place, NOTHING) == NOTHING
