"""The soak itself, short: that it runs, and that it would see what is left behind."""

from __future__ import annotations

import sys

import pytest

from .footprint import Left, check
from .lines import BOUND, soak_lines
from .pages import soak_pages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is measured by /proc")


async def test_nothing_is_lost_and_nothing_left(capfd: pytest.CaptureFixture[str]) -> None:
    await soak_lines(0, 1.0)
    assert "3 rounds: nothing lost, nothing left" in capfd.readouterr().out


@pytest.mark.timeout(300)
async def test_a_minute_of_visitors_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    await soak_pages(0, 17.0)
    assert "3 rounds: nothing lost, nothing left" in capfd.readouterr().out


@pytest.mark.parametrize("grown", [{"descriptors": 1}, {"memory": BOUND + 1}, {"tasks": 1}])
def test_what_has_grown_is_seen(grown: dict[str, int]) -> None:
    first = {"memory": 10**7, "descriptors": 9, "tasks": 1}
    now = {what: count + grown.get(what, 0) for what, count in first.items()}
    check("server", first, first, BOUND)
    with pytest.raises(Left, match=next(iter(grown))):
        check("server", now, first, BOUND)
