"""The opening handshake (RFC 6455 section 4): all of its checks, on both sides, as functions without state.

A server reads a `Request`, gives it to `accept_request`, and answers with what comes back, or with `refuse`
of the exception that was raised. A client sends what `client_request` makes, and gives the answer to
`check_response`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openline.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidProtocol,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    SecurityError,
)
from openline.protocol.extensions.base import ClientExtensionFactory, Extension, ServerExtensionFactory
from openline.protocol.headers import (
    ExtensionHeader,
    Headers,
    build_authorization_basic,
    build_extensions,
    build_host,
    build_subprotocols,
    is_host,
    parse_extensions,
    parse_products,
    parse_tokens,
)
from openline.protocol.http11 import Request, Response
from openline.protocol.origins import is_listed
from openline.protocol.uri import WebSocketURI

__all__ = [
    "Accepted",
    "accept_key",
    "accept_request",
    "check_response",
    "client_request",
    "generate_key",
    "is_upgrade",
    "refuse",
]

VERSION = "13"

# Section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# Section 4.2.1, item 1: an origin-form, or an absolute URI; neither with a fragment (section 3).
_is_target = re.compile(r"(?:https?://|wss?://|/)[^#]*", re.IGNORECASE).fullmatch


@dataclass(slots=True)
class Accepted:
    """What a successful handshake agreed on.

    Attributes:
        response: The response with status 101; headers may be added before a server sends it.
        extensions: The extensions in use, in the order in which they apply to what is sent.
        subprotocol: The subprotocol; None: none was agreed on.
    """

    response: Response
    extensions: tuple[Extension, ...]
    subprotocol: str | None


# What a server answers with, by what is wrong: the first row that fits. A header's name narrows a row down.
_OTHER_VERSION = {"Upgrade": "websocket", "Sec-WebSocket-Version": VERSION}
# fmt: off
_REFUSALS: tuple[tuple[type[InvalidHandshake], str | None, int, dict[str, str]], ...] = (
    (InvalidMethod,      None,                    405, {"Allow": "GET"}),
    (InvalidUpgrade,     None,                    426, {"Upgrade": "websocket"}),
    (InvalidHeaderValue, "Sec-WebSocket-Version", 426, _OTHER_VERSION),
    (InvalidProtocol,    None,                    505, {}),
    (InvalidOrigin,      None,                    403, {}),
    (SecurityError,      None,                    431, {}),
    (InvalidHandshake,   None,                    400, {}),
)
# fmt: on


def refuse(error: InvalidHandshake) -> Response:
    """Make the response that tells a client why its handshake failed (sections 4.2.2 and 4.4).

    Args:
        error: What `accept_request` or `openline.protocol.http11.parse_request` raised.
    """
    status, headers = next(
        (status, headers)
        for cls, name, status, headers in _REFUSALS
        if isinstance(error, cls) and (name is None or getattr(error, "name", None) == name)
    )
    phrase = http.HTTPStatus(status).phrase
    body = f"Failed to open a WebSocket connection: {error}.\n".encode()
    # RFC 9110 section 7.8: who sends Upgrade lists it in Connection.
    connection = "close, Upgrade" if "Upgrade" in headers else "close"
    return Response(
        status,
        phrase,
        Headers(
            {
                **headers,
                "Connection": connection,
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Length": str(len(body)),
            }
        ),
        body,
    )


def generate_key() -> str:
    """Make a key for one handshake: sixteen random bytes in base64 (section 4.1, item 7)."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def accept_key(key: str) -> str:
    """Make the value of Sec-WebSocket-Accept that answers ``key`` (section 4.2.2, item 5.4)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def is_upgrade(request: Request) -> bool:
    """Tell whether a request asks for a WebSocket, rightly or not; otherwise it is plain HTTP."""
    try:
        _check_upgrade(request.headers)
    except InvalidHandshake:
        return False
    return True


# ------------------------------------------------------------------------------------------------ server


def accept_request(
    request: Request,
    *,
    origins: Sequence[str | re.Pattern[str] | None] | None = None,
    extensions: Sequence[ServerExtensionFactory] | None = None,
    subprotocols: Sequence[str] | None = None,
    select_subprotocol: Callable[[Sequence[str]], str | None] | None = None,
) -> Accepted:
    """Check a client's opening handshake, and agree on extensions and a subprotocol (section 4.2).

    Args:
        request: The request.
        origins: Allowed values of Origin: strings, patterns that must match all of it, and None for a request
            without one. None allows all.
        extensions: Extensions to use if the client offers them. None: none.
        subprotocols: Subprotocols, the preferred one first; a client that offers none of them is refused.
            None or
            empty: no subprotocol.
        select_subprotocol: Chooses among the subprotocols that the client offers, instead of the rule above;
            returns None for none, and may raise `NegotiationError` to refuse.

    Returns:
        The response to send, and what was agreed on.

    Raises:
        InvalidMethod: The method is not GET.
        InvalidUpgrade: This is no request for a WebSocket.
        InvalidProtocol: The version of HTTP is below 1.1.
        InvalidHeader: Another header is missing or wrong.
        InvalidOrigin: The origin is not allowed.
        InvalidMessage: The request target is wrong, or there is a body.
        NegotiationError: There is no common subprotocol.
        ValueError: ``select_subprotocol`` chose one that was not offered.
    """
    headers = request.headers
    if request.method != "GET":
        raise InvalidMethod(request.method)
    _check_upgrade(headers)
    if not request.protocol.startswith("HTTP/1.") or request.protocol == "HTTP/1.0":
        raise InvalidProtocol(request.protocol)
    if not _is_target(request.path):
        raise InvalidMessage(f"RFC 6455 section 4.2.1: invalid request target: {request.path}")
    if not is_host(host := _single(headers, "Host")):
        raise InvalidHeaderValue("Host", host)
    _check_no_body(headers)
    key = _single(headers, "Sec-WebSocket-Key")
    _check_key(key)
    if (version := _single(headers, "Sec-WebSocket-Version")) != VERSION:
        raise InvalidHeaderValue("Sec-WebSocket-Version", version)
    _check_origin(headers, origins)

    response = Response(101, "Switching Protocols", Headers())
    response.headers["Upgrade"] = "websocket"
    response.headers["Connection"] = "Upgrade"
    response.headers["Sec-WebSocket-Accept"] = accept_key(key)
    accepted, accepted_headers = _choose_extensions(headers, extensions or ())
    if accepted_headers:
        response.headers["Sec-WebSocket-Extensions"] = build_extensions(accepted_headers)
    subprotocol = _choose_subprotocol(headers, subprotocols or (), select_subprotocol)
    if subprotocol is not None:
        response.headers["Sec-WebSocket-Protocol"] = subprotocol
    return Accepted(response, accepted, subprotocol)


def _check_no_body(headers: Headers) -> None:
    """Refuse a body: its bytes would be taken for frames (RFC 9112 section 6)."""
    if "Transfer-Encoding" in headers:
        raise InvalidHeader("Transfer-Encoding", "no body allowed in an opening handshake")
    if any(length != "0" for length in headers.get_all("Content-Length")):
        raise InvalidHeader("Content-Length", "no body allowed in an opening handshake")


def _check_key(key: str) -> None:
    """Section 4.2.1, item 5."""
    try:
        size = len(base64.b64decode(key, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != 16:
        raise InvalidHeaderValue("Sec-WebSocket-Key", key)


def _check_origin(headers: Headers, origins: Sequence[str | re.Pattern[str] | None] | None) -> None:
    """Sections 4.2.2 (item 4) and 10.2; RFC 6454 section 7.3 for the number."""
    origin = _single(headers, "Origin") if "Origin" in headers else None
    if origins is not None and not is_listed(origin, origins):
        raise InvalidOrigin(origin)


def _choose_extensions(
    headers: Headers, factories: Sequence[ServerExtensionFactory]
) -> tuple[tuple[Extension, ...], list[ExtensionHeader]]:
    """Take of the client's offers those that a factory agrees to; the others are declined (section 9.1)."""
    accepted: list[Extension] = []
    accepted_headers: list[ExtensionHeader] = []
    for name, offered in parse_extensions(headers.get_all("Sec-WebSocket-Extensions")):
        for factory in factories:
            if factory.name != name:
                continue
            try:
                agreed, extension = factory.process_request_params(offered, accepted)
                _check_reserved_bits(extension, accepted)
            except NegotiationError:
                continue
            accepted.append(extension)
            accepted_headers.append((name, agreed))
            break
    return tuple(accepted), accepted_headers


