"""JSON Web Tokens: who a client is, and what it may subscribe to.

A token is verified in place: nothing suspends, unless it names a key that has to be fetched (`openline.hub.auth.jwks`).
"""

from __future__ import annotations

import binascii
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from openline.hub.auth.claims import (
    ConnectionClaims,
    ServerSubscription,
    SubscriptionClaims,
    connection_claims,
    subscription_claims,
)
from openline.hub.auth.failures import KeysUnavailable, TokenExpired, TokenInvalid
from openline.hub.auth.jwks import RemoteKeys
from openline.hub.auth.keys import ALGORITHMS, VerificationKey, ecdsa_key, hmac_key, rsa_key
from openline.hub.options import TokenOptions

__all__ = [
    "MAX_TOKEN_SIZE",
    "ConnectionClaims",
    "KeysUnavailable",
    "ServerSubscription",
    "SubscriptionClaims",
    "TokenExpired",
    "TokenInvalid",
    "TokenVerifier",
]

MAX_TOKEN_SIZE = 2**16
"""Characters of a token; a longer one is refused before any work is done on it."""

T = TypeVar("T")


class _Header(msgspec.Struct):
    """RFC 7515 section 4.1. ``crit`` and ``b64`` change what the rest means, in ways that are not supported here."""

    alg: str
    kid: str | None = None
    crit: msgspec.Raw = msgspec.Raw()
    b64: bool = True


_header = msgspec.json.Decoder(_Header)
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")


class TokenVerifier:
    """Verifies tokens by the keys of one `TokenOptions`.

    Where there is a ``jwks_url``, tokens of an algorithm RS or ES that have a ``kid`` are verified by the key of that
    name; all others by the key that was configured for their kind. A kind without a key is refused.

    Args:
        options: Keys and demands.

    Raises:
        ValueError: a key is none, or too weak; ``jwks_url`` is not allowed. The text names the option.
    """

    def __init__(self, options: TokenOptions) -> None:
        self._options = options
        self._keys: dict[str, VerificationKey] = {}
        for kind, name, make in (
            ("HS", "hmac_secret", hmac_key),
            ("RS", "rsa_public_key", rsa_key),
            ("ES", "ecdsa_public_key", ecdsa_key),
        ):
            value: str | None = getattr(options, name)
            if value is not None:
                try:
                    self._keys[kind] = make(value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        self._remote = RemoteKeys(options) if options.jwks_url is not None else None

    def verify_connection(self, token: str) -> ConnectionClaims | Awaitable[ConnectionClaims]:
        """Verify a connection token.

        Args:
            token: As the client sent it.

        Returns:
            What it says; awaitable only where a key has to be fetched.

        Raises (also when awaited): `TokenInvalid`, `TokenExpired`, `KeysUnavailable`.

        Cancel: safe; a fetch that is going on is finished for others.
        """
        return self._verify(token, connection_claims)

    def verify_subscription(self, token: str) -> SubscriptionClaims | Awaitable[SubscriptionClaims]:
        """Verify a subscription token; as `verify_connection`. The caller compares user, channel and client."""
        return self._verify(token, subscription_claims)

    def close(self) -> None:
        """Give up a fetch that is going on; who waits for it gets `KeysUnavailable`. Idempotent."""
        if self._remote is not None:
            self._remote.close()

    def _verify(self, token: str, read: Callable[[bytes, TokenOptions, float], T]) -> T | Awaitable[T]:
        if len(token) > MAX_TOKEN_SIZE:
            raise TokenInvalid(f"it is longer than {MAX_TOKEN_SIZE} characters")
        try:
            signed, signature = token.encode("ascii").rsplit(b".", 1)
            first, payload = signed.split(b".")
            header = _header.decode(_unbase64(first))
        except (ValueError, RecursionError) as error:
            raise TokenInvalid(f"it is malformed: {error}") from None
        if bytes(header.crit) or not header.b64:
            raise TokenInvalid("its header has crit or b64 (RFC 7515 section 4.1.11, RFC 7797)")
        if header.alg not in ALGORITHMS:
            raise TokenInvalid("its algorithm is not supported")

        def finish(key: VerificationKey) -> T:
            if header.alg not in key.algorithms:
                raise TokenInvalid(f"its key is not one for {header.alg}")
            if not key.verify(header.alg, signed, _unbase64(signature)):
                raise TokenInvalid("its signature is wrong")
            return read(_unbase64(payload), self._options, time.time())

        kind = header.alg[:2]
        if self._remote is not None and header.kid and kind != "HS":
            known = self._remote.find(header.kid, kind)
            if known is None:
                return self._finish_later(self._remote, header.kid, kind, finish)
            return finish(known)
        if kind not in self._keys:
            raise TokenInvalid(f"there is no key for {header.alg}")
        return finish(self._keys[kind])

    async def _finish_later(
        self, remote: RemoteKeys, name: str, kind: str, finish: Callable[[VerificationKey], T]
    ) -> T:
        return finish(await remote.fetch(name, kind))


def _unbase64(segment: bytes) -> bytes:
    """Decode base64url without padding (RFC 7515 section 2).

    Raises:
        TokenInvalid: it is something else.
    """
    if b"+" in segment or b"/" in segment or b"=" in segment:
        raise TokenInvalid("it is not base64url")
    try:
        return binascii.a2b_base64(
            segment.translate(_TO_BASE64) + b"=" * (-len(segment) % 4), strict_mode=True
        )
    except ValueError:
        raise TokenInvalid("it is not base64url") from None
