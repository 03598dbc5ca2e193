"""Exchange: answers, events, who may read them, and the end of an answer that never ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.playground.comparison.exchange import Counts, Event, Exchange, asgi
from openline.playground.own_host import is_beside


class Request:
    """A server's side of ASGI, as uvicorn plays it."""

    def __init__(self, query: bytes = b"", method: str = "GET", **headers: str) -> None:
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope: Event = {"type": "http", "method": method, "query_string": query, "headers": fields}
        self.sent: list[Event] = []
        self.gone = asyncio.Event()
        self._asked = False

    async def receive(self) -> Event:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Event) -> None:
        self.sent.append(event)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.sent[1:])


def allowed(origin: str, host: str) -> bool:
    return is_beside(origin, host, 8000)


async def ask(request: Request, technique: Any, counts: Counts | None = None) -> None:
    await asgi(technique, counts or Counts(), allowed)(request.scope, request.receive, request.send)


async def two(exchange: Exchange) -> None:
    await exchange.answer([(1, '{"n":1}'), (2, '{"n":2}')])


async def nothing(exchange: Exchange) -> None:
    await exchange.answer([])


async def test_messages_are_one_json_array() -> None:
    request, counts = Request(), Counts()
    await ask(request, two, counts)
    assert (request.status, request.body) == (200, b'[{"n":1},{"n":2}]')
    assert request.headers[b"content-length"] == b"17"
    assert request.headers[b"cache-control"] == b"no-store"
    assert counts == Counts(requests=1, delivered=2)


async def test_nothing_new_is_204_without_a_body() -> None:
    request, counts = Request(), Counts()
    await ask(request, nothing, counts)
    assert (request.status, request.body) == (204, b"")
    assert b"content-length" not in request.headers
    assert counts == Counts(requests=1, delivered=0)


@pytest.mark.parametrize(
    ("query", "last_event_id", "after"),
    [
        (b"", "", 0),
        (b"after=7", "", 7),
        (b"after=7", "9", 9),
        (b"after=-1", "", 0),
        (b"after=x", "", 0),
        (b"after=" + b"9" * 4000, "", 0),
        (b"a&b&c&d&e&f", "", 0),
    ],
)
async def test_what_the_client_has_is_read_with_care(query: bytes, last_event_id: str, after: int) -> None:
    seen: list[int] = []

    async def note(exchange: Exchange) -> None:
        seen.append(exchange.after)
        await exchange.answer([])

    headers = {"last_event_id": last_event_id} if last_event_id else {}
    await ask(Request(query, **headers), note)
    assert seen == [after]


async def test_a_page_of_the_playground_may_read_the_answer() -> None:
    request = Request(origin="http://localhost:8000", host="localhost:9000")
    await ask(request, two)
    assert request.headers[b"access-control-allow-origin"] == b"http://localhost:8000"


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:8001", "http://evil.example:8000", "null", "http://[", "", "http://localhost"],
)
async def test_other_pages_may_not(origin: str) -> None:
    request = Request(origin=origin, host="localhost:9000")
    await ask(request, two)
    assert (request.status, request.body) == (403, b"")
    assert b"access-control-allow-origin" not in request.headers


async def test_only_get_is_answered() -> None:
    request = Request(method="POST")
    await ask(request, two)
    assert request.status == 405


async def test_events_go_on_until_the_client_is_gone() -> None:
    request, counts = Request(), Counts()
    begun = asyncio.Event()

    async def events(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(3, '{"n":3}')
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(ask(request, events, counts))
    await begun.wait()
    assert request.headers[b"content-type"] == b"text/event-stream"
    assert request.body == b'id: 3\ndata: {"n":3}\n\n'
    assert counts.delivered == 1
    request.gone.set()
    await task  # no CancelledError: uvicorn would log it as a failure


async def test_a_cancellation_of_somebody_else_is_not_swallowed() -> None:
    begun = asyncio.Event()

    async def events(exchange: Exchange) -> None:
        await exchange.begin_events()
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(ask(Request(), events))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