def _choose_subprotocol(
    headers: Headers,
    subprotocols: Sequence[str],
    select: Callable[[Sequence[str]], str | None] | None,
) -> str | None:
    """Section 4.2.2, item 5. An empty header counts as none: old clients send it."""
    offered = parse_tokens("Sec-WebSocket-Protocol", headers.get_all("Sec-WebSocket-Protocol"))
    if len(set(offered)) < len(offered):  # section 4.1, item 10
        raise InvalidHeaderValue("Sec-WebSocket-Protocol", ", ".join(offered))
    if select is not None:
        chosen = select(offered)
        if chosen is not None and chosen not in offered:
            raise ValueError(f"RFC 6455 section 4.2.2: subprotocol {chosen!r} was not offered")
        return chosen
    if not subprotocols:
        return None
    for subprotocol in subprotocols:
        if subprotocol in offered:
            return subprotocol
    raise NegotiationError(
        f"RFC 6455 section 4.2.2: client offers subprotocols {', '.join(offered) or 'none'}; "
        f"expected one of {', '.join(subprotocols)}"
    )


# ------------------------------------------------------------------------------------------------ client


def client_request(
    uri: WebSocketURI,
    *,
    origin: str | None = None,
    extensions: Sequence[ClientExtensionFactory] | None = None,
    subprotocols: Sequence[str] | None = None,
    key: str | None = None,
) -> Request:
    """Make a client's opening handshake (section 4.1).

    Args:
        uri: Where to connect; a user name and password in it become an Authorization header.
        origin: Value of Origin. None: no such header; only browsers must send one.
        extensions: Extensions to offer, the preferred one first. None or empty: none.
        subprotocols: Subprotocols to offer, the preferred one first. None or empty: none.
        key: The key. None: a new one, as each handshake needs it.

    Returns:
        The request; headers may be added before it is sent.

    Raises:
        ValueError: A subprotocol is no token, or is named twice.
        TypeError: ``subprotocols`` is a string.
    """
    headers = Headers()
    headers["Host"] = build_host(uri.host, uri.port, uri.secure)
    headers["Upgrade"] = "websocket"
    headers["Connection"] = "Upgrade"
    headers["Sec-WebSocket-Key"] = generate_key() if key is None else key
    headers["Sec-WebSocket-Version"] = VERSION
    if origin is not None:
        headers["Origin"] = origin
    if extensions:
        offers = [(factory.name, factory.get_request_params()) for factory in extensions]
        headers["Sec-WebSocket-Extensions"] = build_extensions(offers)
    if subprotocols:
        headers["Sec-WebSocket-Protocol"] = build_subprotocols(subprotocols)
    if uri.user_info is not None:
        headers["Authorization"] = build_authorization_basic(*uri.user_info)
    return Request(uri.resource_name, headers)


