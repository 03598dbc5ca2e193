"""Which ticks are due, and how late they were."""

from __future__ import annotations

import pytest

from openline.rooms import Lateness
from openline.rooms.metronome import REMEMBERED, Metronome
from openline.testing import FakeClock


def test_a_tick_is_due_after_each_period() -> None:
    metronome = Metronome(10, 100.0)
    assert metronome.next == pytest.approx(100.1)
    assert metronome.beat(100.05) == 0
    assert metronome.beat(100.1) == 1
    assert metronome.beat(100.15) == 0
    assert metronome.next == pytest.approx(100.2)


def test_the_error_of_a_tick_does_not_add_to_the_next() -> None:
    metronome, clock = Metronome(30, 0.0), FakeClock(0.0)
    ticks = 0
    while clock() < 100.0:
        clock.advance(max(metronome.next - clock(), 0.0) + 0.004)  # each timer is 4 ms late
        ticks += metronome.beat(clock())
    assert ticks == pytest.approx(100 * 30, abs=1)
    assert metronome.left_out == 0


def test_what_is_late_is_caught_up_and_what_is_too_late_left_out() -> None:
    metronome = Metronome(10, 0.0, catch_up=3)
    assert metronome.beat(0.35) == 3
    assert metronome.beat(0.4) == 1
    # Two seconds in which nothing ran: three ticks now, and then again one after the other.
    assert metronome.beat(2.45) == 3
    assert metronome.left_out == 17
    assert metronome.beat(2.46) == 0
    assert metronome.beat(2.5) == 1


def test_a_tick_that_takes_longer_than_its_period_does_not_spiral() -> None:
    clock = FakeClock(0.0)
    metronome = Metronome(10, 0.0, catch_up=4)
    ran = 0
    for _ in range(100):
        clock.advance(max(metronome.next - clock(), 0.0))
        due = metronome.beat(clock())
        assert due <= 4
        ran += due
        clock.advance(0.3 * due)  # three periods each
    assert clock() < 0.3 * ran + 1
    assert metronome.left_out > 0


def test_lateness_is_measured() -> None:
    metronome, now = Metronome(10, 0.0), 0.0
    assert metronome.lateness == Lateness(0.0, 0.0, 0.0, 0)
    for number in range(1, 101):
        now = number / 10 + (0.05 if number == 50 else 0.001)
        assert metronome.beat(now) == 1
    late = metronome.lateness
    assert late.p50 == pytest.approx(0.001)
    assert late.p99 == pytest.approx(0.001)
    assert late.most == pytest.approx(0.05)
    for number in range(101, 101 + REMEMBERED):
        metronome.beat(number / 10)
    assert metronome.lateness.most == pytest.approx(0.0)
    metronome.beat(200.0)
    assert metronome.lateness.most > 1
    metronome.forget()
    assert metronome.lateness.most == 0.0


def test_there_is_a_rate() -> None:
    for rate, catch_up in ((0, 4), (30, 0)):
        with pytest.raises(ValueError, match="a room ticks"):
            Metronome(rate, 0.0, catch_up=catch_up)
