"""What goes to a push service: the payload, encrypted for one browser (RFC 8291), and its header fields (RFC 8030)."""

from __future__ import annotations

import base64
import hashlib
from importlib import import_module
from typing import Any, Literal, NamedTuple

from openline.notifications.push.endpoints import Device

__all__ = ["MAX_PAYLOAD", "Message", "Urgency", "encrypt", "header_fields"]

_WebPusher: Any = import_module("pywebpush").WebPusher  # has no types

MAX_PAYLOAD = 3993
"""Bytes of a payload: a push service must take a body of 4096, of which encryption takes 103 (RFC 8291 section 4)."""

MAX_TTL = 28 * 86400
"""Seconds that push services keep a message; what asks for more is kept for so long."""

Urgency = Literal["very-low", "low", "normal", "high"]
"""How much a message is worth the battery (RFC 8030 section 5.3)."""

URGENCIES: tuple[Urgency, ...] = ("very-low", "low", "normal", "high")


class Message(NamedTuple):
    """One message for one browser.

    Attributes:
        device: Which.
        payload: What its service worker gets.
        expires: Seconds since 1970 when it is not worth sending any more.
        urgency: See `Urgency`.
        collapse: A message that waits at the push service is replaced by a newer one with the same text. Empty: it is
            not.
    """

    device: Device
    payload: bytes
    expires: float
    urgency: Urgency = "normal"
    collapse: str = ""


def encrypt(message: Message) -> bytes:
    """Encrypt a payload, as ``aes128gcm`` with a new key and a new salt. Takes about 0.2 ms of CPU."""
    keys = {
        "p256dh": base64.urlsafe_b64encode(message.device.p256dh).rstrip(b"=").decode(),
        "auth": base64.urlsafe_b64encode(message.device.auth).rstrip(b"=").decode(),
    }
    body: bytes = _WebPusher({"endpoint": message.device.endpoint, "keys": keys}).encode(message.payload)[
        "body"
    ]
    return body


def header_fields(message: Message, authorization: str, now: float) -> dict[str, str]:
    """Return the header fields of the request."""
    fields = {
        "Authorization": authorization,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(max(0, min(int(message.expires - now), MAX_TTL))),
        "Urgency": message.urgency,
    }
    if message.collapse:
        # At most 32 characters of base64url (RFC 8030 section 5.4), and nothing for the push service to read.
        digest = hashlib.sha256(message.collapse.encode()).digest()
        fields["Topic"] = base64.urlsafe_b64encode(digest[:24]).decode()
    return fields
