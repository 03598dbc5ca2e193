"""How often the password may be tried."""

from __future__ import annotations

from openline.hub.admin.attempts import MOST_ADDRESSES, OVER_ALL, PER_ADDRESS, WINDOW, Attempts


def test_an_address_waits_when_it_has_failed_too_often() -> None:
    attempts = Attempts()
    for _ in range(PER_ADDRESS):
        assert attempts.wait("a", 100.0) == 0
        attempts.fail("a", 100.0)
    assert attempts.wait("a", 110.0) == WINDOW - 10
    assert attempts.wait("b", 110.0) == 0


def test_after_the_window_it_begins_anew() -> None:
    attempts = Attempts()
    for _ in range(PER_ADDRESS):
        attempts.fail("a", 100.0)
    assert attempts.wait("a", 100.0 + WINDOW) == 0
    attempts.fail("a", 100.0 + WINDOW)
    assert attempts.wait("a", 100.0 + WINDOW) == 0


def test_who_knew_it_is_forgiven() -> None:
    attempts = Attempts()
    for _ in range(PER_ADDRESS):
        attempts.fail("a", 100.0)
    attempts.succeed("a")
    assert attempts.wait("a", 100.0) == 0


def test_many_addresses_together_wait_too() -> None:
    attempts = Attempts()
    for number in range(OVER_ALL):
        attempts.fail(str(number), 100.0)
    assert attempts.wait("new", 101.0) == WINDOW - 1


def test_what_is_remembered_has_a_bound() -> None:
    attempts = Attempts()
    for number in range(MOST_ADDRESSES + 10):
        attempts.fail(str(number), number * WINDOW)
    assert len(attempts._failures) == MOST_ADDRESSES
