"""One HTTP request and its response, on a line that is no WebSocket (yet): RFC 9112 by h11.

The opening handshake reads every request's head, so that the same limits and answers hold for all of them, and hands
over here what is no upgrade. When the response has left, the line goes back to it: the next request on the connection
may be an upgrade.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import h11

from openline.exceptions import ConcurrencyError
from openline.protocol.headers import Headers
from openline.protocol.http11 import MAX_HEAD_SIZE
from openline.websocket.http import HTTPRequest, HTTPRequestError, HTTPResponse
from openline.websocket.plain_response import http_date

if TYPE_CHECKING:
    from openline.websocket.server_opening import ServerOpening

__all__ = ["HTTPExchange"]

READ_AHEAD = 2**17
"""Bytes that may wait to be asked for (a body, or pipelined requests) before reading pauses."""

WRITE_LIMIT = 2**16
"""Bytes that may wait to be sent before a streamed body pauses."""

STALL_TIMEOUT = 20.0
"""Seconds in which a client must send at least `MIN_PROGRESS` of the body that is waited for, or take something of
the response that is waiting to leave."""

MIN_PROGRESS = 2**12
"""Bytes of the body that count as progress: a client that sends it byte by byte makes none."""

_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class HTTPExchange:
    """Receives the bytes of one request, and runs the handler that answers it."""

    __slots__ = (
        "_body_done",
        "_buffered",
        "_deadline_taken",
        "_h11",
        "_line",
        "_opening",
        "_patience",
        "_paused",
        "_progress",
        "_reader",
        "_streaming",
        "_task",
        "_writer",
    )

    def __init__(self, opening: ServerOpening) -> None:
        self._opening = opening
        self._line = opening.line
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_SIZE + READ_AHEAD)
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._buffered = 0
        self._progress = 0
        self._patience = STALL_TIMEOUT
        self._deadline_taken = 0
        self._body_done = False
        self._streaming = False
        self._paused = False

    def start(self, data: bytes) -> None:
        """Begin with the request whose head, and whatever followed, is ``data``."""
        self._h11.receive_data(data)
        self._buffered = len(data)
        if self._opening.eof:
            self._h11.receive_data(b"")
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as exc:
            self._opening.refuse(exc.error_status_hint, str(exc))
            return
        if not isinstance(event, h11.Request):
            self._opening.refuse(HTTPStatus.BAD_REQUEST, "RFC 9112 section 2.1: not an HTTP request")
            return
        if event.http_version not in (b"1.0", b"1.1"):
            self._opening.refuse(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "RFC 9112 section 2.3: not HTTP/1.1")
            return
        if event.method == b"CONNECT":
            self._opening.refuse(HTTPStatus.METHOD_NOT_ALLOWED, "CONNECT is for proxies, and this is none")
            return
        framing = {name for name, _ in event.headers} & {b"transfer-encoding", b"content-length"}
        if len(framing) == 2 or (event.http_version == b"1.0" and b"transfer-encoding" in framing):
            # Whoever stands before us may see another end of this request: how requests are smuggled.
            self._opening.refuse(HTTPStatus.BAD_REQUEST, "RFC 9112 section 6.1: ambiguous length of the body")
            return
        self._line.set_deadline(None)
        self._task = self._opening.server.spawn(self._run(self._make_request(event)))

    def _make_request(self, event: h11.Request) -> HTTPRequest:
        target = event.target.decode("ascii")
        if not target.startswith("/") and "://" in target:
            # Absolute form, as proxies get it (RFC 9112 section 3.2.2): the host is in Host already.
            parts = urlsplit(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return HTTPRequest(
            event.method.decode("ascii"),
            target,
            Headers(
                [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers.raw_items()]
            ),
            event.http_version.decode("ascii"),
            self._line.get_extra_info("peername"),
            self._line.get_extra_info("ssl_object") is not None,
            self._opening.server,
            self,
        )

    # The handler and its response.

    async def _run(self, request: HTTPRequest) -> None:
        server = self._opening.server
        try:
            await self._send(request, await self._ask_handler(request))
        except asyncio.CancelledError:
            # The client has gone, or the server has waited long enough.
            self._line.abort()
            raise
        except Exception:
            # The head has left: all that can be said now is that the response is incomplete.
            server.logger.error("HTTP response failed", exc_info=True)
            self._line.abort()
        else:
            self._end()

    async def _ask_handler(self, request: HTTPRequest) -> HTTPResponse:
        server = self._opening.server
        try:
            assert server.policy.http is not None  # or there would be no exchange
            response = cast("object", await server.policy.http(request))
            if not isinstance(response, HTTPResponse):
                raise TypeError(f"the http handler returned {type(response).__name__}, not HTTPResponse")
            # Headers that would break the response are found now, while another answer is possible.
            h11.Response(status_code=response.status, headers=_encode(response.headers))
        except HTTPRequestError as exc:
            server.logger.info("HTTP %d to %s %s: %s", exc.status, request.method, ascii(request.path), exc)
            return HTTPResponse(exc.status, body=f"{exc}\n")
        except Exception:
            server.logger.error("HTTP handler failed", exc_info=True)
            return HTTPResponse(
                500, body="Internal server error. See the server's log for more information.\n"
            )
        return response

    async def _send(self, request: HTTPRequest, response: HTTPResponse) -> None:
        # A copy: a handler may return the same response to everybody.
        body, headers = response.body, response.headers.copy()
        silent = request.method == "HEAD" or response.status in _BODILESS
        headers.setdefault("Date", http_date())
        server = self._opening.server
        if server.policy.server_header is not None:
            headers.setdefault("Server", server.policy.server_header)
        if response.status == HTTPStatus.NO_CONTENT:
            _remove(headers, "Content-Length")
        elif isinstance(body, bytes) and response.status not in _BODILESS:
            headers.setdefault("Content-Length", str(len(body)))
        if server.closing or not self._skip_body():
            _remove(headers, "Connection")
            headers["Connection"] = "close"
        head = self._serialize(
            h11.Response(
                status_code=response.status, headers=_encode(headers), reason=_reason(response.status)
            )
        )
        if isinstance(body, bytes):
            rest = b"" if silent else self._serialize(h11.Data(data=body))
            await self._write(head + rest + self._serialize(h11.EndOfMessage()))
            return
        try:
            await self._write(head)
            if not silent:
                await self._stream(body, endless="Content-Length" not in headers)
            await self._write(self._serialize(h11.EndOfMessage()))
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                await close()

    async def _stream(self, body: AsyncIterable[bytes], *, endless: bool) -> None:
        if endless and self._opening.eof:
            raise asyncio.CancelledError("the client has closed its side")
        self._streaming = endless
        async for chunk in body:
            await self._write(self._serialize(h11.Data(data=chunk)))
            # A body that never waits for anything must not hold the loop, which could not even tell that the client
            # has gone.
            await asyncio.sleep(0)
        self._streaming = False

    def _serialize(self, event: Any) -> bytes:
        # None only for a ConnectionClosed, which is never sent.
        return cast("bytes", self._h11.send(event))

    async def _write(self, data: bytes) -> None:
        if self._line.write_raw(data) <= WRITE_LIMIT:
            return
        self._writer = asyncio.get_running_loop().create_future()
        self._deadline_taken = self._line.taken
        self._line.set_deadline(STALL_TIMEOUT)
        try:
            await self._writer
        finally:
            self._writer = None
            self._line.set_deadline(None)

    def _end(self) -> None:
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._opening.resume(bytes(self._h11.trailing_data[0]))
        else:
            self._opening.close_gently()

    # The request's body.

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body; None at its end. See `HTTPRequest.__aiter__`."""
        while not self._body_done:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as exc:
                raise HTTPRequestError(exc.error_status_hint, str(exc)) from exc
            if isinstance(event, h11.Data):
                return bytes(event.data)
            if event is h11.NEED_DATA:
                await self._read_more()
            else:
                self._body_done = True
        return None

    async def _read_more(self) -> None:
        if self._reader is not None:
            raise ConcurrencyError("the body is being read by another coroutine already")
        if self._h11.they_are_waiting_for_100_continue:
            # RFC 9110 section 10.1.1: the client holds its body back until it is wanted.
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
            self._line.write_raw(self._serialize(go_on))
        loop = asyncio.get_running_loop()
        self._buffered = 0
        self._reader = loop.create_future()
        if self._paused:
            self._paused = False
            self._line.resume_raw()
        # Only the time that we wait counts, and only progress earns more of it.
        self._line.set_deadline(self._patience)
        started = loop.time()
        try:
            await self._reader
        finally:
            self._reader = None
            self._line.set_deadline(None)
        if self._progress >= MIN_PROGRESS:
            self._progress = 0
            self._patience = STALL_TIMEOUT
        else:
            self._patience = max(0.0, self._patience - (loop.time() - started))

    def _skip_body(self) -> bool:
        """Throw away what is here of a body that nobody wanted; whether that was all of it."""
        while not self._body_done:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError:
                return False
            if event is h11.NEED_DATA:
                return False
            self._body_done = not isinstance(event, h11.Data)
        return True

    # What the line calls.

    def data_received(self, data: bytes) -> None:
        """Take bytes of the body, or of a pipelined request."""
        self._h11.receive_data(data)
        self._buffered += len(data)
        self._progress += len(data)
        if self._reader is not None:
            _wake(self._reader)
        # Even then: much may come before the handler runs.
        if self._buffered >= READ_AHEAD and not self._paused:
            self._paused = True
            self._line.pause_raw()

    def eof_received(self) -> None:
        """The client will send nothing more; it may still want the response, unless that has no end of its own."""
        self._opening.eof = True
        self._h11.receive_data(b"")
        if self._reader is not None:
            _wake(self._reader)
        if self._streaming and self._task is not None:
            self._task.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: nobody waits for the response."""
        if self._task is not None:
            self._task.cancel()
        self._opening.connection_lost(exc)

    def deadline_reached(self) -> None:
        """Nothing has come, or left, for too long."""
        if self._reader is not None:
            if not self._reader.done():
                self._reader.set_exception(
                    HTTPRequestError(HTTPStatus.REQUEST_TIMEOUT, "body did not come in time")
                )
        elif self._line.taken > self._deadline_taken:
            self._deadline_taken = self._line.taken
            self._line.set_deadline(STALL_TIMEOUT)
        else:
            self._opening.server.logger.info("HTTP response aborted: the client does not read it")
            self._line.abort()

    def drained(self) -> None:
        """What was queued has left."""
        if self._writer is not None:
            _wake(self._writer)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _remove(headers: Headers, name: str) -> None:
    if name in headers:
        del headers[name]


def _encode(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.raw_items()]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
