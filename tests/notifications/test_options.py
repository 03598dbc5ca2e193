"""The bounds of an inbox."""

from __future__ import annotations

from typing import Any

import pytest

from openline.notifications.options import InboxOptions


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"max_size": 0}, "max_size"),
        ({"max_topics": -1}, "max_topics"),
        ({"ttl": 0}, "ttl"),
        ({"client_rate": 0.0}, "client_rate"),
        ({"history": 0}, "history"),
        ({"default": "loud"}, "push, inbox, off"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        InboxOptions(**options)
