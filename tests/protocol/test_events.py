"""What is reported of what was received."""

from __future__ import annotations

import pytest

from openline.protocol import connection, events
from openline.protocol.close_codes import Close


def test_events_are_equal_by_what_they_hold() -> None:
    assert events.Message("a") == events.Message("a") != events.Message("b")
    assert events.Fragment("a", True, False) != events.Fragment("a", True, True)
    assert events.Ping(b"a") != events.Pong(b"a")


def test_events_have_no_room_for_more() -> None:
    for event in (events.Message(b""), events.Ping(b""), events.Closed(Close(1000))):
        with pytest.raises(AttributeError):
            event.extra = 1  # type: ignore[union-attr]


def test_events_are_found_beside_the_protocol() -> None:
    assert all(getattr(connection, name) is getattr(events, name) for name in events.__all__)
