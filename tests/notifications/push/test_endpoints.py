"""Which subscriptions are taken, and where messages may go."""

from __future__ import annotations

import base64
import socket
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from openline.notifications.push.endpoints import (
    BadSubscription,
    PrivateAddress,
    check_endpoint,
    is_public,
    open_socket,
    origin_of,
    parse_subscription,
)

ENDPOINT = "https://push.example/send/abcdef"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def a_point() -> bytes:
    key = generate_private_key(SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def subscription(
    endpoint: str = ENDPOINT, *, p256dh: str | None = None, auth: str | None = None
) -> dict[str, Any]:
    """What a browser's ``PushSubscription.toJSON()`` gives."""
    keys = {"p256dh": p256dh or base64url(a_point()), "auth": auth or base64url(b"0123456789abcdef")}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


def test_a_subscription_becomes_a_device() -> None:
    value = subscription()
    device = parse_subscription(value)
    assert device.endpoint == ENDPOINT
    assert base64url(device.p256dh) == value["keys"]["p256dh"]
    assert device.auth == b"0123456789abcdef"
    assert device.id == parse_subscription(subscription()).id
    assert device.id != parse_subscription(subscription(ENDPOINT + "g")).id
    assert "abcdef" not in device.id


@pytest.mark.parametrize(
    "value",
    [
        None,
        "https://push.example/",
        {},
        {"endpoint": ENDPOINT},
        {"endpoint": ENDPOINT, "keys": {"p256dh": "AA"}},
        subscription(auth=base64url(b"short")),
        subscription(auth="!" * 22),
        subscription(auth="A" * 10_000),
        subscription(p256dh=base64url(b"\x04" + bytes(64))),  # not on the curve
        subscription(p256dh=base64url(b"\x02" + bytes(32))),
        subscription(p256dh="é"),
    ],
)
def test_what_is_no_subscription_is_refused(value: Any) -> None:
    with pytest.raises(BadSubscription):
        parse_subscription(value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "ftp://push.example/x",
        "https:///x",
        "//push.example/x",
        "https://user@push.example/x",
        "https://push.example@127.0.0.1/x",
        "https://push.example/x#y",
        "https://push.example\\@127.0.0.1/x",
        "https://push.example/x y",
        "https://push.example/\r\nHost: x",
        "https://push.example:99999/x",
        "https://[::1/x",
        "https://push.exämple/x",
        "https://push.example/" + "x" * 1024,
        "https://localhost/x",
        "https://LOCALHOST./x",
        "https://printer.local/x",
        "https://intranet/x",
        "https://metadata.google.internal/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[fd00::1]/x",
        "https://0.0.0.0/x",
    ],
)
def test_an_endpoint_must_be_https_and_public(endpoint: str) -> None:
    with pytest.raises(BadSubscription):
        check_endpoint(endpoint)


def test_an_option_allows_what_is_private_but_not_what_is_malformed() -> None:
    for endpoint in ("http://localhost:1234/x", "https://10.0.0.1/x", "https://intranet/x"):
        check_endpoint(endpoint, allow_private=True)
    for endpoint in ("ftp://localhost/x", "http://user@localhost/x", "http:///x"):
        with pytest.raises(BadSubscription):
            check_endpoint(endpoint, allow_private=True)
    for endpoint in (ENDPOINT, "https://8.8.8.8/x", "https://[2001:4860:4860::8888]:8443/x"):
        check_endpoint(endpoint)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:1::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("nonsense", False),
    ],
)
def test_an_address_is_public_or_it_is_not(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_no_socket_is_made_for_a_private_address() -> None:
    def address(ip: str) -> tuple[Any, ...]:
        return socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)

    with pytest.raises(PrivateAddress, match=r"127\.0\.0\.1"):
        open_socket(address("127.0.0.1"))
    with open_socket(address("8.8.8.8")) as made:  # not connected
        assert made.family == socket.AF_INET


def test_an_origin_has_the_port_where_it_is_not_the_usual() -> None:
    assert origin_of("https://Push.example:443/x?y") == "https://push.example"
    assert origin_of("https://push.example:8443/x") == "https://push.example:8443"
    assert origin_of("http://localhost:80/") == "http://localhost"
    assert origin_of("https://[2001:db8::1]:1/") == "https://[2001:db8::1]:1"
