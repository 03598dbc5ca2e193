"""Who may not speak in a room for a while, and who may decide that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import ceil

import msgspec

from openline.hub import ClientInfo

__all__ = ["MAX_MUTES", "Mutes", "Presence", "first_of"]

MAX_MUTES = 1_000
"""People that are muted at a time, over all rooms; the one that was muted first is let go for one more."""


class Presence(msgspec.Struct):
    """What a subscription says of its client in a room.

    Attributes:
        since: When it came, in seconds since 1970, as exactly as the clock has it: many come in the same millisecond.
    """

    since: float = msgspec.field(default_factory=time.time)


_decode = msgspec.json.Decoder(Presence).decode


class Mutes:
    """Who is muted where, in memory: a mute lasts minutes, and need not outlive the process.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def mute(self, room: str, user: str, seconds: float) -> int:
        """Mute somebody from now on; 0: let him speak again.

        Returns:
            Until when, in milliseconds since 1970.
        """
        now = self._clock()
        self._until.pop((room, user), None)
        if seconds > 0:
            if len(self._until) >= MAX_MUTES:
                self._until = {who: until for who, until in self._until.items() if until > now}
            if len(self._until) >= MAX_MUTES:
                del self._until[next(iter(self._until))]
            self._until[room, user] = now + seconds
        return int((now + seconds) * 1000)

    def left(self, room: str, user: str) -> int:
        """Return for how many seconds somebody is still muted; 0: he may speak."""
        until = self._until.get((room, user))
        if until is None:
            return 0
        left = ceil(until - self._clock())
        if left <= 0:
            del self._until[room, user]
            return 0
        return left


def first_of(present: Mapping[str, ClientInfo]) -> str | None:
    """Return the user who has been present for longest; None: nobody is.

    Everybody can reckon that by himself, pages and nodes alike: each client's subscription says since when it is there.

    Args:
        present: As `Hub.presence` returns it, with a `Presence` as information of the channel.
    """
    first = min(present.values(), key=lambda one: (_since(one), one.client), default=None)
    return None if first is None else first.user


def _since(one: ClientInfo) -> float:
    return float("inf") if one.chan_info is None else _decode(one.chan_info).since
