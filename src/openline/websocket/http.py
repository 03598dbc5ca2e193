"""What an ``http=`` handler is given and returns: plain HTTP on the port of the WebSocket server.

``async def handler(request: HTTPRequest) -> HTTPResponse``. How the bytes pass: `openline.websocket.http_exchange`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from openline.protocol.headers import Headers, HeadersLike

if TYPE_CHECKING:
    from openline.websocket.server import Server

__all__ = ["MAX_BODY_SIZE", "HTTPHandler", "HTTPRequest", "HTTPRequestError", "HTTPResponse"]

MAX_BODY_SIZE = 2**20
"""The size that `HTTPRequest.body` allows where no other is given, in bytes."""

BodyLike = bytes | str | AsyncIterable[bytes]


class HTTPRequestError(Exception):
    """The request's body cannot be had: it is too large (413), too slow (408), or broken (400).

    A handler may catch it; where it does not, the status is what the client gets, and its connection is closed.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BodySource(Protocol):
    """Where a request reads its body from; implemented by the exchange that it is part of."""

    async def next_chunk(self) -> bytes | None:
        """Return the next bytes of the body; None at its end."""
        ...


class HTTPRequest:
    """A request that is no upgrade to WebSocket.

    Attributes:
        method: ``GET``, ``POST``, ...
        path: The path as it was sent: without the query, percent-encoding kept.
        query: What stands after ``?``, as it was sent; empty if there is none.
        headers: The header fields.
        http_version: ``1.1`` or ``1.0``.
        remote_address: The peer's address: ``(host, port, ...)`` for TCP, usually an empty string for a Unix socket.
        secure: Whether the request came over TLS.
        server: The server that received it.
    """

    __slots__ = (
        "_source",
        "headers",
        "http_version",
        "method",
        "path",
        "query",
        "remote_address",
        "secure",
        "server",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: Headers,
        http_version: str,
        remote_address: object,
        secure: bool,
        server: Server,
        source: BodySource,
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.http_version = http_version
        self.remote_address = remote_address
        self.secure = secure
        self.server = server
        self._source = source

    def __repr__(self) -> str:
        return f"<HTTPRequest {self.method} {self.path}>"

    async def body(self, limit: int | None = MAX_BODY_SIZE) -> bytes:
        """Read the body, or what is left of it.

        Args:
            limit: Largest size in bytes. None: no limit. 0: there must be none.

        Returns:
            The bytes.

        Raises:
            HTTPRequestError: if there is more than ``limit`` (before it is stored; where Content-Length says so,
                before the client is asked for it), or the body does not come.

        Cancel: the bytes read so far are lost.
        """
        length = self.headers.get_all("Content-Length")
        if limit is not None and length and int(length[0]) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        async for chunk in self:
            size += len(chunk)
            if limit is not None and size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
        return b"".join(chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes; what is not asked for is not read, so that memory stays bounded.

        Raises:
            HTTPRequestError: if the body does not come.

        Cancel: safe.
        """
        while (chunk := await self._source.next_chunk()) is not None:
            yield chunk


def _too_large(limit: int) -> HTTPRequestError:
    return HTTPRequestError(413, f"body is larger than {limit} bytes")


class HTTPResponse:
    """What the handler answers.

    Args:
        status: HTTP status, 200 to 599.
        headers: Header fields. ``Date``, ``Server``, ``Connection`` and the length are added where they are missing.
        body: Bytes; a string (sent as UTF-8, ``text/plain`` if no Content-Type is given); or an async iterable of
            bytes, sent as it comes. A body that comes piece by piece is sent in chunks, unless ``headers`` give its
            Content-Length. One without Content-Length is cancelled when the client closes its side of the
            connection; one with it is finished.

    Attributes:
        status: See above.
        headers: See above.
        body: See above; a string has become bytes.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int = 200, headers: HeadersLike = (), body: BodyLike = b"") -> None:
        if not 200 <= status <= 599:
            raise ValueError(f"status must be 200 to 599, not {status}")
        self.status = int(status)
        self.headers = Headers(headers)
        if isinstance(body, str):
            self.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            body = body.encode()
        self.body = body

    def __repr__(self) -> str:
        return f"<HTTPResponse {self.status}>"


HTTPHandler = Callable[[HTTPRequest], Awaitable[HTTPResponse]]
