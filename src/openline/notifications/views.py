"""How notifications and changes are told to clients: objects that become JSON."""

from __future__ import annotations

from typing import Any

import msgspec

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

__all__ = ["event_of", "item_of"]


def item_of(entry: Entry) -> dict[str, Any]:
    """Return a notification as clients see it; times are in milliseconds since 1970."""
    item: dict[str, Any] = {
        "id": entry.id,
        "number": entry.number,
        "time": entry.time,
        "topic": entry.topic,
        "read": entry.read,
        "data": msgspec.Raw(entry.data),
    }
    if entry.expires:
        item["expires"] = entry.expires
    return item


def event_of(record: Record, change: Change) -> dict[str, Any] | None:
    """Return what clients are told of a change; None: nothing."""
    if change.verdict != "done":
        return None
    match record:
        case Sent():
            return {"event": "new", "item": item_of(change.entries[0])}
        case Marked():
            return {"event": "read", "read": record.read, "ids": [entry.id for entry in change.entries]}
        case MarkedAll():
            return {"event": "read_all", "through": record.through}
        case Removed():
            return {"event": "removed", "ids": [entry.id for entry in change.entries]}
        case Preferred():
            return {"event": "preference", "topic": record.topic, "mode": record.mode}
        case Followed():
            return {"event": "topic", "topic": record.topic, "following": record.on}
        case Cleared():
            return {"event": "cleared"}
        case Acknowledged():
            return None
        case _:
            raise AssertionError(record)
