"""Subscribers of a channel who get the very same bytes: one encoding, with or without deltas.

A publication is encoded, compressed and framed once for a group, whatever its size. This is the path of every
message: for WebSockets it ends in `openline.broadcast`, and nothing in Python runs for a single subscriber.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from openline.websocket.broadcast import broadcast

if TYPE_CHECKING:
    from openline.hub.session import Session
    from openline.hub.subprotocols.base import Subprotocol
    from openline.hub.subscription import Subscription
    from openline.websocket.connection import Connection

__all__ = ["Group", "send_pings", "send_to"]


class Group:
    """Live subscriptions of one channel that share their frames.

    Args:
        subprotocol: Their encoding.
        delta: They have agreed on patches.
        in_step: They all got the channel's last publication, so that the next may be a patch against it.
    """

    __slots__ = ("_connections", "_others", "delta", "in_step", "members", "subprotocol")

    def __init__(self, subprotocol: Subprotocol, *, delta: bool, in_step: bool) -> None:
        self.subprotocol = subprotocol
        self.delta = delta
        self.in_step = in_step
        self.members: dict[Subscription, None] = {}
        self._connections: list[Connection] | None = None
        self._others: list[Session] = []

    def add(self, subscription: Subscription) -> None:
        """Make a subscription a member."""
        self.members[subscription] = None
        subscription.group = self
        self._connections = None

    def remove(self, subscription: Subscription) -> None:
        """Make it one no longer."""
        del self.members[subscription]
        subscription.group = None
        self._connections = None

    def send(self, unit: bytes) -> None:
        """Send a unit to all members."""
        connections = self._connections
        if connections is None:
            connections, self._others = _split(self.members)
            self._connections = connections
        if connections:
            broadcast(connections, unit, text=not self.subprotocol.binary)
        # A copy: a transport may fail in the middle, and its session leaves.
        for session in tuple(self._others):
            session.transport.write(unit)


def send_to(subprotocol: Subprotocol, subscriptions: Iterable[Subscription], unit: bytes) -> None:
    """Send a unit to some subscriptions of one encoding."""
    connections, others = _split(subscriptions)
    if connections:
        broadcast(connections, unit, text=not subprotocol.binary)
    for session in others:
        session.transport.write(unit)


def _split(subscriptions: Iterable[Subscription]) -> tuple[list[Connection], list[Session]]:
    connections: list[Connection] = []
    others: list[Session] = []
    for subscription in subscriptions:
        transport = subscription.session.transport
        connection = transport.connection
        if connection is None:
            others.append(subscription.session)
        else:
            connections.append(connection)
    return connections, others


def send_pings(sessions: Iterable[Session]) -> None:
    """Ping sessions, which may speak in different encodings."""
    connections: dict[Subprotocol, list[Connection]] = {}
    for session in sessions:
        connection = session.transport.connection
        if connection is None:
            session.transport.write(session.subprotocol.ping)
        else:
            connections.setdefault(session.subprotocol, []).append(connection)
    for subprotocol, members in connections.items():
        broadcast(members, subprotocol.ping, text=not subprotocol.binary)
