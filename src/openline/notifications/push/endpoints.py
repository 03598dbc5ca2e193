"""Which subscriptions are taken, and where messages may go.

A subscription comes from a client, and names a URL to which this server will send a request: without care it could be
made to knock at doors of the network that it stands in. So an endpoint must be https, and every address that is
connected to must be public. The address is looked at where the socket is made, after the name was resolved and with
nothing in between: a name that resolves otherwise the second time gains nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import msgspec

__all__ = [
    "BadSubscription",
    "Device",
    "PrivateAddress",
    "is_public",
    "open_socket",
    "origin_of",
    "parse_subscription",
]

MAX_ENDPOINT = 1024
"""Characters of an endpoint. Those of today's push services have 200 to 500."""


class BadSubscription(ValueError):
    """What a client calls a push subscription cannot be used."""


class PrivateAddress(OSError):
    """An endpoint has an address that is not public."""


class Device(msgspec.Struct, array_like=True, gc=False):
    """A browser that gets Web Push.

    Attributes:
        id: Of the endpoint; does not give it away.
        endpoint: Where messages go. Who knows it and the keys could write to the browser: not shown to others.
        p256dh: The browser's public key.
        auth: The secret that it shares.
        name: What the client calls it.
        added: Milliseconds since 1970.
    """

    id: str
    endpoint: str
    p256dh: bytes
    auth: bytes
    name: str = ""
    added: int = 0


class _Keys(msgspec.Struct):
    p256dh: str
    auth: str


class _Subscription(msgspec.Struct):
    """``PushSubscription.toJSON()``; what else it says (``expirationTime``) is not looked at."""

    endpoint: str
    keys: _Keys


def parse_subscription(value: Any, *, allow_private: bool = False) -> Device:
    """Make a device of what ``PushSubscription.toJSON()`` gave.

    Args:
        value: The object.
        allow_private: Take http and addresses that are not public, too.

    Raises:
        BadSubscription: it is none, or cannot be used.
    """
    try:
        subscription = msgspec.convert(value, _Subscription)
    except msgspec.ValidationError as error:
        raise BadSubscription(f"this is no push subscription: {error}") from None
    check_endpoint(subscription.endpoint, allow_private=allow_private)
    p256dh, auth = _decode(subscription.keys.p256dh), _decode(subscription.keys.auth)
    if len(auth) != 16:
        raise BadSubscription("the key auth must have 16 bytes (RFC 8291 section 3.2)")
    _check_point(p256dh)
    digest = hashlib.sha256(subscription.endpoint.encode()).digest()
    id_ = base64.urlsafe_b64encode(digest[:15]).decode()
    return Device(id_, subscription.endpoint, p256dh, auth)


def check_endpoint(endpoint: str, *, allow_private: bool = False) -> None:
    """Check the URL of a push service, as far as one sees by looking at it.

    Raises:
        BadSubscription: no message will go there.
    """
    if (
        not endpoint.isascii()
        or not endpoint.isprintable()
        or " " in endpoint
        or len(endpoint) > MAX_ENDPOINT
    ):
        raise BadSubscription(f"an endpoint is a URL of at most {MAX_ENDPOINT} ASCII characters")
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadSubscription(f"an endpoint must be a URL: {error}") from None
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise BadSubscription("an endpoint must be https")
    if not host or "@" in parts.netloc or parts.fragment or "\\" in endpoint:
        raise BadSubscription("an endpoint must have a host, and neither user nor fragment")
    if not allow_private and not _may_be_public(host):
        raise BadSubscription("an endpoint must be public")


def origin_of(endpoint: str) -> str:
    """Return scheme, host and port of an endpoint, as a token's audience has them (RFC 6454 section 6.2)."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    default = 443 if parts.scheme == "https" else 80
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, also inside of IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.sixtofour is not None or ip.teredo is not None or ip in _COMPATIBLE:
            return False  # tunnels, to wherever
        elif ip.is_site_local:
            return False  # fec0::/10, which `ipaddress` takes for global
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def open_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make the socket for a connection to this address; aiohttp calls it just before it connects.

    Raises:
        PrivateAddress: the address is not public.
    """
    family, kind, protocol, _, where = address
    if not is_public(where[0]):
        raise PrivateAddress(f"{where[0]} is not a public address")
    return socket.socket(family, kind, protocol)


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def _may_be_public(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        return "." in name and not name.endswith((".localhost", ".local", ".internal"))
    return is_public(host)


def _decode(text: str) -> bytes:
    if len(text) > 200:
        raise BadSubscription("the keys of a subscription have 65 and 16 bytes")
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadSubscription("the keys of a subscription are base64url") from None


def _check_point(point: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    try:
        if len(point) != 65:
            raise ValueError
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise BadSubscription("the key p256dh must be a point of P-256, uncompressed") from None
