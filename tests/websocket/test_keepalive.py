"""The rules of `openline.websocket.keepalive`, by a clock that the test sets."""

from __future__ import annotations

import pytest

from openline.websocket.keepalive import Facts, LastPing, Verdict, after_ping, judge

INTERVAL, TIMEOUT = 20.0, 8.0
PING_AT = 100.0


def sent(*, behind: bool = False, leaves: int = 10, taken: int = 0) -> LastPing:
    """A ping that was sent at `PING_AT`, and is asked about on time."""
    ping = LastPing(b"ping", PING_AT, leaves, taken, behind=behind)
    ping.due = after_ping(ping, INTERVAL, TIMEOUT)
    return ping


def ask(
    ping: LastPing,
    now: float,
    *,
    heard: float = 0.0,
    unread: bool = False,
    taken: int = 0,
    timeout: float | None = TIMEOUT,
) -> tuple[Verdict, float]:
    """Ask, and note when to ask again as the connection does."""
    verdict, due = judge(ping, Facts(now, heard, unread, taken), INTERVAL, timeout)
    ping.due = due
    return verdict, due


def test_the_first_ping_goes_when_the_interval_is_over() -> None:
    opened = LastPing(b"", PING_AT, 0, 0, behind=False)
    assert ask(opened, PING_AT + 19) == (Verdict.WAIT, PING_AT + INTERVAL)
    assert ask(opened, PING_AT + INTERVAL) == (Verdict.PING, PING_AT + INTERVAL)


def test_silence_from_the_beginning_leads_to_a_ping_and_not_to_the_end() -> None:
    opened = LastPing(b"", PING_AT, 0, 0, behind=False)
    assert ask(opened, PING_AT + 1000, heard=0.0)[0] is Verdict.PING


@pytest.mark.parametrize(
    ("heard", "unread"),
    [(PING_AT + 0.1, False), (0.0, True)],
    ids=["any byte after the ping", "bytes unread in the kernel"],
)
def test_a_sign_of_life_is_enough_until_the_next_ping(heard: float, unread: bool) -> None:
    ping = sent()
    assert ask(ping, PING_AT + TIMEOUT, heard=heard, unread=unread) == (Verdict.WAIT, PING_AT + INTERVAL)
    assert ask(ping, PING_AT + INTERVAL, heard=heard, unread=unread)[0] is Verdict.PING


def test_a_ping_goes_every_interval_also_with_traffic() -> None:
    ping = sent()
    assert ask(ping, PING_AT + INTERVAL, heard=PING_AT + INTERVAL)[0] is Verdict.PING


def test_the_pong_is_a_sign_of_life_even_if_the_clock_stood_still() -> None:
    ping = sent()
    ping.answered = True
    assert ask(ping, PING_AT + TIMEOUT, heard=PING_AT) == (Verdict.WAIT, PING_AT + INTERVAL)


def test_a_byte_from_before_the_ping_proves_nothing() -> None:
    assert ask(sent(), PING_AT + TIMEOUT, heard=PING_AT)[0] is Verdict.DEAD


def test_a_silent_peer_is_dead_after_exactly_the_timeout() -> None:
    ping = sent()
    assert ping.due == PING_AT + TIMEOUT
    assert ask(ping, PING_AT + TIMEOUT - 0.001) == (Verdict.WAIT, PING_AT + TIMEOUT)
    assert ask(ping, PING_AT + TIMEOUT)[0] is Verdict.DEAD


def test_without_a_timeout_nobody_is_dead() -> None:
    ping = LastPing(b"ping", PING_AT, 10, 0, behind=True)
    assert after_ping(ping, INTERVAL, None) == PING_AT + INTERVAL
    assert ask(ping, PING_AT + INTERVAL, timeout=None)[0] is Verdict.PING


def test_a_timeout_longer_than_the_interval_lets_pings_go_on() -> None:
    ping = LastPing(b"ping", PING_AT, 10, 0, behind=False)
    assert after_ping(ping, INTERVAL, 60.0) == PING_AT + INTERVAL
    ping.due = PING_AT + INTERVAL
    assert ask(ping, PING_AT + INTERVAL, heard=PING_AT + 1, timeout=60.0)[0] is Verdict.PING
    assert ask(sent(), PING_AT + INTERVAL, timeout=60.0) == (Verdict.WAIT, PING_AT + 60)


def test_an_idle_connection_is_looked_at_once_in_an_interval() -> None:
    ping = LastPing(b"ping", PING_AT, 10, 0, behind=False)
    assert after_ping(ping, INTERVAL, INTERVAL) == PING_AT + INTERVAL


def test_a_peer_in_the_middle_of_a_large_frame_lives_while_its_tcp_takes_bytes() -> None:
    ping = sent(behind=True, leaves=1000)
    now, taken = ping.due, 0
    while taken < 900:
        taken += 100
        verdict, due = ask(ping, now, taken=taken)
        assert verdict is Verdict.WAIT
        assert due <= now + TIMEOUT
        now = due
    assert now > PING_AT + 2 * TIMEOUT
    # It stops taking them: dead a timeout after the last that it took.
    last = ping.moved
    while (verdict := ask(ping, now, taken=taken)[0]) is Verdict.WAIT:
        now = ping.due
    assert verdict is Verdict.DEAD
    assert last + TIMEOUT <= now <= last + TIMEOUT * 1.25


def test_once_the_ping_has_left_bytes_behind_it_prove_nothing() -> None:
    ping = sent(behind=True, leaves=1000)
    ask(ping, PING_AT + 2, taken=1000)
    assert ping.moved == PING_AT + 2
    ask(ping, PING_AT + 4, taken=5000)
    assert ping.moved == PING_AT + 2
    assert ask(ping, PING_AT + 2 + TIMEOUT, taken=9000)[0] is Verdict.DEAD


def test_a_ping_that_nothing_was_in_the_way_of_has_left_when_it_was_sent() -> None:
    ping = sent(behind=False, leaves=10)
    assert ask(ping, PING_AT + TIMEOUT, taken=10)[0] is Verdict.DEAD


def test_a_full_send_queue_that_does_not_move_makes_no_difference() -> None:
    ping = sent(behind=True, leaves=16_000_000, taken=500)
    while (verdict := ask(ping, ping.due, taken=500)[0]) is Verdict.WAIT:
        assert ping.due <= PING_AT + TIMEOUT
    assert verdict is Verdict.DEAD
    assert ping.due == PING_AT + TIMEOUT


def test_a_question_asked_late_is_asked_again() -> None:
    """We blocked the loop for a minute: what the peer sent meanwhile may lie in a buffer that nobody can look into."""
    ping = sent()
    late = PING_AT + TIMEOUT + 60
    verdict, due = ask(ping, late)
    assert verdict is Verdict.WAIT
    assert late < due <= late + TIMEOUT
    assert ask(ping, due)[0] is Verdict.DEAD
    other = sent()
    ask(other, late)
    assert ask(other, other.due, heard=late + 0.1)[0] is Verdict.PING