def check_response(
    request: Request,
    response: Response,
    *,
    extensions: Sequence[ClientExtensionFactory] | None = None,
    subprotocols: Sequence[str] | None = None,
) -> Accepted:
    """Check a server's answer to an opening handshake (section 4.1).

    Args:
        request: The request, as it was sent.
        response: The response.
        extensions: The extensions that were offered.
        subprotocols: The subprotocols that were offered.

    Returns:
        The response, and what was agreed on.

    Raises:
        InvalidStatus: The status is not 101.
        InvalidUpgrade: Upgrade or Connection does not grant a WebSocket.
        InvalidHeader: Sec-WebSocket-Accept is missing or wrong, or another header is.
        NegotiationError: The server uses an extension or a subprotocol that was not offered.
    """
    if response.status_code != 101:
        raise InvalidStatus(response)
    headers = response.headers
    _check_upgrade(headers, only=True)
    accept = _single(headers, "Sec-WebSocket-Accept")
    if accept != accept_key(request.headers["Sec-WebSocket-Key"]):
        raise InvalidHeaderValue("Sec-WebSocket-Accept", accept)
    return Accepted(
        response,
        _confirm_extensions(headers, extensions or ()),
        _confirm_subprotocol(headers, subprotocols or ()),
    )


def _confirm_extensions(
    headers: Headers, factories: Sequence[ClientExtensionFactory]
) -> tuple[Extension, ...]:
    """Section 4.1, item 5 of the response: every extension must be one that was offered."""
    accepted: list[Extension] = []
    for name, agreed in parse_extensions(headers.get_all("Sec-WebSocket-Extensions")):
        problem = NegotiationError(f"RFC 6455 section 4.1: server uses an extension not offered: {name}")
        for factory in factories:
            if factory.name != name:
                continue
            try:
                extension = factory.process_response_params(agreed, accepted)
                _check_reserved_bits(extension, accepted)
            except NegotiationError as error:
                problem = error
                continue
            accepted.append(extension)
            break
        else:
            raise problem
    return tuple(accepted)


