"""What calls come to."""

from __future__ import annotations

from openline.notifications.results import InboxCounters, Tally


def test_all_begins_at_nothing() -> None:
    counters = InboxCounters()
    assert {getattr(counters, name) for name in counters.__slots__} == {0}
    assert Tally() == Tally(0, 0, 0, 0, [])
    assert Tally().failed is not Tally().failed
