"""How fast a connection is read."""

from __future__ import annotations

import pytest

from openline.documents.rate import Pace


def test_two_seconds_worth_may_come_at_once() -> None:
    pace = Pace(10.0, None, 0, 100.0)
    assert [pace.spend(9, 1, 100.0) for _ in range(20)] == pytest.approx([0.0] * 20)
    assert pace.spend(9, 0, 100.0) == 0.0, "what is no update"
    assert pace.spend(9, 1, 100.0) == pytest.approx(0.1)
    assert pace.spend(9, 1, 100.2) == pytest.approx(0.0)


def test_bytes_count_too_and_the_largest_may_come_at_once() -> None:
    pace = Pace(None, 100.0, 1000, 0.0)
    assert pace.spend(1000, 1, 0.0) == pytest.approx(0.0)
    assert pace.spend(100, 1, 0.0) == pytest.approx(1.0)
    assert pace.spend(100, 1, 12.0) == 0.0


def test_without_a_rate_there_is_no_bound() -> None:
    pace = Pace(None, None, 0, 0.0)
    assert max(pace.spend(10**9, 9, 0.0) for _ in range(1000)) == 0.0
