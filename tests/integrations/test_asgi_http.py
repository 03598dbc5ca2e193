"""HTTP requests and responses of ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from openline.exceptions import InvalidHeader
from openline.integrations import asgi_http
from openline.integrations.asgi_http import ASGIRequest, send_response
from openline.websocket.http import HTTPRequestError, HTTPResponse


class Connection:
    """What a server of ASGI hands over: events to receive, and what was sent."""

    def __init__(self, *events: Any, **scope: Any) -> None:
        self.scope = {"type": "http", "method": "POST", "headers": [], **scope}
        self.events = list(events)
        self.sent: list[Any] = []
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        if self.events:
            return self.events.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Any) -> None:
        self.sent.append(event)

    def request(self) -> ASGIRequest:
        return ASGIRequest(self.scope, self.receive, "/path")


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_what_is_read_of_a_scope() -> None:
    scope = {
        "scheme": "https",
        "query_string": b"a=%20b",
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-a", b"1"), (b"x-a", b"caf\xe9")],
    }
    request = Connection(**scope).request()
    assert (request.method, request.path, request.query) == ("POST", "/path", "a=%20b")
    assert request.headers.get_all("X-A") == ["1", "caf\xe9"]
    assert (request.remote_address, request.secure) == (("10.0.0.1", 5), True)
    bare = Connection().request()
    assert (bare.query, bare.remote_address, bare.secure) == ("", "", False)


async def test_headers_that_break_out_of_their_line_are_refused() -> None:
    with pytest.raises(InvalidHeader):
        Connection(headers=[(b"x", b"a\r\nb: c")]).request()


async def test_a_body_in_parts() -> None:
    request = Connection(part(b"ab"), part(b""), part(b"c", more=False)).request()
    assert await request.body(3) == b"abc"


async def test_a_body_that_is_larger_is_not_kept() -> None:
    connection = Connection(part(b"ab"), part(b"cd"), part(b"never asked for"))
    with pytest.raises(HTTPRequestError) as refused:
        await connection.request().body(3)
    assert refused.value.status == 413
    assert len(connection.events) == 1


async def test_a_body_that_breaks_off_or_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HTTPRequestError) as refused:
        await Connection(part(b"ab"), {"type": "http.disconnect"}).request().body()
    assert refused.value.status == 400
    monkeypatch.setattr(asgi_http, "BODY_TIMEOUT", 0.01)
    with pytest.raises(HTTPRequestError) as refused:
        await Connection(part(b"ab")).request().body()
    assert refused.value.status == 408


async def test_a_whole_response_has_its_length_and_leaves_the_connection_to_the_server() -> None:
    connection = Connection()
    response = HTTPResponse(413, {"Connection": "close", "X-A": "b"}, "too large\n")
    await send_response(response, connection.receive, connection.send)
    start, body = connection.sent
    assert start["status"] == 413
    assert start["headers"] == [
        (b"x-a", b"b"),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"10"),
    ]
    assert body == {"type": "http.response.body", "body": b"too large\n"}
    assert "Content-Length" not in response.headers, "the handler may return it again"


async def test_head_and_no_content() -> None:
    connection = Connection()
    await send_response(HTTPResponse(200, body=b"abc"), connection.receive, connection.send, head=True)
    await send_response(HTTPResponse(204), connection.receive, connection.send)
    assert connection.sent[0]["headers"] == [(b"content-length", b"3")]
    assert connection.sent[1]["body"] == b""
    assert connection.sent[2]["headers"] == []


class Pieces:
    """A body whose end is seen."""

    def __init__(self, *pieces: bytes, endless: bool = False) -> None:
        self.pieces, self.endless, self.closed = list(pieces), endless, 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.endless:
            await asyncio.Event().wait()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_streamed_response_is_sent_in_parts_of_64_kib() -> None:
    connection, body = Connection(), Pieces(b"a", b"b" * 100_000)
    await send_response(HTTPResponse(200, body=body), connection.receive, connection.send)
    parts = [event["body"] for event in connection.sent[1:]]
    assert [len(one) for one in parts] == [1, 65536, 34464, 0]
    assert [event.get("more_body", False) for event in connection.sent[1:]] == [True, True, True, False]
    assert body.closed == 1


async def test_a_stream_ends_when_its_client_goes() -> None:
    connection, body = Connection(), Pieces(b"a", endless=True)
    sending = asyncio.ensure_future(
        send_response(HTTPResponse(200, body=body), connection.receive, connection.send)
    )
    while len(connection.sent) < 2:  # noqa: ASYNC110
        await asyncio.sleep(0)
    connection.gone.set()
    await sending
    assert body.closed == 1


async def test_a_client_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_http, "STALL_TIMEOUT", 0.01)

    class Stalled(Connection):
        async def send(self, event: Any) -> None:
            if event["type"] == "http.response.body":
                await asyncio.Event().wait()

    connection, body = Stalled(), Pieces(b"a", endless=True)
    await send_response(HTTPResponse(200, body=body), connection.receive, connection.send)
    assert body.closed == 1


async def test_a_body_that_fails_is_closed_and_says_so() -> None:
    class Failing(Pieces):
        async def __anext__(self) -> bytes:
            raise ZeroDivisionError

    connection, body = Connection(), Failing()
    with pytest.raises(ZeroDivisionError):
        await send_response(HTTPResponse(200, body=body), connection.receive, connection.send)
    assert body.closed == 1
