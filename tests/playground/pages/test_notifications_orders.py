"""What visitors may have sent to themselves."""

from __future__ import annotations

from typing import Any

import pytest

from openline.hub import Refused
from openline.playground.pages.notifications_orders import Order, order_of, wanted

TOPICS = {"builds"}
GOOD = {"topic": "builds", "title": "It is green", "key": "0a-_Z"}


def test_an_order_is_read() -> None:
    assert order_of(GOOD, TOPICS) == Order("builds", "It is green", "0a-_Z")
    assert order_of({**GOOD, "text": "x" * 240, "ttl": 5, "delay": 60}, TOPICS).delay == 60


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "other"},
        {"topic": None},
        {"title": ""},
        {"title": "x" * 81},
        {"text": "x" * 241},
        {"key": ""},
        {"key": "a b"},
        {"key": "a\n"},
        {"key": "x" * 41},
        {"ttl": 4},
        {"ttl": 86401},
        {"ttl": "10"},
        {"delay": -1},
        {"delay": 61},
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="107"):
        order_of({**GOOD, **change}, TOPICS)


@pytest.mark.parametrize("data", [None, [], "x", 7, b"\x00", {}])
def test_what_is_none_is_refused(data: object) -> None:
    with pytest.raises(Refused, match="107"):
        order_of(data, TOPICS)
    with pytest.raises(Refused, match="107"):
        wanted(data)


def test_a_switch_is_on_or_off() -> None:
    assert wanted({"on": True})
    assert not wanted({"on": False})
