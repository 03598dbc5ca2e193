"""`serve(http=...)`: plain HTTP beside the WebSockets, against clients that send bytes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from openline import (
    ConcurrencyError,
    HTTPRequest,
    HTTPRequestError,
    HTTPResponse,
    ServerConnection,
    connect,
    serve,
)
from openline.websocket import http_exchange, server_opening

from .wire import Wire, client_frame, dial, server_frame, until, upgrade_request, uri_of

pytestmark = pytest.mark.engine


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


def get(path: str = "/", *, method: str = "GET", body: bytes | None = None, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


async def read_chunked(wire: Wire) -> bytes:
    body = b""
    while size := int(await wire.reader.readuntil(b"\r\n"), 16):
        body += await wire.read(size)
        assert await wire.read(2) == b"\r\n"
    assert await wire.read(2) == b"\r\n"
    return body


# Requests.


async def test_request_as_the_handler_sees_it() -> None:
    seen: list[HTTPRequest] = []

    async def handler(request: HTTPRequest) -> HTTPResponse:
        seen.append(request)
        return HTTPResponse(body=await request.body())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get("/a%20b?c=%20d&e", method="POST", body=b"hello", X_Test="1"))
        answer = await wire.read_answer()
        assert (answer.status, answer.body) == (200, b"hello")
        (request,) = seen
        assert (request.method, request.path, request.query) == ("POST", "/a%20b", "c=%20d&e")
        assert request.headers["x-test"] == "1"
        assert request.http_version == "1.1"
        assert request.remote_address == wire.writer.get_extra_info("sockname")
        assert request.secure is False
        assert request.server is server
        assert "/a%20b" in repr(request)


async def test_secure(server_tls: Any, client_tls: Any) -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=str(request.secure))

    async with serve(echo, "127.0.0.1", 0, http=handler, ssl=server_tls) as server:
        port = server.sockets[0].getsockname()[1]
        wire = Wire(*await asyncio.open_connection("127.0.0.1", port, ssl=client_tls))
        wire.send(get())
        assert (await wire.read_answer()).body == b"True"
        await wire.close()


async def test_absolute_form_of_the_target() -> None:
    """RFC 9112 section 3.2.2."""

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=f"{request.path} {request.query}")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get("http://localhost/path?query") + get("http://localhost"))
        assert (await wire.read_answer()).body == b"/path query"
        assert (await wire.read_answer()).body == b"/ "


async def test_chunked_body_piece_by_piece() -> None:
    pieces: list[bytes] = []

    async def handler(request: HTTPRequest) -> HTTPResponse:
        async for piece in request:
            pieces.append(piece)
        return HTTPResponse(204)

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", Transfer_Encoding="chunked") + b"5\r\nhello\r\n")
        await until(lambda: pieces)
        wire.send(b"6\r\n world\r\n0\r\n\r\n")
        answer = await wire.read_head()
        assert answer.status == 204
        assert "Content-Length" not in answer.headers
        assert b"".join(pieces) == b"hello world"
        wire.send(get(method="POST", body=b""))
        assert (await wire.read_head()).status == 204


@pytest.mark.parametrize("announced", [True, False])
async def test_413_when_the_body_is_too_large(announced: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="openline.server")

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=await request.body(limit=10))

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        if announced:
            wire.send(get(method="POST", body=bytes(11)))
        else:
            wire.send(get(method="POST", Transfer_Encoding="chunked") + b"b\r\n" + bytes(11) + b"\r\n")
        answer = await wire.read_answer()
        assert answer.status == 413
        assert b"larger than 10 bytes" in answer.body
        assert "HTTP 413 to POST" in caplog.text


async def test_default_limit_of_the_body() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=str(len(await request.body())))

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", body=bytes(2**20)))
        assert (await wire.read_answer()).body == str(2**20).encode()
        wire.send(get(method="POST", Content_Length=str(2**20 + 1)))
        assert (await wire.read_answer()).status == 413
        assert await wire.read_to_end() == b""


async def test_413_may_be_caught() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        try:
            await request.body(0)
        except HTTPRequestError as exc:
            return HTTPResponse(400, body=f"caught {exc.status}")
        return HTTPResponse()

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", body=b"x"))
        assert (await wire.read_answer()).body == b"caught 413"


async def test_expect_100_continue() -> None:
    """RFC 9110 section 10.1.1: the client is told to go on when the body is wanted, and not before."""

    async def handler(request: HTTPRequest) -> HTTPResponse:
        if request.path == "/unwanted":
            return HTTPResponse(403, body="no")
        return HTTPResponse(body=await request.body())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server:
        async with dial(server) as wire:
            wire.send(get(method="POST", Content_Length="5", Expect="100-continue"))
            assert (await wire.read_head()).status == 100
            wire.send(b"hello")
            assert (await wire.read_answer()).body == b"hello"
        async with dial(server) as wire:
            wire.send(get("/unwanted", method="POST", Content_Length="5", Expect="100-continue"))
            answer = await wire.read_answer()
            assert answer.status == 403
            assert answer.headers["Connection"] == "close"
            assert await wire.read_to_end() == b""


async def test_body_that_nobody_reads() -> None:
    """If it is here, the connection lives on; if not, waiting for it would cost more than a new connection."""

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body="ok")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server:
        async with dial(server) as wire:
            wire.send(get(method="POST", body=b"unread"))
            assert "Connection" not in (await wire.read_answer()).headers
            wire.send(get())
            assert (await wire.read_answer()).status == 200
        async with dial(server) as wire:
            wire.send(get(method="POST", Content_Length="10000000") + bytes(1000))
            assert (await wire.read_answer()).headers["Connection"] == "close"
            assert await wire.read_to_end() == b""


async def test_reading_pauses_while_the_body_is_not_asked_for() -> None:
    go_on = asyncio.Event()
    total = 0

    async def handler(request: HTTPRequest) -> HTTPResponse:
        nonlocal total
        await go_on.wait()
        async for piece in request:
            assert len(piece) <= 4 * http_exchange.READ_AHEAD
            total += len(piece)
        return HTTPResponse(body=str(total))

    size = 2**26
    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", Content_Length=str(size)))
        block = bytes(2**16)
        sent = await wire.send_until_it_blocks(block, size) * len(block)
        go_on.set()
        while sent < size:
            wire.send(block)
            sent += len(block)
            await wire.writer.drain()
        assert (await wire.read_answer()).body == str(size).encode()


async def test_408_when_the_body_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_exchange, "STALL_TIMEOUT", 0.1)

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=await request.body())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", Content_Length="100"))

        async def drip() -> None:
            for _ in range(99):
                wire.send(b"x")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await wire.read_answer()).status == 408
        dripping.cancel()


async def test_body_that_ends_early() -> None:
    errors: list[HTTPRequestError] = []

    async def handler(request: HTTPRequest) -> HTTPResponse:
        try:
            await request.body()
        except HTTPRequestError as exc:
            errors.append(exc)
            raise
        return HTTPResponse()

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", Content_Length="100") + b"part")
        wire.writer.write_eof()
        assert (await wire.read_answer()).status == 400
        assert [error.status for error in errors] == [400]


@pytest.mark.parametrize(
    "request_",
    [
        get(method="POST", Content_Length="5", Transfer_Encoding="chunked, chunked"),
        get(method="POST", Content_Length="-5"),
        b"GET / HTTP/1.1\r\nX: y\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_broken_requests_are_refused(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="openline.server")

    async def handler(request: HTTPRequest) -> HTTPResponse:
        raise AssertionError("must not be called")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        caplog.clear()
        wire.send(request_)
        answer = await wire.read_answer()
        assert answer.status in (400, 405, 501, 505)
        assert answer.headers["Connection"] == "close"
        assert await wire.read_to_end() == b""
        assert [record.levelname for record in caplog.records] == ["INFO"]


# Responses.


async def test_headers_that_are_added_and_those_that_are_kept() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        if request.path == "/own":
            return HTTPResponse(
                headers={"Server": "mine", "Date": "today", "Content-Type": "text/html"}, body="x"
            )
        return HTTPResponse(body="é")

    async with (
        serve(echo, "127.0.0.1", 0, http=handler, server_header="test") as server,
        dial(server) as wire,
    ):
        wire.send(get() + get("/own"))
        answer = await wire.read_answer()
        assert answer.headers["Server"] == "test"
        assert answer.headers["Date"].endswith("GMT")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.body == "é".encode()
        answer = await wire.read_answer()
        assert (answer.headers["Server"], answer.headers["Date"]) == ("mine", "today")
        assert answer.headers["Content-Type"] == "text/html"


async def test_response_may_be_given_to_everybody() -> None:
    constant = HTTPResponse(404, body="nothing here")

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return constant

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        for _ in range(2):
            wire.send(get())
            answer = await wire.read_answer()
            assert (answer.status, answer.body) == (404, b"nothing here")
        wire.send(get(Connection="close"))
        assert (await wire.read_answer()).headers["Connection"] == "close"
        assert "Connection" not in constant.headers
        assert "Date" not in constant.headers


async def test_head_has_the_length_and_no_body() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        raise AssertionError("must not be asked")
        yield b""

    async def handler(request: HTTPRequest) -> HTTPResponse:
        if request.path == "/pieces":
            return HTTPResponse(headers={"Content-Length": "1000"}, body=pieces())
        return HTTPResponse(body="hello")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="HEAD"))
        assert (await wire.read_head()).headers["Content-Length"] == "5"
        wire.send(get("/pieces", method="HEAD"))
        assert (await wire.read_head()).headers["Content-Length"] == "1000"
        wire.send(get())
        assert (await wire.read_answer()).body == b"hello"


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_streamed_response() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        length = {"Content-Length": "11"} if request.path == "/length" else {}
        return HTTPResponse(headers=length, body=pieces_of(b"hello", b"", b" world"))

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get() + get("/length"))
        answer = await wire.read_head()
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert await read_chunked(wire) == b"hello world"
        answer = await wire.read_answer()
        assert "Transfer-Encoding" not in answer.headers
        assert answer.body == b"hello world"


async def test_http_1_0() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=pieces_of(b"hello", b" world"))

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(b"GET / HTTP/1.0\r\n\r\n")
        answer = await wire.read_head()
        assert "Transfer-Encoding" not in answer.headers
        assert await wire.read_to_end() == b"hello world"


async def test_streamed_response_waits_for_a_slow_client() -> None:
    produced = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal produced
        while True:
            produced += 2**16
            yield bytes(2**16)

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=endless())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get())
        await wire.read_head()
        before = -1
        while produced != before:
            before = produced
            await asyncio.sleep(0.1)
        assert produced < 2**26
        for _ in range(200):
            await wire.read(2**16)
        assert produced > before


async def test_client_that_goes_cancels_a_streamed_response() -> None:
    cancelled = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=endless())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server:
        async with dial(server) as wire:
            wire.send(get())
            await wire.read_head()
        await cancelled.wait()


async def test_body_that_never_waits_does_not_hold_the_loop() -> None:
    cancelled = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            cancelled.set()

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=endless())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server:
        async with dial(server) as wire:
            wire.send(get())
            await wire.read_head()
            async with connect(uri_of(server)) as ws:
                await ws.send("meanwhile")
                assert await ws.recv() == "meanwhile"
            wire.writer.transport.abort()
        await cancelled.wait()


async def test_client_that_does_not_read_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="openline.server")
    monkeypatch.setattr(http_exchange, "STALL_TIMEOUT", 0.1)

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=bytes(2**26))

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get())
        await wire.read_head()
        await until(lambda: "does not read it" in caplog.text)


async def test_response_that_fails_in_the_middle(caplog: pytest.LogCaptureFixture) -> None:
    """It must not look complete."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("on purpose")

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=broken())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get())
        try:
            rest = await wire.read_to_end()
        except ConnectionError:
            rest = b""
        assert not rest.endswith(b"0\r\n\r\n")
    assert "HTTP response failed" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: 1 / 0,
        lambda: "a string",
        lambda: HTTPResponse(99),
        lambda: HTTPResponse(headers={"X": "a\r\nY: b"}),
        lambda: HTTPResponse(headers={"a b": "c"}),
        lambda: HTTPResponse(headers={"X": "\u2028"}),
    ],
)
async def test_500_when_the_handler_fails(wrong: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        return wrong() if request.path == "/wrong" else HTTPResponse(body="fine")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get("/wrong"))
        assert (await wire.read_answer()).status == 500
        wire.send(get())
        assert (await wire.read_answer()).body == b"fine"
        (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
        assert record.exc_info is not None


# The connection.


async def test_keep_alive_pipelining_and_upgrade() -> None:
    """RFC 9112 section 9.3, and then RFC 6455 on the same connection."""
    order: list[str] = []

    async def handler(request: HTTPRequest) -> HTTPResponse:
        await asyncio.sleep(0.01 if request.path == "/1" else 0)
        order.append(request.path)
        return HTTPResponse(body=request.path)

    async with serve(echo, "127.0.0.1", 0, http=handler, compression=None) as server, dial(server) as wire:
        wire.send(get("/1") + get("/2", method="POST", body=b"x") + get("/3"))
        for path in ("/1", "/2", "/3"):
            assert (await wire.read_answer()).body == path.encode()
        wire.send(get("/4") + upgrade_request() + client_frame(1, b"hi"))
        assert (await wire.read_answer()).body == b"/4"
        assert (await wire.read_head()).status == 101
        assert await wire.read(4) == server_frame(1, b"hi")
        assert order == ["/1", "/2", "/3", "/4"]


async def test_rfc_9112_section_2_2_empty_line_after_a_body() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=await request.body())

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", body=b"one") + b"\r\n" + get(method="POST", body=b"two"))
        assert (await wire.read_answer()).body == b"one"
        assert (await wire.read_answer()).body == b"two"


