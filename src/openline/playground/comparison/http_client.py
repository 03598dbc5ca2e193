"""An HTTP client that costs little: one connection, one request at a time, the header fields that a browser sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httptools

BROWSER = (
    "Connection: keep-alive\r\n"
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"\r\n'
    "sec-ch-ua-mobile: ?0\r\n"
    'sec-ch-ua-platform: "Linux"\r\n'
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36\r\n"
    "Accept: */*\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: cors\r\n"
    "Sec-Fetch-Dest: empty\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\n"
)
"""What a page's fetch sends, besides Host, Referer and cookies."""


def get(path: str, host: str, more: str = "") -> bytes:
    """Return a request as a browser's page sends it.

    Args:
        path: The path.
        host: The Host, and the page's.
        more: Further lines, each with its end.
    """
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{BROWSER}Referer: http://{host}/\r\n{more}\r\n".encode()


class HTTPClient(asyncio.Protocol):
    """One connection, kept alive.

    Args:
        on_body: Called with each piece of an answer's body.
        on_answer: Called with the status when an answer is complete; not while it never ends.
        on_lost: Called when the connection is lost, unless it was `close` that ended it.
    """

    def __init__(
        self, on_body: Callable[[bytes], None], on_answer: Callable[[int], None], on_lost: Callable[[], None]
    ) -> None:
        self._on_body = on_body
        self._on_answer = on_answer
        self._on_lost = on_lost
        self._parser: Any = None
        self._transport: asyncio.Transport | None = None
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if not self._closed:
            self._closed = True
            self._on_lost()

    def ask(self, request: bytes) -> None:
        """Send a request; the answer before must be complete."""
        assert self._transport is not None
        self._parser = httptools.HttpResponseParser(self)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
        self._transport.write(request)

    def close(self) -> None:
        """End the connection. Idempotent."""
        self._closed = True
        if self._transport is not None:
            self._transport.close()

    # What the parser calls.

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._on_body(body)

    def on_message_complete(self) -> None:
        """The whole answer."""
        self._on_answer(self._parser.get_status_code())
