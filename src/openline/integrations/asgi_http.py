"""An HTTP request of ASGI, as the hub reads one, and a response of ours, as ASGI wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from openline.protocol.headers import Headers
from openline.websocket.http import MAX_BODY_SIZE, HTTPRequestError, HTTPResponse

__all__ = ["ASGIRequest", "Receive", "Scope", "Send", "headers_of", "send_response"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_TIMEOUT = 20.0
"""Seconds that a whole body may take: not every server of ASGI bounds that."""


STALL_TIMEOUT = 20.0
"""Seconds in which a client must take a piece of a response of at most 64 KiB."""

_PIECE = 2**16


def headers_of(scope: Scope) -> Headers:
    """Return the header fields of a request.

    Raises:
        InvalidHeader: the server let something pass that breaks out of its line.
    """
    return Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])


class ASGIRequest:
    """See `openline.hub.transports.incoming.Incoming`.

    Args:
        scope: Of the connection, ``http`` or ``websocket``.
        receive: Of the connection.
        path: The path, as the hub sees it.

    Raises:
        InvalidHeader: see `headers_of`.
    """

    __slots__ = ("_receive", "headers", "method", "path", "query", "remote_address", "secure")

    def __init__(self, scope: Scope, receive: Receive, path: str) -> None:
        self._receive = receive
        self.method: str = scope.get("method", "GET")
        self.path = path
        self.query: str = scope.get("query_string", b"").decode("latin-1")
        self.headers = headers_of(scope)
        self.remote_address: object = scope.get("client") or ""
        self.secure: bool = scope.get("scheme") in ("https", "wss")

    async def body(self, limit: int | None = MAX_BODY_SIZE) -> bytes:
        """Read the body.

        Args:
            limit: Largest size in bytes; None: no limit.

        Raises:
            HTTPRequestError: it is larger (413), does not come within `BODY_TIMEOUT` (408), or breaks off (400).
        """
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                pieces = [piece async for piece in self._pieces(limit)]
        except TimeoutError:
            raise HTTPRequestError(408, "body did not come in time") from None
        return b"".join(pieces)

    async def _pieces(self, limit: int | None) -> AsyncIterator[bytes]:
        size = 0
        more = True
        while more:
            event = await self._receive()
            if event["type"] != "http.request":
                raise HTTPRequestError(400, "body broke off")
            piece: bytes = event.get("body", b"")
            size += len(piece)
            if limit is not None and size > limit:
                raise HTTPRequestError(413, f"body is larger than {limit} bytes")
            yield piece
            more = event.get("more_body", False)


async def send_response(response: HTTPResponse, receive: Receive, send: Send, *, head: bool = False) -> None:
    """Send a response.

    Args:
        response: The response. A body that comes piece by piece ends when the client has gone.
        receive: Of the connection.
        send: Likewise.
        head: It answers a HEAD request: the body stays here.

    Cancel: the response is cut off.
    """
    body, headers = response.body, response.headers.copy()
    if isinstance(body, bytes) and response.status not in (204, 304) and "Content-Length" not in headers:
        headers["Content-Length"] = str(len(body))
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            # Whether a connection stays open is the server's business, which knows what version of HTTP it speaks.
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.raw_items()
                if name.lower() != "connection"
            ],
        }
    )
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if head else body})
        return
    sending = asyncio.ensure_future(_send_pieces(body, send))
    leaving = asyncio.ensure_future(_wait_until_gone(receive))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        results = await asyncio.gather(sending, leaving, return_exceptions=True)
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _send_pieces(body: Any, send: Send) -> None:
    async for piece in body:
        for at in range(0, len(piece), _PIECE):
            try:
                async with asyncio.timeout(STALL_TIMEOUT):
                    await send(
                        {"type": "http.response.body", "body": piece[at : at + _PIECE], "more_body": True}
                    )
            except TimeoutError:
                return  # the server cuts off what is not complete
    await send({"type": "http.response.body", "body": b""})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
