"""WebSocket URIs (RFC 6455 section 3)."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from openline.exceptions import InvalidURI

__all__ = ["WebSocketURI", "parse_uri"]

# `urlsplit` drops some of these without a word.
_find_forbidden = re.compile(r"[\x00-\x20\x7f]").search

# Reserved characters (RFC 3986 section 2.2) and the percent sign have their meaning already.
_KEEP = ":/?#[]@!$&'()*+,;=%"


@dataclass
class WebSocketURI:
    """A WebSocket URI, in parts.

    Attributes:
        secure: True for ``wss``, False for ``ws``.
        host: Name or address in lower case; an IPv6 address without brackets.
        port: Port; 80 or 443 where the URI names none.
        path: Path, percent-encoded; may be empty.
        query: What follows the question mark, percent-encoded; may be empty.
        username: User name, decoded; None if there is none.
        password: Password, decoded; None if there is none.
    """

    secure: bool
    host: str
    port: int
    path: str
    query: str
    username: str | None = None
    password: str | None = None

    @property
    def resource_name(self) -> str:
        """Path and query as the request line has them (RFC 6455 section 3)."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def user_info(self) -> tuple[str, str] | None:
        """User name and password; None if there are none."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password


def parse_uri(uri: str) -> WebSocketURI:
    """Take a WebSocket URI apart.

    An IRI, with characters beyond ASCII, is made into a URI first.

    Raises:
        InvalidURI: It is no ``ws`` or ``wss`` URI, has a fragment, or has a user name without a password.
    """
    if _find_forbidden(uri):
        raise InvalidURI(uri, "white space or control character")
    try:
        parts = urllib.parse.urlsplit(uri)
        port = parts.port
        host = parts.hostname
        if host and not host.isascii():
            host = host.encode("idna").decode()
        username, password = (
            None if text is None else urllib.parse.unquote(text, errors="strict")
            for text in (parts.username, parts.password)
        )
    except ValueError as error:
        raise InvalidURI(uri, str(error)) from None
    if parts.scheme not in ("ws", "wss"):
        raise InvalidURI(uri, "scheme isn't ws or wss")
    if not host:
        raise InvalidURI(uri, "hostname isn't provided")
    if "#" in uri:
        raise InvalidURI(uri, "RFC 6455 section 3: fragment identifiers are not allowed")
    if username is not None and password is None:
        raise InvalidURI(uri, "username provided without password")
    secure = parts.scheme == "wss"
    path, query = (urllib.parse.quote(text, safe=_KEEP) for text in (parts.path, parts.query))
    if port is None:
        port = 443 if secure else 80
    return WebSocketURI(secure, host, port, path, query, username, password)
