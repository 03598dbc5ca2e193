"""VAPID (RFC 8292): the key by which push services know this application, and the tokens it signs.

Browsers bind a subscription to the public key: when the key is lost, all subscriptions are. So it is made once, and
kept.
"""

from __future__ import annotations

import os
import re
import time
from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from typing import Any, Self, cast

from openline.hub.stores.base import Store

__all__ = ["VapidKeys", "check_contact"]

# Neither has types.
_Vapid: Any = import_module("py_vapid").Vapid02
_encode_base64: Any = import_module("py_vapid.utils").b64urlencode

_LIFETIME = 12 * 3600
"""Seconds that a token is good for; at most 24 hours (RFC 8292 section 2)."""

_MAX_ORIGINS = 1000
"""Push services whose tokens are kept. There are few; but endpoints come from clients."""


class VapidKeys:
    """A key pair on the curve P-256. Make one with `generate`, `from_pem`, `from_file` or `from_store`.

    Attributes:
        public_key: What a browser's ``pushManager.subscribe`` wants as ``applicationServerKey``: base64url.
    """

    def __init__(self, vapid: Any) -> None:
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = vapid.private_key
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError("a VAPID key is an elliptic one, on the curve P-256")
        self._vapid = vapid
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public_key: str = _encode_base64(point)
        self._tokens: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<VapidKeys {self.public_key}>"

    @classmethod
    def generate(cls) -> Self:
        """Make a new pair."""
        vapid = _Vapid()
        vapid.generate_keys()
        return cls(vapid)

    @classmethod
    def from_pem(cls, pem: bytes | str) -> Self:
        """Take a private key in PEM (PKCS 8, not encrypted).

        Raises:
            ValueError: it is none.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(f"this is no private key in PEM: {error}") from None
        return cls(_Vapid(key))

    def to_pem(self) -> bytes:
        """Return the private key in PEM. Keep it secret."""
        return cast("bytes", self._vapid.private_pem())

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read the key from a file; where there is none, make it, for its owner alone to read.

        Raises:
            OSError: it can be neither read nor made.
            ValueError: it holds no key.
        """
        path = Path(path)
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(cls.generate().to_pem())
                    file.flush()
                    os.fsync(file.fileno())
                # Another process may have made it meanwhile: a link never replaces, and shows a whole file or none.
                if not path.exists():
                    _link(fresh, path)
            finally:
                fresh.unlink()
        return cls.from_pem(path.read_bytes())

    @classmethod
    async def from_store(cls, store: Store, name: str = "vapid") -> Self:
        """Read the key from a store that was started; where there is none, make it. All nodes get the same.

        Raises:
            StoreDown: the store cannot be reached.
            ValueError: what is there is no key.
        """
        row = await store.get(_TABLE, name)
        if row is None:
            made = cls.generate()
            if await store.put(_TABLE, name, made.to_pem(), expect=0) is not None:
                return made
            row = await store.get(_TABLE, name)
            assert row is not None
        return cls.from_pem(row.value)

    def authorization(self, origin: str, contact: str) -> str:
        """Return the header field ``Authorization`` for a push service (RFC 8292 section 3).

        Args:
            origin: Its scheme, host and port.
            contact: Whom it may write to: a ``mailto:`` or ``https:`` URI.

        Raises:
            ValueError: the contact is neither.
        """
        now = time.time()
        known = self._tokens.get((origin, contact))
        if known is not None and known[0] - now > _LIFETIME / 2:
            self._tokens.move_to_end((origin, contact))
            return known[1]
        check_contact(contact)
        expires = int(now) + _LIFETIME
        try:
            fields = self._vapid.sign({"aud": origin, "exp": expires, "sub": contact})
        except Exception as error:  # its own kind, which is not worth importing
            raise ValueError(f"no token for {origin}: {error}") from None
        self._tokens[origin, contact] = expires, fields["Authorization"]
        if len(self._tokens) > _MAX_ORIGINS:
            self._tokens.popitem(last=False)
        return cast("str", fields["Authorization"])


_TABLE = "web-push-keys"

_CONTACT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^/\s]+[^\s]*")


def check_contact(contact: str) -> None:
    """Refuse what is no contact for push services.

    Raises:
        ValueError: it is neither a ``mailto:`` nor an ``https:`` URI.
    """
    if not _CONTACT.fullmatch(contact):
        raise ValueError(f"a contact is a mailto: or https: URI, not {contact!r}")


def _link(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return
