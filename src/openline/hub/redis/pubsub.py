"""A link that listens: sharded pub/sub of one server.

Each channel has one listener. What is listened to survives the connection: on a new one it is subscribed again, and
then `restored` is called, since what was published in between is not repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import cast

from openline.hub.redis.connection import Reply
from openline.hub.redis.link import Link, Locate, RedisDown, retrieve
from openline.hub.redis.options import RedisOptions

__all__ = ["Listener", "PubSub"]

logger = logging.getLogger("openline.hub")

Listener = Callable[[bytes], None]
"""Called with each message of a channel, in their order, in the loop's thread."""

_AT_ONCE = 500  # channels that are subscribed again in one go


class PubSub(Link):
    """Channels of one server. The other arguments are those of `Link`.

    Args:
        restored: Called with the channels that were subscribed again.
        moved: Called when the server has some channels no longer (in a Cluster, as slots move).
    """

    def __init__(
        self,
        name: str,
        locate: Locate,
        options: RedisOptions,
        *,
        down: type[RedisDown],
        changed: Callable[[Link], None],
        restored: Callable[[list[bytes]], None],
        moved: Callable[[], None],
    ) -> None:
        self.listeners: dict[bytes, Listener] = {}
        self._restored = restored
        self._moved = moved
        self._missing: dict[
            bytes, None
        ] = {}  # listened to before, and to be subscribed again; a set with an order
        self._more = asyncio.Event()  # something is missing
        self._leaving: set[bytes] = set()  # the server was told, and has not confirmed
        super().__init__(name, locate, options, down=down, changed=changed)

    async def subscribe(self, channel: bytes, listener: Listener) -> None:
        """Listen to a channel: to whatever is published after this returned.

        Raises:
            RedisDown: It could not be done, and is not listened to.
            Redirected: Another node of the Cluster has this channel.
        """
        confirmed = self.call(("SSUBSCRIBE", channel))
        self._leaving.discard(channel)
        listener = self.listeners.setdefault(channel, listener)
        try:
            await confirmed
        except BaseException:
            if self.listeners.get(channel) is listener:
                self.unsubscribe(channel)
            raise

    def unsubscribe(self, channel: bytes) -> None:
        """Listen to it no longer, from now on; the server is told soon. Idempotent."""
        if self.listeners.pop(channel, None) is not None:
            self._missing.pop(channel, None)
            self._renounce(channel)

    def adopt(self, listeners: dict[bytes, Listener]) -> None:
        """Take over channels from another server's link; `restored` follows when they are subscribed here."""
        self.listeners.update(listeners)
        self._missing.update(dict.fromkeys(listeners))
        self._more.set()

    def abandon(self, channels: Iterable[bytes]) -> dict[bytes, Listener]:
        """Give channels away, for another link to `adopt`."""
        given = {channel: self.listeners.pop(channel) for channel in channels}
        for channel in given:
            self._missing.pop(channel, None)
            self._renounce(channel)
        return given

    def again(self) -> None:
        """Try once more to subscribe what could not be."""
        if self._missing:
            self._more.set()

    async def _opened(self) -> None:
        self._missing = dict.fromkeys(self.listeners)
        self._leaving.clear()
        self._more.set()
        while True:
            await self._more.wait()
            self._more.clear()
            restored: list[bytes] = []
            missing = list(self._missing)
            for first in range(0, len(missing), _AT_ONCE):
                some = [channel for channel in missing[first : first + _AT_ONCE] if channel in self._missing]
                calls = [self.call(("SSUBSCRIBE", channel), urgent=True) for channel in some]
                for channel, outcome in zip(
                    some, await asyncio.gather(*calls, return_exceptions=True), strict=True
                ):
                    if not isinstance(outcome, BaseException):
                        self._missing.pop(channel, None)
                        restored.append(channel)
                    else:
                        logger.warning("%s does not let us listen: %s", self.name, outcome)
                        self._moved()
            if restored:
                self._restored([channel for channel in restored if channel in self.listeners])

    def _renounce(self, channel: bytes) -> None:
        if self.up and channel not in self._leaving:
            self._leaving.add(channel)
            confirmed = self.call(("SUNSUBSCRIBE", channel), urgent=True)
            retrieve(confirmed)
            confirmed.add_done_callback(lambda _: self._leaving.discard(channel))

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, list):
            kind = reply[0]
            if kind == b"smessage":
                channel, data = cast("tuple[bytes, bytes]", reply[1:])
                listener = self.listeners.get(channel)
                if listener is None:
                    self._renounce(channel)
                    return
                try:
                    listener(data)
                except Exception:
                    logger.exception("a message of %s could not be delivered", channel)
                return
            if kind == b"sunsubscribe" and not self._awaits("SUNSUBSCRIBE", reply[1]):
                channel = cast("bytes", reply[1])
                if channel in self.listeners:  # the slot has moved to another node
                    self._missing[channel] = None
                    self._moved()
                return
        super()._take(reply)

    def _awaits(self, word: str, channel: Reply) -> bool:
        return bool(self._inflight) and tuple(self._inflight[0].args) == (word, channel)
