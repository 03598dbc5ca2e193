"""Keys by name, from a URL (JWK Set, RFC 7517): fetched when a token names one that is not known.

Fetching is bounded, whatever clients send: one request at a time, at most one every ``jwks_min_interval`` seconds. What
could not be asked for just now is a temporary error, since the key may well be new; only a set that was asked for after
the token had come says that there is no such key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from openline.hub.auth.failures import KeysUnavailable, TokenInvalid
from openline.hub.auth.fetch import Document, FetchFailed
from openline.hub.auth.keys import VerificationKey, key_from_jwk
from openline.hub.options import TokenOptions

__all__ = ["MAX_KEYS", "MAX_SET_SIZE", "RemoteKeys"]

MAX_SET_SIZE = 2**18
"""Largest JWK Set, in bytes."""

MAX_KEYS = 100
"""Keys of a set that are used; those after them are not."""

TIMEOUT = 10.0
"""Seconds that a request for the set may take."""

logger = logging.getLogger(__name__)

_FAMILIES = {"RSA": "RS", "EC": "ES"}


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


_set = msgspec.json.Decoder(_Set)


class RemoteKeys:
    """The keys that are published at a URL. Used in one loop's thread.

    Args:
        options: ``jwks_url`` and what belongs to it.

    Raises:
        ValueError: the URL is not allowed.
    """

    def __init__(self, options: TokenOptions) -> None:
        try:
            self._document = Document(
                options.jwks_url or "",
                insecure=options.jwks_insecure,
                max_size=MAX_SET_SIZE,
                timeout=TIMEOUT,
            )
        except ValueError as error:
            raise ValueError(f"jwks_url: {error}") from None
        self._min_interval = options.jwks_min_interval
        self._max_age = options.jwks_max_age
        self._keys: dict[tuple[str, str], VerificationKey] = {}
        self._task: asyncio.Task[None] | None = None
        self._asked = float("-inf")
        self._answered = float("-inf")
        self._failure: str | None = None

    def find(self, name: str, kind: str) -> VerificationKey | None:
        """Return a key that is known.

        A set that has grown old is asked for anew meanwhile, so that keys that were withdrawn end.

        Args:
            name: Its ``kid``.
            kind: ``RS`` or ``ES``.
        """
        key = self._keys.get((name, kind))
        if key is not None:
            now = asyncio.get_running_loop().time()
            if now - self._answered > self._max_age and self._may_ask(now):
                self._ask(now)
        return key

    async def fetch(self, name: str, kind: str) -> VerificationKey:
        """Return a key that `find` did not know.

        Raises:
            TokenInvalid: there is no such key.
            KeysUnavailable: it is not known whether there is.

        Cancel: safe; the request goes on for others.
        """
        now = asyncio.get_running_loop().time()
        begun_for_this = self._may_ask(now)
        if begun_for_this:
            task = self._ask(now)
        elif self._task is not None:
            task = self._task
        else:
            raise KeysUnavailable(self._failure or "the set was asked for a moment ago")
        await asyncio.shield(task)
        key = self._keys.get((name, kind))
        if key is not None:
            return key
        if self._failure is not None or not begun_for_this:
            raise KeysUnavailable(self._failure or "the set was asked for before this token came")
        raise TokenInvalid("its key is not in the set")

    def close(self) -> None:
        """Give up the request that is going on. Idempotent."""
        if self._task is not None:
            self._task.cancel()

    def _may_ask(self, now: float) -> bool:
        return self._task is None and now - self._asked >= self._min_interval

    def _ask(self, now: float) -> asyncio.Task[None]:
        self._asked = now
        self._task = asyncio.create_task(self._refresh(), name="openline: token keys")
        return self._task

    async def _refresh(self) -> None:
        try:
            self._keys = _keys_of(await self._document.get())
        except FetchFailed as error:
            self._failure = str(error)
            logger.warning("the keys for tokens could not be fetched: %s", error)
        except asyncio.CancelledError:
            # Nobody but `close` and the end of the loop cancels this; those who wait get an answer all the same.
            self._failure = "the server is closing"
        else:
            self._failure = None
            self._answered = asyncio.get_running_loop().time()
        finally:
            self._task = None


def _keys_of(document: bytes) -> dict[tuple[str, str], VerificationKey]:
    try:
        described = _set.decode(document).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FetchFailed(f"the answer is no JWK Set: {error}") from None
    keys: dict[tuple[str, str], VerificationKey] = {}
    for one in described[:MAX_KEYS]:
        name, family = one.get("kid"), _family(one)
        if not isinstance(name, str) or family is None:
            continue
        try:
            keys[name, family] = key_from_jwk(one)
        except ValueError as error:
            logger.warning("the key %r of the JWK Set is not used: %s", name, error)
    return keys


def _family(jwk: Mapping[str, Any]) -> str | None:
    kind = jwk.get("kty")
    return _FAMILIES.get(kind) if isinstance(kind, str) else None