def _confirm_subprotocol(headers: Headers, offered: Sequence[str]) -> str | None:
    """Section 4.1, item 6 of the response."""
    chosen = parse_tokens("Sec-WebSocket-Protocol", headers.get_all("Sec-WebSocket-Protocol"))
    if not chosen:
        return None
    if len(chosen) > 1:
        raise InvalidHeader("Sec-WebSocket-Protocol", f"multiple values: {', '.join(chosen)}")
    if chosen[0] not in offered:
        raise NegotiationError(f"RFC 6455 section 4.1: server uses a subprotocol not offered: {chosen[0]}")
    return chosen[0]


# ------------------------------------------------------------------------------------------------ both


def _single(headers: Headers, name: str) -> str:
    """Return the value of a header that must stand there exactly once."""
    values = headers.get_all(name)
    if len(values) > 1:
        raise InvalidHeader(name, "multiple values")
    if not values:
        raise InvalidHeader(name)
    return values[0]


def _check_upgrade(headers: Headers, *, only: bool = False) -> None:
    """Sections 4.1 and 4.2.1: Connection must list ``Upgrade``, and Upgrade ``websocket``, in any case of
    letters.

    Args:
        only: Whether Upgrade must list nothing else, as in a response.
    """
    if headers.get_all("Upgrade") == ["websocket"] and headers.get_all("Connection") == ["Upgrade"]:
        return  # as nearly everybody writes it
    upgrade = [protocol.lower() for protocol in parse_products("Upgrade", headers.get_all("Upgrade"))]
    if "websocket" not in upgrade or (only and len(upgrade) > 1):
        raise InvalidUpgrade("Upgrade", ", ".join(upgrade) or None)
    connection = [option.lower() for option in parse_tokens("Connection", headers.get_all("Connection"))]
    if "upgrade" not in connection:
        raise InvalidUpgrade("Connection", ", ".join(connection) or None)


def _check_reserved_bits(extension: Extension, accepted: Sequence[Extension]) -> None:
    """Section 9.1: extensions that use the same reserved bit cannot be used together."""
    if any(extension.rsv & other.rsv for other in accepted):
        raise NegotiationError(f"RFC 6455 section 9.1: {extension.name} needs a reserved bit that is taken")
