"""Whose turn it is to get the newest values: every client's once in an interval, with one timer for all of them.

The clients are spread over the places of a round, some 10 ms apart. When a place has its turn, each client in it gets
one frame with all that is newer, of all its channels, than what it has. One that does not keep up is passed over until
it does, and gets what is the newest then. Where nothing is published there is no timer.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from openline.hub.codes import DisconnectCode
from openline.hub.session import MOST_GATHERED
from openline.hub.subprotocols.base import NotJSON

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.newest import Newest
    from openline.hub.session import Session
    from openline.hub.subscription import Subscription

__all__ = ["Turns"]

_STEP = 0.01
"""Seconds between two places, about."""

_MOST_PLACES = 100
"""Of a round: with long intervals they are further apart."""


class Turns:
    """The turns of all clients that have channels of one interval.

    Args:
        hub: Whose clients.
        interval: Seconds of a round: a client's turn comes once in it.

    Attributes:
        interval: The same.
        places: Into how many places the clients are spread.
        tick: How many places have had their turn.
        stirring: Channels of which somebody may not have the newest yet.
    """

    def __init__(self, hub: Hub, interval: float) -> None:
        self.interval = interval
        self.places = min(max(round(interval / _STEP), 1), _MOST_PLACES)
        self.tick = 0
        self.stirring: dict[Newest, None] = {}
        self._hub = hub
        self._step = interval / self.places
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def place_of(self, session: Session) -> int:
        """Return a client's place, always the same: its channels share a frame."""
        return hash(session.client) % self.places

    def stir(self, newest: Newest) -> None:
        """Everybody's turn has to come once for this channel."""
        newest.stirred = self.tick
        self.stirring[newest] = None
        if self._handle is None:
            loop = self._hub.loop
            self._due = loop.time() + self._step
            self._handle = loop.call_at(self._due, self._on_tick)

    def settle(self, newest: Newest) -> None:
        """Nobody waits for this channel any more. Idempotent."""
        self.stirring.pop(newest, None)
        if not self.stirring and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _on_tick(self) -> None:
        loop = self._hub.loop
        self.tick += 1
        place = self.tick % self.places
        waiting: defaultdict[Session, list[Subscription]] = defaultdict(list)
        for newest in tuple(self.stirring):
            members = newest.members[place]
            if members:
                number = newest.number
                for subscription, session in members.items():
                    if subscription.seen != number:
                        waiting[session].append(subscription)
            if self.tick - newest.stirred >= self.places:
                del self.stirring[newest]
        self._handle = None
        if self.stirring:
            # Half a round is caught up, beyond that rounds get longer: an overloaded node sends less.
            self._due = max(self._due + self._step, loop.time() - self.interval / 2)
            self._handle = loop.call_at(self._due, self._on_tick)
        for session, subscriptions in waiting.items():
            self._give(session, subscriptions)

    def _give(self, session: Session, subscriptions: list[Subscription]) -> None:
        """Send what waits for a client, as far as it takes it."""
        counters = self._hub.counters
        units: list[bytes] = []
        size = conflated = given = 0
        slow = self._is_slow(session)
        try:
            for subscription in subscriptions:
                newest = subscription.channel.newest
                if newest is None or session.closed:
                    continue  # by what was sent just now
                number, only = newest.number, newest.only
                if slow:
                    self.stir(newest)
                elif only is not None:
                    # The path of every value; the same is done by `Newest.take`.
                    unit = only.units.get(subscription.group) or newest.unit(only, subscription)
                    units.append(unit)
                    size += len(unit)
                    given += 1
                    conflated += number - subscription.seen - 1
                    subscription.seen = number
                while size >= MOST_GATHERED or (not slow and subscription.seen != number):
                    if size < MOST_GATHERED:
                        size += newest.take(subscription, units, MOST_GATHERED - size)
                    if size >= MOST_GATHERED:
                        self._send(session, units)
                        units, size = [], 0
                        slow = self._is_slow(session)
                        if slow and subscription.seen != number:
                            self.stir(newest)
        except NotJSON:
            session.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)
        counters.deliveries += given
        counters.conflated += conflated
        if units:
            self._send(session, units)

    def _is_slow(self, session: Session) -> bool:
        return session.closed or session.transport.unsent > self._hub.write_high

    def _send(self, session: Session, units: list[bytes]) -> None:
        self._hub.counters.batched += len(units)
        session.write(session.subprotocol.join(units))
