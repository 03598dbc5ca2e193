"""How a ship flies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.playground.pages.game_pieces import (
    BURN,
    EDGE,
    FULL,
    HEIGHT,
    REACH,
    SPEED,
    STEP,
    WIDTH,
    Ship,
    Spark,
    anywhere,
)

STEERED = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.booleans()), max_size=80)


def test_it_takes_up_speed_and_keeps_it() -> None:
    ship = Ship(x=1000, y=800)
    for _ in range(40):
        ship.fly(heading=64, thrust=255, dash=False)
    assert ship.heading == math.pi / 2
    assert ship.vy == pytest.approx(SPEED, rel=1e-3)
    before = ship.y
    ship.fly(heading=64, thrust=255, dash=False)
    assert ship.y - before == pytest.approx(SPEED * STEP, rel=1e-3)
    assert ship.x == pytest.approx(1000)


def test_a_dash_is_short_fast_and_has_to_be_waited_for() -> None:
    ship = Ship(x=1000, y=800)
    dashing = 0
    for _ in range(FULL):
        ship.fly(heading=0, thrust=0, dash=True)
        dashing += ship.dashing
    assert dashing == BURN
    assert ship.charge == FULL - 1
    assert ship.x > 1100
    ship.fly(heading=0, thrust=0, dash=False)
    ship.fly(heading=0, thrust=0, dash=True)
    assert ship.dashing
    assert ship.safe


@given(STEERED)
def test_it_never_leaves_the_arena(steered: list[tuple[int, int, bool]]) -> None:
    ship = Ship(x=EDGE, y=HEIGHT - EDGE)
    for heading, thrust, dash in steered:
        ship.fly(heading, thrust, dash)
        assert EDGE <= ship.x <= WIDTH - EDGE
        assert EDGE <= ship.y <= HEIGHT - EDGE
        assert max(abs(ship.vx), abs(ship.vy)) <= 650


def test_who_meets_whom_and_who_is_safe() -> None:
    ship = Ship(x=100, y=100)
    assert ship.meets(Spark(x=100 + REACH - 1, y=100))
    assert not ship.meets(Ship(x=100 + REACH, y=100))
    assert not ship.safe
    assert Ship(shield=1).safe
    assert Ship(away=True).safe
    place = anywhere()
    assert 0 < place["x"] < WIDTH
    assert 0 < place["y"] < HEIGHT
