"""The contract of a broker: what carries publications between nodes, and remembers them.

A node has one broker. The hub calls it from its loop's thread; the broker calls back on `BrokerEvents`, in that thread,
never while the hub is in the middle of something else of the same channel: events of one channel come one after the
other, publications in the order of their offsets.

`openline.testing.check_broker` tests whatever claims to keep this contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from openline.hub.publication import ClientInfo, HistoryOptions, Publication, PublishResult, StreamPosition

__all__ = ["Broker", "BrokerDown", "BrokerEvents", "EpochChanged", "ImmediateBroker"]


class BrokerDown(Exception):
    """The broker cannot be reached, or does not answer in time. Whether a publication was stored is not known."""


class EpochChanged(Exception):
    """History was asked for since a position whose epoch is not the stream's."""


class BrokerEvents(Protocol):
    """What a broker tells its node; implemented by the hub. None of these blocks or raises."""

    def on_publication(self, channel: str, publication: Publication, position: StreamPosition) -> None:
        """A publication of a channel that this node has subscribed to; this node's own come this way, too.

        Args:
            channel: The channel.
            publication: The publication; shared by all who see it, and never changed.
            position: Its offset, and the stream's epoch. ``(0, "")`` where no history is kept.
        """

    def on_join(self, channel: str, info: ClientInfo) -> None:
        """A client has subscribed, somewhere."""

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        """A client's subscription has ended, somewhere."""

    def on_control(self, data: bytes) -> None:
        """A message of `Broker.publish_control`, of another node or of this one."""

    def on_restored(self, channels: Iterable[str]) -> None:
        """The broker was out of reach and is back; these channels are subscribed again and may have missed something.

        The hub compares its position of each with `Broker.history`.
        """


class Broker(Protocol):
    """Carries publications to all nodes, and keeps history and presence.

    All methods but the first two may be called at any time between `start` and `close`, concurrently. They need no
    current task until they first suspend; those of a broker in memory never suspend. A call that is cancelled may have
    taken effect.

    Raises (all methods): `BrokerDown`.
    """

    @property
    def name(self) -> str:
        """For logs and metrics: ``memory``, ``sqlite``, ``redis``."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several nodes, and so several processes, can use one such broker at a time."""
        ...

    async def start(self, events: BrokerEvents, node: str) -> None:
        """Connect, and begin to call ``events``.

        Args:
            events: The node.
            node: Its id, unique; control messages may be addressed to it.
        """

    async def close(self) -> None:
        """End what `start` began: no event follows, tasks and threads are gone. Idempotent."""

    # Channels that this node wants to hear of.

    async def subscribe(self, channel: str) -> None:
        """Tell this node of the channel from now on: whatever is published after this returned is heard."""

    async def unsubscribe(self, channel: str) -> None:
        """Tell it no longer."""

    # Publications.

    async def publish(
        self,
        channel: str,
        publication: Publication,
        *,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        """Publish, and keep it in the stream, at once: nobody hears of it unless it was kept.

        Args:
            channel: The channel.
            publication: Its ``offset`` is set by the broker (in what it stores and tells; this object may be used).
            history: How much of the stream is kept; None: nothing, and no offset is given.
            idempotency_key: Where the channel has seen this key in the last five minutes, nothing is published, and the
                first result is returned with ``duplicate``. Empty: no such check.

        Returns:
            When the publication is stored and on its way to all nodes.
        """
        ...

    async def history(
        self,
        channel: str,
        *,
        history: HistoryOptions,
        limit: int = -1,
        since: StreamPosition | None = None,
        reverse: bool = False,
    ) -> tuple[list[Publication], StreamPosition]:
        """Read the stream. A channel without one gets one: its epoch is the answer to later questions.

        Args:
            channel: The channel.
            history: Its options; ``meta_ttl`` counts from this call where the stream is new.
            limit: How many publications at most. 0: none, only the position. -1: all.
            since: Only what came after this position (before it, in reverse). None: from the oldest (newest) on.
            reverse: Newest first.

        Returns:
            The publications, and the position of the stream's top, of one moment.

        Raises:
            EpochChanged: ``since.epoch`` is neither empty nor the stream's.
        """
        ...

    async def remove_history(self, channel: str) -> None:
        """Forget the publications; offset and epoch go on."""

    # Presence.

    async def add_presence(self, channel: str, client: str, info: ClientInfo) -> None:
        """A client is in the channel; true for `presence_ttl` seconds."""

    async def remove_presence(self, channel: str, client: str) -> None:
        """A client has left."""

    async def renew_presence(self, entries: Iterable[tuple[str, str, ClientInfo]]) -> None:
        """`add_presence` for many (channel, client, info); called every third of `presence_ttl`, in batches."""

    async def presence(self, channel: str) -> Mapping[str, ClientInfo]:
        """Return who is in the channel, by client id."""
        ...

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        """Return how many clients, and how many different users, are in the channel."""
        ...

    @property
    def presence_ttl(self) -> float:
        """Seconds after which a presence entry, or a node's occupation of a channel, that was not renewed fades;
        60.0."""
        ...

    # Joins and leaves, on all nodes.

    async def publish_join(self, channel: str, info: ClientInfo) -> None: ...

    async def publish_leave(self, channel: str, info: ClientInfo) -> None: ...

    # Occupation: does anybody, on any node, subscribe to the channel?

    async def occupy(self, channel: str) -> bool:
        """This node has subscribers in the channel. True: no other node had, so that it has become occupied."""
        ...

    async def vacate(self, channel: str) -> bool:
        """This node has none any more. True: no other node has, so that it has become vacant."""
        ...

    async def renew_occupation(self, channels: Iterable[str]) -> None:
        """This node still has subscribers in these; called with `renew_presence`."""

    # The control channel, on which nodes talk.

    async def publish_control(self, data: bytes, node: str = "") -> None:
        """Send to one node, or (empty) to all, this one included: there, `BrokerEvents.on_control` is called."""


@runtime_checkable
class ImmediateBroker(Protocol):
    """A broker that never waits; the hub saves itself a coroutine for each of many publications."""

    def publish_now(
        self,
        channel: str,
        publication: Publication,
        history: HistoryOptions | None = None,
        idempotency_key: str = "",
    ) -> PublishResult:
        """The same as `Broker.publish`."""
        ...
