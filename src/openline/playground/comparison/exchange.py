"""One HTTP request as ASGI tells of it, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Technique = Callable[["Exchange"], Awaitable[None]]


@dataclass(slots=True)
class Counts:
    """What a server has done so far.

    Attributes:
        requests: HTTP requests, opening handshakes included.
        delivered: Messages that were handed out, counted once for each client.
    """

    requests: int = 0
    delivered: int = 0


@dataclass(slots=True)
class Exchange:
    """A request, and the ways to answer it.

    Attributes:
        after: The number of the last message that the client has; 0: none.
        counts: Where to count.
    """

    after: int
    counts: Counts
    _receive: Receive
    _send: Send
    _headers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    _watching: asyncio.Task[None] | None = None

    async def answer(self, messages: list[tuple[int, str]]) -> None:
        """Send messages as one JSON array, or 204 if there are none."""
        body = f"[{','.join(text for _, text in messages)}]".encode() if messages else b""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self._begin(200 if body else 204, headers if body else [])
        await self._send({"type": "http.response.body", "body": body})
        self.counts.delivered += len(messages)

    async def begin_events(self) -> None:
        """Begin an answer that goes on for as long as the client stays; then the technique is cancelled."""
        task = asyncio.current_task()
        assert task is not None
        self._watching = asyncio.create_task(self._cancel_when_gone(task))
        await self._begin(200, [(b"content-type", b"text/event-stream")])

    async def event(self, number: int, message: str) -> None:
        """Send one event."""
        event = f"id: {number}\ndata: {message}\n\n".encode()
        await self._send({"type": "http.response.body", "body": event, "more_body": True})
        self.counts.delivered += 1

    async def run(self, technique: Technique) -> None:
        """Have the request answered."""
        try:
            await technique(self)
        except asyncio.CancelledError:
            if self._watching is None or not self._watching.done():
                raise  # it was not we who cancelled it
        finally:
            if self._watching is not None:
                self._watching.cancel()

    async def _cancel_when_gone(self, task: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        task.cancel()

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        own = [(b"cache-control", b"no-store"), *self._headers, *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": own})


def asgi(technique: Technique, counts: Counts, allowed: Callable[[str, str], bool]) -> Any:
    """Return the ASGI application that answers every GET by a technique.

    Args:
        technique: Answers.
        counts: Where to count.
        allowed: Says of an Origin and a Host whether the page may read the answer; a request without Origin may.
    """

    async def application(scope: Event, receive: Receive, send: Send) -> None:
        counts.requests += 1
        fields: dict[bytes, bytes] = dict(scope["headers"])
        origin = fields.get(b"origin")
        if origin is not None and not allowed(
            origin.decode("latin-1"), fields.get(b"host", b"").decode("latin-1")
        ):
            await _refuse(send, 403)
            return
        if scope["method"] != "GET":
            await _refuse(send, 405)
            return
        cors = [] if origin is None else [(b"access-control-allow-origin", origin)]
        await Exchange(_after(scope, fields), counts, receive, send, cors).run(technique)

    return application


def _after(scope: Event, fields: dict[bytes, bytes]) -> int:
    """The client's last message: as it asks, or as its EventSource remembers."""
    try:
        asked = parse_qs(scope["query_string"], max_num_fields=4).get(b"after", [b""])[0]
    except ValueError:
        asked = b""
    given: bytes = fields.get(b"last-event-id", asked)
    return int(given) if given.isdigit() and len(given) <= 15 else 0


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
