"""What a hub does by time: one timer for all sessions.

Nothing is kept per idle session but its place in a slot: the slots go round once in ``ping_interval``, and who
stands in the slot whose turn it is gets a ping. When the answer is due, the same slot is looked at again.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING

from openline.hub.codes import DisconnectCode
from openline.hub.group import send_pings

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.subscription import Subscription

__all__ = ["Clock"]

SLOTS = 25
"""Into which the sessions are spread."""

_HEARTBEAT = 3.0
"""Seconds between two signs of life of this node."""


class Clock:
    """Pings, deadlines, expiry, and the broker's regular work.

    Args:
        hub: Whose.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._slots: list[dict[Session, None]] = [{} for _ in range(SLOTS)]
        self._tick = 0
        self._length = hub.options.ping_interval / SLOTS
        # At least one whole slot, or the answer to a ping would be due with the ping.
        self._patience = min(max(math.ceil(hub.options.pong_timeout / self._length), 1), SLOTS - 1)
        self._strangers: deque[tuple[float, Session]] = deque()
        self._expiring: list[tuple[float, int, Session | Subscription]] = []
        self._count = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._renewed = 0.0
        self._checked = 0.0
        self._heard = 0.0
        self._renewing = False
        self._checking = False

    def start(self) -> None:
        """Begin to tick."""
        now = time.monotonic()
        self._renewed = self._checked = self._heard = now
        self._handle = self._hub.loop.call_later(self._length, self._on_tick)

    def stop(self) -> None:
        """End that."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def expect(self, session: Session) -> None:
        """A session has come: it has ``connect_timeout`` to say who it is."""
        self._strangers.append((time.monotonic() + self._hub.options.connect_timeout, session))

    def add(self, session: Session) -> None:
        """A session was let in: ping it, for the first time after a random half to whole ``ping_interval``."""
        ahead = SLOTS // 2 + secrets.randbelow(SLOTS // 2 + 1)
        slot = (self._tick + ahead) % SLOTS
        session.slot = slot
        self._slots[slot][session] = None

    def remove(self, session: Session) -> None:
        """It has ended. Idempotent."""
        if session.slot >= 0:
            self._slots[session.slot].pop(session, None)
            session.slot = -1

    def watch(self, what: Session | Subscription) -> None:
        """End a session or subscription some time after its ``expire_at``, unless that has moved on by then."""
        if what.expire_at:
            due = what.expire_at + self._hub.options.expiry_grace
            heapq.heappush(self._expiring, (due, next(self._count), what))

    def _on_tick(self) -> None:
        self._handle = self._hub.loop.call_later(self._length, self._on_tick)
        self._tick += 1
        # Who should have answered by now, before the next are asked.
        for session in list(self._slots[(self._tick - self._patience) % SLOTS]):
            if session.pinged and not session.reading_paused:
                session.disconnect(DisconnectCode.NO_PONG)
        pinged = list(self._slots[self._tick % SLOTS])
        for session in pinged:
            session.pinged = True
        send_pings(pinged)
        now = time.monotonic()
        while self._strangers and self._strangers[0][0] <= now:
            _, session = self._strangers.popleft()
            if not session.admitted and not session.closed:
                session.disconnect(DisconnectCode.STALE)
        self._expire(time.time())
        self._work(now)

    def _expire(self, now: float) -> None:
        grace = self._hub.options.expiry_grace
        while self._expiring and self._expiring[0][0] <= now:
            what = heapq.heappop(self._expiring)[2]
            if not what.expire_at or what.expire_at + grace > now:
                continue  # it was refreshed, and stands here once more
            what.expire()

    def _work(self, now: float) -> None:
        hub = self._hub
        if hub.broker.shared and now >= self._heard + _HEARTBEAT:
            self._heard = now
            hub.nodes.announce()
        if now >= self._renewed + hub.broker.presence_ttl / 3 and not self._renewing:
            self._renewed = now
            self._renewing = True
            hub.spawn(self._renew())
        if (
            hub.broker.shared
            and now >= self._checked + hub.options.position_check_interval
            and not self._checking
        ):
            self._checked = now
            self._checking = True
            hub.spawn(self._check())

    async def _renew(self) -> None:
        try:
            await self._hub.renew_presence()
        finally:
            self._renewing = False

    async def _check(self) -> None:
        channels = self._hub.table
        try:
            await channels.check_positions([one.name for one in channels.all() if one.position is not None])
        finally:
            self._checking = False
