"""What a hub does by time: one timer for all sessions.

Nothing is kept per idle session but its place in a slot: the slots go round once in ``ping_interval``, and who
stands in the slot whose turn it is gets a ping. When the answer is due, the same slot is looked at again.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import secrets
import time
from typing import TYPE_CHECKING

from openline.hub.codes import DisconnectCode
from openline.hub.group import send_pings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openline.hub.hub import Hub
    from openline.hub.session import Session
    from openline.hub.subscription import Subscription

__all__ = ["Clock"]

SLOTS = 25
"""Into which the sessions are spread."""

_HEARTBEAT = 3.0
"""Seconds between two signs of life of this node."""


class Expiry:
    """What ends at some time unless it is refreshed, and what is due first.

    A refresh, or an end, leaves its old entry behind; where these are more than the living, all are swept out. So this
    takes what the living take, however often they are refreshed.
    """

    __slots__ = ("_count", "_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[Session | Subscription, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Session | Subscription]] = []
        self._count = 0  # tells entries apart that are due at the same time

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, what: Session | Subscription, due: float) -> None:
        """Something is due at a time, in seconds since 1970, and no more at an earlier one that was named."""
        self._count += 1
        self._due[what] = due, self._count
        heapq.heappush(self._heap, (due, self._count, what))
        self._sweep()

    def remove(self, what: Session | Subscription) -> None:
        """It is due no more. Idempotent."""
        if self._due.pop(what, None) is not None:
            self._sweep()

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._due):
            self._heap = [(due, number, what) for what, (due, number) in self._due.items()]
            heapq.heapify(self._heap)

    def take(self, now: float) -> Iterator[Session | Subscription]:
        """Yield what is due, one by one: the end of one may be that of others."""
        while self._heap and self._heap[0][0] <= now:
            due, number, what = heapq.heappop(self._heap)
            if self._due.get(what) == (due, number):
                del self._due[what]
                yield what


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
        # Both in the order in which they are due, and of those alone that live: who has ended must not stay in memory.
        self._strangers: dict[Session, float] = {}
        self._expiring = Expiry()
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
        self._strangers[session] = time.monotonic() + self._hub.options.connect_timeout

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

    def forget(self, session: Session) -> None:
        """It has ended, and nothing of it may stay. Idempotent."""
        self.remove(session)
        self._strangers.pop(session, None)
        self._expiring.remove(session)

    def watch(self, what: Session | Subscription) -> None:
        """End a session or subscription some time after its ``expire_at``; where that is 0.0, no more."""
        if what.expire_at:
            self._expiring.add(what, what.expire_at + self._hub.options.expiry_grace)
        else:
            self._expiring.remove(what)

    def unwatch(self, what: Session | Subscription) -> None:
        """It has ended. Idempotent."""
        self._expiring.remove(what)

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
        while self._strangers:
            session, due = next(iter(self._strangers.items()))
            if due > now:
                break
            del self._strangers[session]
            if not session.admitted and not session.closed:
                session.disconnect(DisconnectCode.STALE)
        for what in self._expiring.take(time.time()):
            what.expire()
        self._work(now)

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
