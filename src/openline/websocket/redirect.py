"""Following HTTP redirects during the opening handshake (RFC 6455 section 4.1), without giving secrets away."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin

from openline.exceptions import InvalidStatus, SecurityError
from openline.protocol.headers import Headers
from openline.protocol.uri import WebSocketURI, parse_uri

__all__ = ["MAX_REDIRECTS", "Destination", "follow_redirect"]

MAX_REDIRECTS = int(os.environ.get("OPENLINE_MAX_REDIRECTS", "10"))

_REDIRECT_STATUSES = frozenset({300, 301, 302, 303, 307, 308})

# What a server must not learn because another one sent the client there; and the name of that other one.
_OF_THE_ORIGIN = frozenset({"authorization", "cookie", "proxy-authorization", "host"})

_SECURE_SCHEMES = {"http": "ws", "https": "wss"}


class Destination(NamedTuple):
    """Where to connect, and the headers to send there."""

    text: str
    uri: WebSocketURI
    additional_headers: Headers | None


def follow_redirect(
    exc: InvalidStatus, origin: Destination, kwargs: Mapping[str, object]
) -> Destination | None:
    """Find where a response sends the client.

    Args:
        exc: The refusal, with the server's response.
        origin: Where the client tried to connect.
        kwargs: The keyword arguments of ``connect`` that concern the socket.

    Returns:
        The next destination; None if the response is no redirect.

    Raises:
        InvalidURI: if the response points to something that is no WebSocket URI.
        SecurityError: if it leads from TLS to plain text.
        ValueError: if it cannot be followed with the arguments that were given.
    """
    response = exc.response
    try:
        location = response.headers["Location"]
    except LookupError:  # there is none, or several
        return None
    if response.status_code not in _REDIRECT_STATUSES:
        return None
    text = urljoin(origin.text, location)
    scheme, separator, rest = text.partition("://")
    # Servers say http(s) where they mean the same place; urljoin keeps what they say.
    text = _SECURE_SCHEMES.get(scheme.lower(), scheme) + separator + rest
    uri = parse_uri(text)
    if kwargs.get("sock") is not None:
        raise ValueError(f"cannot follow redirect to {text} with a preexisting socket")
    if origin.uri.secure and not uri.secure:
        raise SecurityError(f"cannot follow redirect to non-secure URI {text}")
    old, new = origin.uri, uri
    if (old.secure, old.host, old.port) == (new.secure, new.host, new.port):
        return Destination(text, uri, origin.additional_headers)
    if kwargs.get("path") is not None:
        raise ValueError(f"cannot follow cross-origin redirect to {text} with a Unix socket")
    if kwargs.get("host") is not None or kwargs.get("port") is not None:
        raise ValueError(f"cannot follow cross-origin redirect to {text} with an explicit host or port")
    return Destination(text, uri, _for_strangers(origin.additional_headers))


def _for_strangers(headers: Headers | None) -> Headers | None:
    if headers is None:
        return None
    return Headers(
        [(name, value) for name, value in headers.raw_items() if name.lower() not in _OF_THE_ORIGIN]
    )
