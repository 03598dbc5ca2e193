"""What a test sees of an SDK."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 12.0
"""Seconds after which something that should come counts as missing. SDKs wait up to a second before they come again."""

GetToken = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a hub is: ``127.0.0.1:port``."""

    place: str

    def of(self, transport: str) -> str:
        """The URL for this transport."""
        scheme = "ws" if transport == "websocket" else "http"
        return f"{scheme}://{self.place}/connection/{transport}"

    @property
    def emulation(self) -> str:
        """The URL for what clients of the other transports send."""
        return f"http://{self.place}/emulation"


@dataclass(slots=True)
class Settings:
    """How a client is made. Delays are in milliseconds.

    Attributes:
        token: The connection token.
        get_token: Called when a new one is needed; what it raises, the SDK's function raises.
        data: For the hub, with the connect.
        headers: For the HTTP request, where the SDK can.
    """

    token: str = ""
    get_token: GetToken | None = None
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = ""
    version: str = ""


class ReplyError(Exception):
    """A call failed; the hub's code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


class Client(ABC):
    """A client of one SDK. Its calls raise `ReplyError`.

    Events are dicts with ``event`` and ``channel`` (empty for the client's own) and what the SDK says, under the
    protocol's names. They are kept in their order until a test asks for them.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    def note(self, event: str, channel: str = "", **what: Any) -> None:
        """Keep an event."""
        self.events.append({"event": event, "channel": channel, **what})
        self._news.set()

    async def until(self, event: str, channel: str = "") -> dict[str, Any]:
        """Take the next event of this kind; those before it are dropped, but for those of other channels."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            for at, one in enumerate(self.events):
                if one["channel"] == channel and one["event"] == event:
                    self.events = [
                        other for other in self.events[:at] if other["channel"] != channel
                    ] + self.events[at + 1 :]
                    return one
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                raise AssertionError(f"no {event} {channel!r} in {self.events}") from None

    async def publications(self, channel: str, count: int) -> list[Any]:
        """The data of so many publications."""
        return [(await self.until("publication", channel))["data"] for _ in range(count)]

    def seen(self, event: str, channel: str = "") -> bool:
        """Whether there was one that nobody has asked for."""
        return any(one["event"] == event and one["channel"] == channel for one in self.events)

    @abstractmethod
    async def connect(self) -> None:
        """Begin to connect."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Disconnect for good."""

    async def connected(self) -> dict[str, Any]:
        """Connect, and wait until it is."""
        await self.connect()
        return await self.until("connected")

    @abstractmethod
    async def subscribe(
        self,
        channel: str,
        *,
        token: str = "",
        get_token: GetToken | None = None,
        data: Any = None,
        delta: bool = False,
        recoverable: bool = False,
        positioned: bool = False,
        join_leave: bool = False,
    ) -> None:
        """Make a subscription, and begin to subscribe."""

    async def subscribed(self, channel: str, **options: Any) -> dict[str, Any]:
        """The same, and wait until it is."""
        await self.subscribe(channel, **options)
        return await self.until("subscribed", channel)

    @abstractmethod
    async def unsubscribe(self, channel: str) -> None: ...

    @abstractmethod
    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        """``publish``, ``presence``, ``presence_stats``, ``history``, ``rpc`` or ``send``; returns the result."""

    async def error(self, method: str, /, **arguments: Any) -> int:
        """The same of a call that must fail; returns the code."""
        try:
            result = await self.call(method, **arguments)
        except ReplyError as error:
            return error.code
        raise AssertionError(f"{method} was answered: {result}")


class SDK(ABC):
    """An SDK, in one encoding, over one transport.

    Attributes:
        name: For the test's name.
        lacks: What it cannot do: ``message`` (pushes to one client), ``send``.
        missing: Why it is not here; None: it is.
    """

    name: str
    lacks: frozenset[str] = frozenset()
    encoding: str = "json"
    transport: str = "websocket"

    @property
    def missing(self) -> str | None:
        return None

    @abstractmethod
    def client(self, address: Address, settings: Settings) -> AbstractAsyncContextManager[Client]:
        """A client that is not connected yet."""

    def __str__(self) -> str:
        return self.name
