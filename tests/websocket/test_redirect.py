"""Where a redirect leads."""

from __future__ import annotations

from typing import Any

import pytest

from openline import Headers, InvalidStatus, InvalidURI, Response, SecurityError
from openline.protocol.uri import parse_uri
from openline.websocket.redirect import Destination, follow_redirect


def follow(uri: str, *locations: str, status: int = 302, **kwargs: Any) -> Destination | None:
    headers = Headers([("Location", location) for location in locations])
    secret = Headers({"Authorization": "x", "COOKIE": "y", "Host": "old.example", "X-Test": "z"})
    return follow_redirect(
        InvalidStatus(Response(status, "", headers)), Destination(uri, parse_uri(uri), secret), kwargs
    )


@pytest.mark.parametrize(
    ("uri", "location", "target"),
    [
        ("ws://a.example/x/y", "z", "ws://a.example/x/z"),
        ("ws://a.example/x/y", "/z?q", "ws://a.example/z?q"),
        ("ws://a.example/x", "//a.example/y", "ws://a.example/y"),
        ("wss://a.example/x", "https://a.example/y", "wss://a.example/y"),
        ("ws://a.example/x", "HTTP://a.example/y", "ws://a.example/y"),
    ],
)
def test_same_origin_keeps_credentials(uri: str, location: str, target: str) -> None:
    destination = follow(uri, location)
    assert destination is not None
    assert destination.text == target
    assert destination.additional_headers is not None
    assert "Authorization" in destination.additional_headers


@pytest.mark.parametrize(
    "location", ["ws://b.example/", "ws://a.example:81/", "wss://a.example/", "ws://a.example.b.example/"]
)
def test_another_origin_gets_no_credentials(location: str) -> None:
    destination = follow("ws://a.example/", location)
    assert destination is not None
    assert destination.additional_headers is not None
    assert list(destination.additional_headers.raw_items()) == [("X-Test", "z")]


def test_credentials_in_the_uri_do_not_travel() -> None:
    destination = follow("ws://user:pass@a.example/", "ws://b.example/")
    assert destination is not None
    assert destination.uri.user_info is None


@pytest.mark.parametrize(
    ("status", "locations"), [(304, ["/x"]), (200, ["/x"]), (302, []), (302, ["/x", "/y"])]
)
def test_what_is_no_redirect(status: int, locations: list[str]) -> None:
    assert follow("ws://a.example/", *locations, status=status) is None


def test_refused() -> None:
    with pytest.raises(SecurityError):
        follow("wss://a.example/", "ws://a.example/")
    with pytest.raises(SecurityError):
        follow("wss://a.example/", "http://a.example/")
    with pytest.raises(InvalidURI):
        follow("ws://a.example/", "ftp://a.example/")
    with pytest.raises(ValueError, match="explicit host"):
        follow("ws://a.example/", "ws://b.example/", host="c.example")
    with pytest.raises(ValueError, match="Unix socket"):
        follow("ws://a.example/", "ws://b.example/", path="/socket")
    with pytest.raises(ValueError, match="preexisting socket"):
        follow("ws://a.example/", "/same", sock=object())
