"""One session in one channel."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from openline.hub.codes import DisconnectCode, UnsubscribeCode
from openline.hub.publication import ClientInfo, Publication, StreamPosition

if TYPE_CHECKING:
    from openline.hub.channel import Channel
    from openline.hub.group import Group
    from openline.hub.session import Session

__all__ = ["Subscription"]

Heard = tuple[Publication, StreamPosition]


class Subscription:
    """What a session's membership of a channel consists of; kept small, since there are many.

    Attributes:
        session: The session.
        channel: The channel.
        info: Who the client is, as the others of the channel see it.
        server_side: The server subscribed the client, which did not ask.
        positioned: The client is promised that it misses nothing, or is told.
        join_leave: It is told who comes and goes.
        delta: It has agreed on patches.
        group: With whom it shares its frames; None: it is not live yet.
        heard: What was published while it was not live; None: it is, or has ended.
        heard_size: The bytes of that; over the bound they are dropped, and it is -1.
        seen: Up to which of the channel's newest values it has everything, where its client gets them by turns.
        floor: It is not live until the channel has passed this position, which the client has.
        waiting: Publications that its client was too slow for, by key or in their order; None: none.
        waiting_size: Their bytes.
        expire_at: Seconds since 1970 when it ends unless it is refreshed; 0.0: never.
        present: It is in the channel's presence, or about to be.
        announced: The others were told that it came, or are about to be.
        admitted: It was let in: ``on_unsubscribe`` is owed.
        begun: Done when the subscribe command, or what else has begun it, is through; None: it is.
    """

    __slots__ = (
        "admitted",
        "announced",
        "begun",
        "channel",
        "delta",
        "expire_at",
        "floor",
        "group",
        "heard",
        "heard_size",
        "info",
        "join_leave",
        "positioned",
        "present",
        "seen",
        "server_side",
        "session",
        "waiting",
        "waiting_size",
    )

    def __init__(self, session: Session, channel: Channel, info: ClientInfo, *, server_side: bool) -> None:
        self.session = session
        self.channel = channel
        self.info = info
        self.server_side = server_side
        self.positioned = False
        self.join_leave = False
        self.delta = False
        self.group: Group | None = None
        self.heard: deque[Heard] | None = deque()
        self.heard_size = 0
        self.floor: StreamPosition | None = None
        self.seen = 0
        self.waiting: dict[object, Publication] | None = None
        self.waiting_size = 0
        self.expire_at = 0.0
        self.present = False
        self.announced = False
        self.admitted = False
        self.begun: asyncio.Future[None] | None = None

    def expire(self) -> None:
        """Its time, and the grace for a refresh, are over."""
        if self.server_side:
            self.session.disconnect(DisconnectCode.SUBSCRIPTION_EXPIRED)
        else:
            self.session.end_subscription(self, UnsubscribeCode.EXPIRED)

    def __repr__(self) -> str:
        return f"<Subscription {self.session.client} {self.channel.name}>"
