"""The token bucket."""

from __future__ import annotations

from openline.hub.rate import Allowance


def test_two_seconds_worth_at_once_and_then_the_rate() -> None:
    allowance = Allowance(5.0, 100.0)
    assert [allowance.take(100.0) for _ in range(11)] == [True] * 10 + [False]
    assert not allowance.take(100.1)
    assert allowance.take(100.3)
    assert [allowance.take(200.0) for _ in range(11)] == [True] * 10 + [False]


def test_less_than_one_a_second_allows_one() -> None:
    allowance = Allowance(0.1, 0.0)
    assert [allowance.take(0.0), allowance.take(5.0), allowance.take(11.0)] == [True, False, True]
