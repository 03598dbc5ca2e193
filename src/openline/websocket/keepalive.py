"""Does the peer live? The rules, without a clock, a timer or a connection.

A ping goes out every ``interval``, also where there is traffic: it measures the latency. Any byte from the peer after
it is a sign of life, not only its pong. Where none comes within ``timeout`` after the ping, the peer is dead; so a
peer that dies is found after at most ``interval + timeout``, whatever waits to be sent to it.

A peer that lives must never be given up because of *us*. What follows from that, row by row; the first that fits holds:

=========================================================  ==========================================================
situation                                                  what is done
=========================================================  ==========================================================
its pong, or a byte after the last ping, has come          alive: the next ping when ``interval`` is over
bytes lie unread in the kernel (we paused, or were busy)   alive: what they say is not known, but the peer said it
there is no ``timeout``                                    alive
the ping has not left yet, and the peer's TCP took bytes   alive until ``timeout`` after that: it cannot answer what
(it is in the middle of a large frame)                     it has not got
the question is asked late (we blocked the loop)           asked again a little later: perhaps we did not even write
``timeout`` is over                                        dead
none of these                                              waited for
=========================================================  ==========================================================
"""

from __future__ import annotations

import enum
from typing import NamedTuple

__all__ = ["Facts", "LastPing", "Verdict", "judge"]

# While a ping waits behind other bytes, their progress is looked at this often in a timeout: so much later, at most,
# is a peer found dead that stopped taking them.
_LOOKS = 4


class Verdict(enum.Enum):
    """What is to be done now."""

    PING = enum.auto()
    """Send a ping."""
    WAIT = enum.auto()
    """Ask again later."""
    DEAD = enum.auto()
    """Give the connection up."""


class LastPing:
    """What is remembered of the last ping; before the first one, of the beginning of the connection.

    Attributes:
        payload: What it carries; empty before the first.
        sent: When it was sent.
        leaves: It has left once `Facts.taken` is this much.
        behind: It was sent behind bytes that the peer's TCP had not taken yet.
        taken: `Facts.taken` when it was last asked for.
        moved: When that was last seen to have grown before the ping had left; `sent` before that.
        due: When the next question is to be asked.
        answered: Its pong came.
    """

    __slots__ = ("answered", "behind", "due", "leaves", "moved", "payload", "sent", "taken")

    def __init__(self, payload: bytes, sent: float, leaves: int, taken: int, *, behind: bool) -> None:
        self.payload = payload
        self.sent = self.moved = sent
        self.leaves = leaves
        self.taken = taken
        self.behind = behind
        self.due = sent
        self.answered = False


class Facts(NamedTuple):
    """What is known when the question is asked; times in seconds of one clock.

    Attributes:
        now: The time.
        heard: When the last byte came.
        unread: Bytes of the peer lie unread in the kernel.
        taken: Bytes that the peer's TCP has taken since the connection was made.
    """

    now: float
    heard: float
    unread: bool
    taken: int


def judge(ping: LastPing, facts: Facts, interval: float, timeout: float | None) -> tuple[Verdict, float]:
    """Decide by the table above; notes in ``ping`` what was seen.

    Args:
        ping: The last ping.
        facts: What is known now.
        interval: Seconds from one ping to the next.
        timeout: Seconds in which the peer must give a sign of life; None: any time.

    Returns:
        What to do, and when to ask again: at which time, for WAIT. (After PING, `after_ping` says it.)
    """
    now = facts.now
    next_ping = ping.sent + interval
    alive = ping.answered or facts.heard > ping.sent or facts.unread
    if alive or not ping.payload or timeout is None:
        return (Verdict.PING, now) if now >= next_ping else (Verdict.WAIT, next_ping)
    look = timeout / _LOOKS
    if ping.behind and ping.taken < ping.leaves and facts.taken > ping.taken:
        ping.moved = now
    ping.taken = facts.taken
    dies = ping.moved + timeout
    if now >= dies:
        return (Verdict.WAIT, now + look) if now - ping.due > look else (Verdict.DEAD, now)
    if ping.behind and ping.taken < ping.leaves:
        return Verdict.WAIT, min(now + look, dies)
    return Verdict.WAIT, dies


def after_ping(ping: LastPing, interval: float, timeout: float | None) -> float:
    """Tell when to ask for the first time after ``ping`` was sent.

    If the peer lives and nothing is in the way, that is the time of the next ping, or of the end of the timeout if that
    is earlier: an idle connection is looked at once in an interval, not twice.
    """
    if timeout is None:
        return ping.sent + interval
    wait = timeout / _LOOKS if ping.behind else timeout
    return ping.sent + min(interval, wait)