async def test_pipelined_requests_are_bounded() -> None:
    go_on = asyncio.Event()

    async def handler(request: HTTPRequest) -> HTTPResponse:
        await go_on.wait()
        return HTTPResponse()

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        sent = 8 * await wire.send_until_it_blocks(get("/" + "x" * 8000) * 8, 2**26)
        go_on.set()
        for _ in range(sent):
            assert (await wire.read_answer()).status == 200


async def test_upgrade_does_not_reach_the_http_handler() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        raise AssertionError("must not be called")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server:
        async with connect(uri_of(server)) as ws:
            await ws.send("hi")
            assert await ws.recv() == "hi"
        async with dial(server) as wire:
            wire.send(upgrade_request(Sec_WebSocket_Key="bad"))
            assert (await wire.read_answer()).status == 400


async def test_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_opening, "KEEP_ALIVE_TIMEOUT", 0.05)

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body="ok")

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get())
        await wire.read_answer()
        assert await wire.read_to_end() == b""


async def test_second_request_has_open_timeout() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        await asyncio.sleep(0.6)  # the handler has the time it needs
        return HTTPResponse(body="ok")

    async with serve(echo, "127.0.0.1", 0, http=handler, open_timeout=0.4) as server, dial(server) as wire:
        wire.send(get())
        assert (await wire.read_answer()).body == b"ok"
        wire.send(b"GET /")
        with contextlib.suppress(ConnectionResetError):
            assert await wire.read_to_end() == b""


