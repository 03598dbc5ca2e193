"""What tells, after the password was given once, that it is still the admin who asks: a signed token that expires.

Nothing is kept: the signature covers when it expires. Its key is made of ``admin_secret`` and the password, so another
password ends all tokens; without ``admin_secret`` so does a new start.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

__all__ = ["LIFETIME", "AdminTokens"]

LIFETIME = 8 * 3600
"""Seconds that a token is valid."""

_BODY = struct.Struct(">Q8s")  # when it expires, in seconds since 1970, and what makes it unlike others
_SIGNATURE = hashlib.sha256().digest_size


class AdminTokens:
    """Makes and verifies tokens, and compares passwords.

    Args:
        password: The admin's.
        secret: For signing; None: a random one.
    """

    def __init__(self, password: str, secret: str | None) -> None:
        first = secret.encode() if secret else secrets.token_bytes(32)
        self._key = hmac.digest(first, b"openline admin\0" + password.encode(), "sha256")
        self._password = self._hash(password)

    def _hash(self, password: str) -> bytes:
        # So that what is compared has the same length, whatever was given.
        return hmac.digest(self._key, password.encode(errors="replace"), "sha256")

    def is_password(self, given: str) -> bool:
        """Tell whether this is the password; takes the same time whatever is wrong with it."""
        return hmac.compare_digest(self._hash(given), self._password)

    def make(self, now: float) -> str:
        """Make a token, at a time in seconds since 1970."""
        body = _BODY.pack(int(now) + LIFETIME, secrets.token_bytes(8))
        return base64.urlsafe_b64encode(body + self._sign(body)).decode().rstrip("=")

    def is_valid(self, token: str, now: float) -> bool:
        """Tell whether this is a token of ours that has not expired."""
        if len(token) > 100:
            return False
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return False
        if len(raw) != _BODY.size + _SIGNATURE:
            return False
        body, signature = raw[: _BODY.size], raw[_BODY.size :]
        return hmac.compare_digest(signature, self._sign(body)) and _BODY.unpack(body)[0] > now

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"token\0" + body, "sha256")
