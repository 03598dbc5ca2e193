"""The options of a connection, from the arguments of `serve` and `connect`."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from openline.websocket.options import Options

LOGGER = logging.getLogger("openline.test")


def options(**arguments: Any) -> Options:
    return Options.of(logger=LOGGER, **arguments)


def test_the_defaults_are_those_of_websockets() -> None:
    defaults = options()
    assert (defaults.ping_interval, defaults.ping_timeout, defaults.close_timeout) == (20, 20, 10)
    assert (defaults.max_message_size, defaults.max_fragment_size) == (2**20, None)
    assert (defaults.max_queue_high, defaults.max_queue_low) == (16, 4)
    assert (defaults.write_high, defaults.write_low) == (2**15, 2**13)
    assert defaults.max_unsent == 2**24
    assert defaults == defaults
    assert options().context is not defaults.context


@pytest.mark.parametrize(
    ("max_size", "expected"),
    [(None, (None, None)), (0, (0, None)), (5, (5, None)), ((5, 3), (5, 3)), ((None, 3), (None, 3))],
)
def test_max_size_is_of_a_message_or_of_a_message_and_a_fragment(
    max_size: Any, expected: tuple[Any, Any]
) -> None:
    made = options(max_size=max_size)
    assert (made.max_message_size, made.max_fragment_size) == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (None, (None, None)),
        (0, (0, 0)),
        (1, (1, 0)),
        (16, (16, 4)),
        ((8, 8), (8, 8)),
        ((8, None), (8, 2)),
        ((None, 3), (12, 3)),
    ],
)
def test_a_missing_mark_follows_from_the_other(marks: Any, expected: tuple[Any, Any]) -> None:
    made = options(max_queue=marks)
    assert (made.max_queue_high, made.max_queue_low) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_queue": -1},
        {"max_queue": (4, 5)},
        {"max_queue": (4, -1)},
        {"write_limit": (1, 2)},
        {"write_limit": None},
        {"ping_interval": 0},
        {"ping_interval": -1},
        {"ping_timeout": 0},
        {"close_timeout": -1},
        {"max_size": -1},
        {"max_size": (1, -1)},
        {"max_unsent": -1},
        {"busy_poll": -1},
        {"busy_poll": 1001},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        options(**wrong)


@pytest.mark.parametrize("name", ["ping_interval", "ping_timeout", "close_timeout", "max_unsent"])
def test_none_is_no_bound(name: str) -> None:
    assert getattr(options(**{name: None}), name) is None


def test_close_timeout_0_is_at_once() -> None:
    assert options(close_timeout=0).close_timeout == 0