async def test_half_closed_client_gets_its_answers() -> None:
    async def handler(request: HTTPRequest) -> HTTPResponse:
        await asyncio.sleep(0.02)
        return HTTPResponse(body=request.path)

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get("/1") + get("/2"))
        wire.writer.write_eof()
        assert (await wire.read_answer()).body == b"/1"
        assert (await wire.read_answer()).body == b"/2"
        assert await wire.read_to_end() == b""


async def test_server_that_closes_lets_requests_end() -> None:
    asked = asyncio.Event()

    async def handler(request: HTTPRequest) -> HTTPResponse:
        if request.path == "/slow":
            asked.set()
            await asyncio.sleep(0.05)
        return HTTPResponse(body="ok")

    async with (
        serve(echo, "127.0.0.1", 0, http=handler) as server,
        dial(server) as idle,
        dial(server) as slow,
    ):
        idle.send(get())
        await idle.read_answer()
        slow.send(get("/slow"))
        await asked.wait()
        server.close()
        assert await idle.read_to_end() == b""
        answer = await slow.read_answer()
        assert (answer.status, answer.headers["Connection"]) == (200, "close")


async def test_server_that_closes_cancels_requests_without_end() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.01)

    async def handler(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=endless())

    async with serve(echo, "127.0.0.1", 0, http=handler, close_timeout=0.1) as server, dial(server) as wire:
        wire.send(get())
        await wire.read_head()
        server.close()
        await server.wait_closed()


