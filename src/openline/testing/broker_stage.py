"""Where the checks of a broker play: nodes that listen, names that nobody else uses, and time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from openline.hub.brokers.base import Broker
from openline.hub.publication import ClientInfo, HistoryOptions, Payload, Publication, StreamPosition
from openline.testing.fake_clock import FakeClock
from openline.testing.waiting import PATIENCE, expect, until

__all__ = ["KEPT", "BrokerStage", "Heard", "MakeBroker", "Node", "numbered", "said", "text"]

KEPT = HistoryOptions(size=1000, ttl=600.0)
"""A history that is long enough for every check that is not about its bounds."""


def numbered(number: int) -> Publication:
    """Make a publication that can be told from others."""
    return Publication(data=Payload(said(number).encode()))


def said(number: int) -> str:
    """Return the payload of such a publication, as text."""
    return f'{{"n":{number}}}'


def text(publication: Publication) -> str:
    """Return the payload as text, for comparing."""
    return bytes(publication.data).decode()


class MakeBroker(Protocol):
    """Makes a broker that is not started yet. All that one maker makes for a check share their storage."""

    def __call__(self, *, presence_ttl: float) -> Broker: ...


@dataclass
class Heard:
    """What a node was told, in order; `BrokerEvents` that remember."""

    publications: list[tuple[str, Publication, StreamPosition]] = field(
        default_factory=list[tuple[str, Publication, StreamPosition]]
    )
    comings: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    control: list[bytes] = field(default_factory=list[bytes])
    restored: list[str] = field(default_factory=list[str])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_publication(self, channel: str, publication: Publication, position: StreamPosition) -> None:
        """See `BrokerEvents`."""
        self.publications.append((channel, publication, position))
        self.news.set()

    def on_join(self, channel: str, info: ClientInfo) -> None:
        """See `BrokerEvents`."""
        self.comings.append(("join", channel, info.client))
        self.news.set()

    def on_leave(self, channel: str, info: ClientInfo) -> None:
        """See `BrokerEvents`."""
        self.comings.append(("leave", channel, info.client))
        self.news.set()

    def on_control(self, data: bytes) -> None:
        """See `BrokerEvents`."""
        self.control.append(bytes(data))
        self.news.set()

    def on_restored(self, channels: Iterable[str]) -> None:
        """See `BrokerEvents`."""
        self.restored.extend(channels)
        self.news.set()

    def of(self, channel: str) -> list[tuple[Publication, StreamPosition]]:
        """Return the publications of one channel."""
        return [
            (publication, position) for name, publication, position in self.publications if name == channel
        ]

    def texts(self, channel: str) -> list[str]:
        """Return their payloads."""
        return [text(publication) for publication, _ in self.of(channel)]

    async def until(self, condition: Callable[[], bool], contract: str) -> None:
        """Wait for events until it is so; fail after `PATIENCE` seconds."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise AssertionError(f"within {PATIENCE:g} s: {contract}") from None


@dataclass
class Node:
    """A started broker, and what it tells its node."""

    broker: Broker
    heard: Heard
    id: str


class BrokerStage:
    """What a check gets.

    Args:
        make_broker: Makes the brokers.
        clock: What they go by; None: by the time of this machine, which then has to pass.
        durable: What they keep outlives them.
        suspends: Whether their calls may suspend.
    """

    def __init__(
        self, make_broker: MakeBroker, *, clock: FakeClock | None, durable: bool, suspends: bool
    ) -> None:
        self._make_broker = make_broker
        self.clock = clock
        self.durable = durable
        self.suspends = suspends
        self._nodes: list[Node] = []
        self._run = secrets.token_hex(4)
        self._names = 0

    @property
    def short(self) -> float:
        """Seconds that are soon over: for what has to expire."""
        return 60.0 if self.clock else 1.0

    async def node(self, *, presence_ttl: float = 60.0) -> Node:
        """Start a broker of a new node. It is closed after the check."""
        broker = self._make_broker(presence_ttl=presence_ttl)
        heard = Heard()
        name = f"node-{self._run}-{len(self._nodes)}"
        node = Node(broker, heard, name)
        self._nodes.append(node)
        await broker.start(heard, name)
        return node

    def unstarted(self) -> Broker:
        """Make a broker without starting it."""
        return self._make_broker(presence_ttl=60.0)

    async def pair(self, *, presence_ttl: float = 60.0) -> tuple[Node, Node] | None:
        """Start two nodes; None where the broker serves one only."""
        first = await self.node(presence_ttl=presence_ttl)
        return (first, await self.node(presence_ttl=presence_ttl)) if first.broker.shared else None

    async def nodes(self) -> tuple[Node, ...]:
        """Start two nodes; one where the broker serves no more."""
        first = await self.node()
        return (first, await self.node()) if first.broker.shared else (first,)

    def channel(self, suffix: str = "") -> str:
        """Make up the name of a channel that nobody has used."""
        self._names += 1
        return f"check:{self._run}-{self._names}{suffix}"

    async def after(self, seconds: float, condition: Callable[[], Awaitable[bool]], contract: str) -> None:
        """Let time pass, and wait until it is so."""
        if self.clock:
            self.clock.advance(seconds)
        await until(condition, contract, PATIENCE + seconds * (self.clock is None))

    async def close(self) -> None:
        """Close all nodes."""
        for node in self._nodes:
            await node.broker.close()

    async def texts(self, node: Node, channel: str) -> list[str]:
        """Return the payloads of a stream."""
        publications, _ = await node.broker.history(channel, history=KEPT)
        return [text(publication) for publication in publications]

    async def expect_heard(
        self, node: Node, channel: str, count: int
    ) -> list[tuple[Publication, StreamPosition]]:
        """Wait for this many publications of a channel, not more."""
        await node.heard.until(
            lambda: len(node.heard.of(channel)) >= count, f"a subscribed node hears all {count} publications"
        )
        heard = node.heard.of(channel)
        expect(
            len(heard) == count,
            f"a subscribed node hears each of {count} publications once, not {len(heard)}",
        )
        return heard
