"""Brokers in memory that behave as badly as their contract allows: they suspend, come late, are cancelled, and fail."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from openline.hub.brokers.memory import MemoryBroker

METHODS = (
    "subscribe",
    "unsubscribe",
    "publish",
    "history",
    "remove_history",
    "add_presence",
    "remove_presence",
    "renew_presence",
    "presence",
    "presence_stats",
    "publish_join",
    "publish_leave",
    "occupy",
    "vacate",
    "renew_occupation",
)
"""What a hub calls between start and close, but for the control channel."""


class Gate:
    """A place in a broker's method where it stops.

    Attributes:
        reached: Somebody has come.
        open: It may go on.
    """

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.reached.set()
        await self.open.wait()


class GatedBroker(MemoryBroker):
    """A broker whose methods stop where a test has put a gate: before they take effect, or after it.

    Attributes:
        before: By method.
        after: Likewise: what is cancelled there has taken effect.
        failing: What a method raises, by method.
        calls: What was called, with the channel.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.before: dict[str, Gate] = {}
        self.after: dict[str, Gate] = {}
        self.failing: dict[str, BaseException] = {}
        self.calls: list[tuple[str, Any]] = []

    def stop(self, method: str, *, after: bool = False) -> Gate:
        """Put a gate."""
        gate = Gate()
        (self.after if after else self.before)[method] = gate
        return gate

    def go_on(self) -> None:
        """Open all gates, and take them away."""
        for gates in (self.before, self.after):
            for gate in gates.values():
                gate.open.set()
            gates.clear()


class ReluctantBroker(MemoryBroker):
    """A broker that suspends for some turns of the loop before and after each call takes effect, and tells late.

    What it tells of one channel comes in the order in which it happened.

    Args:
        seed: What it does by chance follows from this.
        most: Turns of the loop that it takes at most, each time.
    """

    def __init__(self, seed: int, most: int = 4) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.most = most
        self._told: deque[Callable[[], None]] = deque()
        self._telling: asyncio.Task[None] | None = None

    async def dither(self) -> None:
        """Take some turns of the loop."""
        for _ in range(self.chance.randint(0, self.most)):
            await asyncio.sleep(0)

    async def start(self, events: Any, node: str) -> None:
        await super().start(_Late(self, events), node)
        self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        await super().close()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait([self._telling])
            self._telling = None

    def tell(self, event: Callable[[], None]) -> None:
        """Have it told later."""
        self._told.append(event)

    async def _tell(self) -> None:
        while True:
            await self.dither()
            if self._told:
                self._told.popleft()()
            else:
                await asyncio.sleep(0)


class _Late:
    """The hub, to a broker that tells late."""

    def __init__(self, broker: ReluctantBroker, events: Any) -> None:
        self._broker = broker
        self._events = events

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._events, name)
        return lambda *args: self._broker.tell(lambda: method(*args))


def _gated(name: str) -> Any:
    async def method(self: GatedBroker, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((name, args[0]))
        if name in self.before:
            await self.before[name].pass_through()
        if name in self.failing:
            raise self.failing[name]
        answer = await getattr(MemoryBroker, name)(self, *args, **kwargs)
        if name in self.after:
            await self.after[name].pass_through()
        return answer

    return method


def _reluctant(name: str) -> Any:
    async def method(self: ReluctantBroker, *args: Any, **kwargs: Any) -> Any:
        await self.dither()
        answer = await getattr(MemoryBroker, name)(self, *args, **kwargs)
        await self.dither()
        return answer

    return method


for _name in METHODS:
    setattr(GatedBroker, _name, _gated(_name))
    setattr(ReluctantBroker, _name, _reluctant(_name))