async def test_two_readers_of_one_body() -> None:
    failures: list[BaseException] = []
    both = asyncio.Event()

    async def handler(request: HTTPRequest) -> HTTPResponse:
        first = asyncio.create_task(request.body())
        await asyncio.sleep(0)
        try:
            await request.body()
        except ConcurrencyError as exc:
            failures.append(exc)
        both.set()
        return HTTPResponse(body=await first)

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        wire.send(get(method="POST", Content_Length="5"))
        await both.wait()
        wire.send(b"hello")
        assert (await wire.read_answer()).body == b"hello"
        assert len(failures) == 1


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
        ("1.1", "Content-Length: 3\r\nTransfer-Encoding: chunked"),
        ("1.0", "Transfer-Encoding: chunked"),
    ],
)
async def test_rfc_9112_6_1_a_body_whose_end_is_ambiguous_is_refused(version: str, headers: str) -> None:
    seen: list[HTTPRequest] = []

    async def handler(request: HTTPRequest) -> HTTPResponse:
        seen.append(request)
        return HTTPResponse()

    async with serve(echo, "127.0.0.1", 0, http=handler) as server, dial(server) as wire:
        ambiguous = f"POST / HTTP/{version}\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n"
        wire.send(ambiguous.encode() + get("/smuggled"))
        answer = await wire.read_answer()
        assert (answer.status, answer.headers["Connection"]) == (400, "close")
        assert await wire.read_to_end() == b""
    assert seen == []
