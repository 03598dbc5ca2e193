"""The channels that this node listens to, and what the broker tells of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from openline.hub.brokers.base import BrokerDown
from openline.hub.channel import Channel
from openline.hub.eager import call
from openline.hub.publication import ClientInfo, Publication, StreamPosition
from openline.hub.subprotocols.messages import Join, Leave
from openline.hub.turns import Turns

if TYPE_CHECKING:
    from openline.hub.hub import Hub
    from openline.hub.namespace import ChannelOptions

__all__ = ["ChannelTable", "Ear"]

logger = logging.getLogger("openline.hub")


class Ear(Protocol):
    """Something of this process that hears of a channel; see `ChannelTable.attach`. Neither method blocks or raises."""

    def on_publication(self, publication: Publication, position: StreamPosition) -> None:
        """Somebody has published; as of `openline.hub.brokers.base.BrokerEvents`."""

    def on_restored(self) -> None:
        """The broker was out of reach and is back: something may have been missed."""


class ChannelTable:
    """By name; a channel is here while somebody is subscribed, or about to be."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._channels: dict[str, Channel] = {}
        self._ears: dict[str, tuple[Ear, Channel]] = {}
        self._told: dict[
            str, asyncio.Future[None]
        ] = {}  # done when its last `on_occupied` or `on_vacated` has ended
        # By interval, as long as a channel takes turns.
        self._turns: WeakValueDictionary[float, Turns] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._channels)

    def get(self, name: str) -> Channel | None:
        """Return the channel of a name; None: nobody here is subscribed."""
        return self._channels.get(name)

    def all(self) -> list[Channel]:
        """Return all of them, as they are now."""
        return list(self._channels.values())

    def pin(self, name: str, options: ChannelOptions) -> Channel:
        """Return the channel, which stays until as many `leave` it as have pinned it."""
        channel = self._channels.get(name)
        if channel is None:
            hub = self._hub
            channel = self._channels[name] = Channel(
                name, options, hub.counters, hub.options.max_queue_size, self.turns_of
            )
        # After a reload: who is subscribed keeps what was promised, everything else is as the options say now.
        channel.use(options)
        channel.pins += 1
        return channel

    def turns_of(self, interval: float) -> Turns:
        """Return by what turns the clients get newest values once in an interval, in seconds."""
        turns = self._turns.get(interval)
        if turns is None:
            turns = self._turns[interval] = Turns(self._hub, interval)
        return turns

    async def attach(self, name: str, options: ChannelOptions, ear: Ear) -> None:
        """Have something of this process hear of a channel, one for each, whoever may subscribe; until `detach`.

        Raises:
            BrokerDown: the broker cannot be had; it is not attached.
        """
        channel = self.pin(name, options)
        self._ears[name] = ear, channel
        try:
            await self.listen(channel)
        except BaseException:
            await self.detach(name)
            raise

    async def detach(self, name: str) -> None:
        """End that. Idempotent."""
        attached = self._ears.pop(name, None)
        if attached is not None:
            await self.leave(attached[1])

    async def listen(self, channel: Channel) -> None:
        """Have the broker tell of the channel from now on, unless it does.

        Raises:
            BrokerDown: it cannot be had.
        """
        async with channel.lock:
            if channel.listening:
                return
            channel.asked = True
            await self._hub.broker.subscribe(channel.name)
            channel.listening = True
            channel.occupied = self._is_watched(channel)
            occupied = channel.occupied and await self._hub.broker.occupy(channel.name)
        if occupied:
            self._tell("occupied", channel)

    async def leave(self, channel: Channel) -> None:
        """Take a pin out; with the last one the channel is gone."""
        channel.pins -= 1
        if channel.pins:
            return
        vacated = False
        async with channel.lock:
            if channel.pins:
                return  # somebody came while we waited
            if channel.asked:
                channel.asked = channel.listening = False
                try:
                    await self._hub.broker.unsubscribe(channel.name)
                    if channel.occupied:
                        channel.occupied = False
                        vacated = await self._hub.broker.vacate(channel.name)
                except BrokerDown as error:
                    # There, the node's occupation of the channel fades by itself.
                    self._hub.counters.broker_errors += 1
                    logger.warning("leaving %r: %s", channel, error)
                except Exception:
                    logger.exception("leaving %r failed", channel)
                channel.position = None
            if not channel.pins and self._channels.get(channel.name) is channel:
                del self._channels[channel.name]
        if vacated:
            self._tell("vacated", channel)

    def _is_watched(self, channel: Channel) -> bool:
        """Whether anybody wants to hear when the channel is occupied or vacated, which costs a question to the
        broker."""
        hooks = self._hub.hooks_of(channel.name)
        return hooks.get("occupied") is not None or hooks.get("vacated") is not None

    def _tell(self, what: str, channel: Channel) -> None:
        """Call ``on_occupied`` or ``on_vacated``, after what was told of this channel before; nobody waits for it."""
        hook = self._hub.hooks_of(channel.name).get(what)
        if hook is not None:
            before, after = self._told.get(channel.name), self._hub.loop.create_future()
            self._told[channel.name] = after
            self._hub.spawn(self._call(hook, channel.name, before, after))

    async def _call(
        self,
        hook: Callable[..., Any],
        channel: str,
        before: asyncio.Future[None] | None,
        after: asyncio.Future[None],
    ) -> None:
        try:
            if before is not None:
                await before
            await call(hook, channel)
        except Exception:
            logger.exception("%r of channel %r failed", hook, channel)
        finally:
            after.set_result(None)
            if self._told.get(channel) is after:
                del self._told[channel]

    # What the broker tells; see `openline.hub.brokers.base.BrokerEvents`.

    def on_publication(self, channel: str, publication: Publication, position: StreamPosition) -> None:
        """A publication was heard."""
        known = self._channels.get(channel)
        if known is not None:
            known.publish(publication, position)
            if self._ears and (attached := self._ears.get(channel)) is not None:
                attached[0].on_publication(publication, position)

    def on_join(self, channel: str, info: ClientInfo) -> None:
        """Somebody came."""
        known = self._channels.get(channel)
        if known is not None:
            known.announce(Join(info))

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        """Somebody left."""
        known = self._channels.get(channel)
        if known is not None:
            known.announce(Leave(info))

    def on_control(self, data: bytes) -> None:
        """A node speaks."""
        self._hub.nodes.receive(data)

    def on_restored(self, channels: Iterable[str]) -> None:
        """The broker was away."""
        names = list(channels)
        for name in names:
            if (attached := self._ears.get(name)) is not None:
                attached[0].on_restored()
        self._hub.spawn(self.check_positions(names))

    async def check_positions(self, names: Iterable[str]) -> None:
        """Compare channels with the tops of their streams; who was promised everything is told of what is missing.

        What was published last may still be on its way here. So a channel is behind only if, when it is asked for the
        second time, it has not reached what was the top the first time.
        """
        behind: dict[str, StreamPosition] = {}
        for again in (False, True):
            for name in list(behind) if again else names:
                channel = self._channels.get(name)
                if channel is None or channel.options.stream is None or channel.position is None:
                    continue
                try:
                    _, top = await self._hub.broker.history(name, history=channel.options.stream, limit=0)
                except BrokerDown:
                    self._hub.counters.broker_errors += 1
                    continue
                if not channel.is_behind(behind.get(name, top)):
                    continue
                if again:
                    channel.skip_to(top)
                else:
                    behind[name] = top
            if behind and not again:
                await self._hub.pause(POSITION_PATIENCE)


POSITION_PATIENCE = 1.0
"""Seconds that a publication may be on its way from the broker before the channel counts as behind."""
