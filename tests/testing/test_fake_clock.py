"""Time that is moved by hand."""

from __future__ import annotations

import pytest

from openline.testing import FakeClock


def test_it_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(5.0)
    assert clock() == clock() == 5.0
    clock.advance(1.5)
    assert clock() == 6.5
    clock.advance(0)
    assert clock() == 6.5


def test_it_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        FakeClock().advance(-1)
