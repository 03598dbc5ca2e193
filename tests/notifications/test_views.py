"""What clients are told."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from openline.notifications.mailbox import Change
from openline.notifications.records import (
    Acknowledged,
    Cleared,
    Entry,
    Followed,
    Marked,
    MarkedAll,
    Preferred,
    Record,
    Removed,
    Sent,
)
from openline.notifications.views import event_of, item_of

ENTRY = Entry(3, "a", 10, 20, "news", b'{"n":1}')
ITEM = {"id": "a", "number": 3, "time": 10, "expires": 20, "topic": "news", "read": False, "data": {"n": 1}}


def as_json(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


def test_a_notification_is_shown_with_its_times() -> None:
    assert as_json(item_of(ENTRY)) == ITEM
    assert "expires" not in item_of(Entry(3, "a", 10, 0, "", b"1"))


@pytest.mark.parametrize(
    ("record", "event"),
    [
        (Sent("a", 10, 20, "news", b'{"n":1}'), {"event": "new", "item": ITEM}),
        (Marked([3], True), {"event": "read", "read": True, "ids": ["a"]}),
        (MarkedAll(3), {"event": "read_all", "through": 3}),
        (Removed([3]), {"event": "removed", "ids": ["a"]}),
        (Preferred("news", "off"), {"event": "preference", "topic": "news", "mode": "off"}),
        (Followed("news", True), {"event": "topic", "topic": "news", "following": True}),
        (Cleared(), {"event": "cleared"}),
        (Acknowledged(3), None),
    ],
)
def test_a_change_is_told_and_what_changes_nothing_is_not(record: Record, event: object) -> None:
    assert as_json(event_of(record, Change("done", (ENTRY,)))) == event
    assert event_of(record, Change("unchanged")) is None
