"""Who a visitor is: a random id in a signed cookie, and the name and colour that he chose himself."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from typing import Any, cast

from openline.hub import Connect, Session, Unauthorized
from openline.hub.stores.base import Store
from openline.protocol.cookies import cookie_values

COOKIE = "visitor"
MAX_NAME = 32  # characters
COLORS = 8  # as many as the pages have tints
NAMELESS = "Guest"

_LIFETIME = 365 * 24 * 3600  # seconds
_ID_SIZE = 8  # bytes
_KEY = ("playground", "visitor-key")


class Visitors:
    """Makes visitors' cookies, and reads them.

    Args:
        key: Signs them. With another key all visitors are new ones.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def user_of(self, headers: Mapping[str, str]) -> str | None:
        """Return the id of whoever sent these header fields; None: he has no cookie of ours."""
        try:
            values = cookie_values([headers.get("Cookie", "")], COOKIE)
        except LookupError:  # the header came twice
            return None
        if not values:
            return None
        user, _, signature = values[0].partition(".")
        return user if hmac.compare_digest(signature.encode(), self._sign(user)) else None

    def new_cookie(self, *, secure: bool) -> str:
        """Return a ``Set-Cookie`` for somebody new.

        Args:
            secure: Whether it is to go over TLS alone.
        """
        user = secrets.token_hex(_ID_SIZE)
        only = "; Secure" if secure else ""
        return f"{COOKIE}={user}.{self._sign(user).decode()}; Path=/; Max-Age={_LIFETIME}; HttpOnly; SameSite=Lax{only}"

    def who(self, session: Session, data: Any) -> Connect:
        """The hub's ``on_connect``: whose cookie is it, and what does he call himself?"""
        user = self.user_of(session.request.headers)
        if user is None:
            raise Unauthorized
        return Connect(user=user, info=person_of(data))

    def _sign(self, user: str) -> bytes:
        return hmac.digest(self._key, user.encode(), hashlib.sha256).hex()[:32].encode()


async def visitors_of(store: Store) -> Visitors:
    """Return what reads visitors' cookies, by the key that the store keeps; the first time, one is made."""
    key = await store.get(*_KEY)
    if key is None:
        await store.put(*_KEY, secrets.token_bytes(32), expect=0)
        key = await store.get(*_KEY)
        assert key is not None
    return Visitors(key.value)


def person_of(data: Any) -> dict[str, Any]:
    """Make of what a page said of its visitor what others may be shown: ``{"name": str, "color": 0-7}``."""
    said = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    color = said.get("color")
    return {
        "name": name_of(said.get("name")),
        "color": color if type(color) is int and 0 <= color < COLORS else 0,
    }


def name_of(wanted: object) -> str:
    """Make a name of what somebody wants to be called: one line, `MAX_NAME` characters, nothing invisible."""
    if not isinstance(wanted, str):
        return NAMELESS
    # Control characters, also those that turn the direction of text, lone surrogates, and what is not assigned.
    seen = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in wanted[: 4 * MAX_NAME])
    return " ".join(seen.split())[:MAX_NAME].strip() or NAMELESS
