"""What a channel's subscription hears, and what of it the node is told."""

from __future__ import annotations

import logging

import msgspec

from openline.hub.brokers.base import BrokerEvents
from openline.hub.brokers.redis.encoding import decode_info, decode_publication
from openline.hub.publication import StreamPosition

__all__ = ["JOIN", "LEAVE", "Heard", "unkept"]

logger = logging.getLogger("openline.hub")

PUBLICATION, JOIN, LEAVE = b"p", b"j", b"l"
_NOWHERE = StreamPosition(0, "")


def unkept(publication: bytes) -> bytes:
    """Return the message of a publication that has no place in a stream; the others are made by ``publish.lua``."""
    return b"p0,,%b" % publication


class Heard:
    """One channel.

    Publications come in the order of their offsets. One that was heard before, as may be when a subscription moves from
    server to server, is dropped; a gap is passed on, since the hub knows what to do about it.

    Args:
        channel: Its name.
        events: Who is told.
    """

    __slots__ = ("_epoch", "_events", "_offset", "_raw_epoch", "channel")

    def __init__(self, channel: str, events: BrokerEvents) -> None:
        self.channel = channel
        self._events = events
        self._offset = 0
        self._raw_epoch = b""
        self._epoch = ""

    def take(self, message: bytes) -> None:
        """Take a message. One that nobody of us has written is logged and dropped."""
        kind = message[:1]
        try:
            if kind == PUBLICATION:
                place, raw_epoch, body = message.split(b",", 2)
                offset = int(place[1:])
                publication = decode_publication(body, offset)
            elif kind in (JOIN, LEAVE):
                info = decode_info(message[1:])
                (self._events.on_join if kind == JOIN else self._events.on_leave)(self.channel, info)
                return
            else:
                raise ValueError(f"a message begins with {kind!r}")
        except (ValueError, msgspec.MsgspecError) as error:
            logger.warning("channel %s: what came from Redis is not ours: %s", self.channel, error)
            return
        position = _NOWHERE
        if offset:
            if raw_epoch != self._raw_epoch:
                self._raw_epoch = raw_epoch
                self._epoch = raw_epoch.decode("utf-8", "replace")
            elif offset <= self._offset:
                return
            self._offset = offset
            position = StreamPosition(offset, self._epoch)
        self._events.on_publication(self.channel, publication, position)
