"""Responses that end a handshake in plain words."""

from __future__ import annotations

from http import HTTPStatus

from openline.protocol.headers import Headers
from openline.protocol.http11 import Response

__all__ = ["http_date", "plain_response"]


def plain_response(status: HTTPStatus | int, text: str) -> Response:
    """Make a response of plain text, after which the connection is closed.

    Args:
        status: HTTP status code.
        text: The body; sent as UTF-8.
    """
    status = HTTPStatus(status)
    body = text.encode()
    headers = Headers.from_checked(
        [
            ("Date", http_date()),
            ("Connection", "close"),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/plain; charset=utf-8"),
        ]
    )
    return Response(status.value, status.phrase, headers, body)


def http_date() -> str:
    """Write the time now as the Date header has it (RFC 9110 section 6.6.1)."""
    # Imported here since it takes long, and most programs refuse nobody.
    from email.utils import formatdate

    return formatdate(usegmt=True)
