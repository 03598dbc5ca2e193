"""Settings: what visitors wish is kept in bounds."""

from __future__ import annotations

import math

import pytest

from openline.playground.comparison.settings import BOUNDS, Settings


def test_what_is_wished_is_taken() -> None:
    assert Settings().changed({"rate": 2, "clients": 7.0}) == Settings(rate=2.0, clients=7)


@pytest.mark.parametrize("name", list(BOUNDS))
def test_nothing_leaves_its_bounds(name: str) -> None:
    lowest, highest = BOUNDS[name]
    assert getattr(Settings().changed({name: -1e300}), name) == lowest
    assert getattr(Settings().changed({name: math.inf}), name) == highest


@pytest.mark.parametrize("wish", [None, "9", True, math.nan, [], {}, 10**400])
def test_what_is_no_number_is_passed_over(wish: object) -> None:
    changed = Settings().changed({"rate": wish, "colour": 3})
    assert changed.rate in (Settings().rate, BOUNDS["rate"][1])


def test_the_defaults_are_in_bounds() -> None:
    assert Settings().changed({name: getattr(Settings(), name) for name in BOUNDS}) == Settings()
