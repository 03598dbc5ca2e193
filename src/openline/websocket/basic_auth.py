"""HTTP Basic authentication (RFC 7617) as a ``process_request``."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from openline.exceptions import InvalidHeader
from openline.protocol.headers import build_www_authenticate_basic, parse_authorization_basic
from openline.protocol.http11 import Request, Response

if TYPE_CHECKING:
    from openline.websocket.server_connection import ServerConnection

__all__ = ["basic_auth"]


def basic_auth(
    realm: str = "",
    credentials: tuple[str, str] | Iterable[tuple[str, str]] | None = None,
    check_credentials: Callable[[str, str], Awaitable[bool] | bool] | None = None,
) -> Callable[[ServerConnection, Request], Awaitable[Response | None] | Response | None]:
    """Make a ``process_request`` that lets only known users in.

    Where it does, the connection's ``username`` is set; where not, the answer is 401 with a challenge.

    Args:
        realm: What the credentials are for; shown to the user by browsers. ASCII.
        credentials: A ``(username, password)`` pair, or several. Compared in constant time.
        check_credentials: A function or coroutine function that is given username and password and returns whether
            they are right. Exactly one of this and ``credentials`` must be given.

    Returns:
        A function for the ``process_request`` of ``serve``.

    Raises:
        ValueError: if both or neither of ``credentials`` and ``check_credentials`` are given.
        TypeError: if ``credentials`` is neither a pair of strings nor an iterable of such pairs.
    """
    if (credentials is None) == (check_credentials is None):
        raise ValueError("provide either credentials or check_credentials")
    check = check_credentials if check_credentials is not None else _fixed_credentials(credentials)

    def refuse(connection: ServerConnection, why: str) -> Response:
        response = connection.respond(HTTPStatus.UNAUTHORIZED, f"{why} credentials\n")
        response.headers["WWW-Authenticate"] = build_www_authenticate_basic(realm)
        return response

    def decide(connection: ServerConnection, username: str, valid: bool) -> Response | None:
        if not valid:
            return refuse(connection, "Invalid")
        connection.username = username
        return None

    async def decide_later(
        connection: ServerConnection, username: str, valid: Awaitable[bool]
    ) -> Response | None:
        return decide(connection, username, await valid)

    def process_request(
        connection: ServerConnection, request: Request
    ) -> Awaitable[Response | None] | Response | None:
        values = request.headers.get_all("Authorization")
        if not values:
            return refuse(connection, "Missing")
        try:
            if len(values) > 1:
                raise InvalidHeader("Authorization", "multiple values")
            username, password = parse_authorization_basic(values[0])
        except InvalidHeader:
            return refuse(connection, "Unsupported")
        valid = check(username, password)
        if isinstance(valid, Awaitable):
            return decide_later(connection, username, valid)
        return decide(connection, username, valid)

    return process_request


def _fixed_credentials(credentials: object) -> Callable[[str, str], bool]:
    passwords = {username: _digest(password) for username, password in _pairs(credentials)}
    nobody = secrets.token_bytes(32)

    def check(username: str, password: str) -> bool:
        # The same work for a user who exists and one who does not; digests, so that lengths do not show either.
        expected = passwords.get(username, nobody)
        return hmac.compare_digest(expected, _digest(password))

    return check


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode(errors="surrogateescape")).digest()


def _pairs(credentials: object) -> list[tuple[str, str]]:
    if _is_pair(credentials):
        return [cast("tuple[str, str]", credentials)]
    if isinstance(credentials, Iterable) and not isinstance(credentials, (str, bytes)):
        pairs = list(cast("Iterable[object]", credentials))
        if all(_is_pair(pair) for pair in pairs):
            return cast("list[tuple[str, str]]", pairs)
    raise TypeError("credentials must be a (username, password) pair, or several of them")


def _is_pair(value: object) -> bool:
    if not isinstance(value, (tuple, list)):
        return False
    items = cast("tuple[object, ...] | list[object]", value)
    return len(items) == 2 and all(isinstance(item, str) for item in items)
