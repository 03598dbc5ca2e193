"""Values as they are sent: in steps, within their range."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.rooms import angle, flag, integer, number, text


@given(st.floats(-1e6, 1e6))
def test_a_number_comes_back_within_half_a_step_of_the_nearest_in_its_range(value: float) -> None:
    field = number(-100, 900, step=0.25)
    nearest = min(max(value, -100.0), 900.0)
    sent = field.quantise(value)
    assert 0 <= sent <= field.most
    assert abs(field.restore(sent) - nearest) <= 0.125 + 1e-9


def test_the_range_says_how_many_bytes_a_number_takes() -> None:
    assert [integer(0, most).code for most in (1, 255, 256, 65_535, 65_536, 2**32 - 1)] == list("BBHHII")
    assert number(0, 1, step=1 / 255).code == "B"
    with pytest.raises(ValueError, match=r"more than 2\*\*32"):
        integer(0, 2**32)


def test_an_end_that_no_step_meets_is_still_in_the_range() -> None:
    field = number(0, 1, step=0.3)
    assert field.quantise(1) == 3
    assert field.quantise(5) == field.most == 4


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [(0, 0, 1), (1, 0, 1), (0, 1, 0), (0, 1, -1), (0, 1, 2), (0, math.inf, 1), (math.nan, 1, 0.1)],
)
def test_what_is_no_range_is_refused(low: float, high: float, step: float) -> None:
    with pytest.raises(ValueError, match="is no range"):
        number(low, high, step=step)


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", None])
def test_what_is_no_number_raises(value: object) -> None:
    with pytest.raises((ValueError, OverflowError, TypeError)):
        number(0, 1, step=0.1).quantise(value)


@given(st.floats(-100, 100), st.sampled_from([2, 256, 1000, 65_536]))
def test_an_angle_comes_back_within_half_a_step(value: float, steps: int) -> None:
    field = angle(steps=steps)
    restored = field.restore(field.quantise(value))
    assert 0 <= restored < math.tau
    apart = (restored - value) % math.tau
    assert min(apart, math.tau - apart) <= math.pi / steps + 1e-9


def test_a_circle_has_some_steps() -> None:
    for steps in (1, 65_537):
        with pytest.raises(ValueError, match="a circle has"):
            angle(steps=steps)


@given(st.text())
def test_a_text_is_cut_between_characters(value: str) -> None:
    field = text(most=9)
    sent = field.quantise(value)
    assert len(sent) <= 9
    whole = value.encode("utf-8", "replace").decode()
    assert whole.startswith(field.restore(sent))
    assert len(whole.encode()) > 9 or field.restore(sent) == whole


def test_a_text_has_a_bound() -> None:
    for most in (0, 256):
        with pytest.raises(ValueError, match="a text has"):
            text(most=most)


def test_defaults_are_in_the_range() -> None:
    assert number(5, 10, step=1).default == 5
    assert number(-10, -5, step=1).default == -5
    assert integer(-3, 3).default == 0
    assert integer(0, 9, default=4).default == 4
    assert flag(default=True).quantise(True) == 1
    assert text(default="x").default == "x"
    assert angle(default=1.0).default == 1.0
