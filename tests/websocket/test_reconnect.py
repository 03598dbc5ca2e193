"""When to try again, and after how long."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from openline import InvalidHandshake, InvalidStatus, backoff, process_exception
from openline.exceptions import InvalidMessage
from openline.protocol.headers import Headers
from openline.protocol.http11 import Response


def test_section_7_2_3_delays_are_random_and_grow() -> None:
    random.seed(0)
    runs = [list(islice(backoff(initial_delay=5, max_delay=60, factor=2), 8)) for _ in range(500)]
    for attempt, ceiling in enumerate([5, 10, 20, 40, 60, 60, 60, 60]):
        delays = [run[attempt] for run in runs]
        assert 0 <= min(delays) < ceiling * 0.05
        assert ceiling * 0.95 < max(delays) <= ceiling


def test_first_delay_is_bounded_too() -> None:
    assert all(next(backoff(initial_delay=100, max_delay=1)) <= 1 for _ in range(50))


def status(code: int) -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers()))


def lost_in_the_handshake() -> InvalidMessage:
    error = InvalidMessage("did not receive a valid HTTP response")
    error.__cause__ = EOFError()
    return error


@pytest.mark.parametrize(
    "exc",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        OSError("no route"),
        lost_in_the_handshake(),
        status(500),
        status(502),
        status(503),
        status(504),
    ],
)
def test_may_pass(exc: Exception) -> None:
    assert process_exception(exc) is None


@pytest.mark.parametrize(
    "exc",
    [status(401), status(404), status(501), InvalidMessage("not HTTP"), InvalidHandshake(), ValueError()],
)
def test_will_not_pass(exc: Exception) -> None:
    assert process_exception(exc) is exc
