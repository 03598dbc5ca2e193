"""WebSocket URIs (RFC 6455 section 3)."""

from __future__ import annotations

import pytest

from openline.exceptions import InvalidURI
from openline.protocol.uri import WebSocketURI, parse_uri


@pytest.mark.parametrize(
    ("uri", "parts", "resource_name"),
    [
        ("ws://a", WebSocketURI(False, "a", 80, "", ""), "/"),
        ("wss://a/", WebSocketURI(True, "a", 443, "/", ""), "/"),
        ("WS://A.B:8080/C/d", WebSocketURI(False, "a.b", 8080, "/C/d", ""), "/C/d"),
        ("ws://a?b", WebSocketURI(False, "a", 80, "", "b"), "/?b"),
        ("ws://a/b;c=d?e=f&g", WebSocketURI(False, "a", 80, "/b;c=d", "e=f&g"), "/b;c=d?e=f&g"),
        ("ws://[::1]:0/", WebSocketURI(False, "::1", 0, "/", ""), "/"),
        ("ws://a/%41%2f", WebSocketURI(False, "a", 80, "/%41%2f", ""), "/%41%2f"),
        (
            "ws://b%C3%BCcher:p%40ss@a/",
            WebSocketURI(False, "a", 80, "/", "", "bücher", "p@ss"),
            "/",
        ),
    ],
)
def test_3_parts(uri: str, parts: WebSocketURI, resource_name: str) -> None:
    assert parse_uri(uri) == parts
    assert parse_uri(uri).resource_name == resource_name


def test_an_iri_is_made_into_a_uri() -> None:
    uri = parse_uri("wss://bücher.example/ä?ö=ü")
    assert uri.host == "xn--bcher-kva.example"
    assert uri.resource_name == "/%C3%A4?%C3%B6=%C3%BC"


def test_user_info() -> None:
    assert parse_uri("ws://a").user_info is None
    assert parse_uri("ws://b:c@a").user_info == ("b", "c")
    assert parse_uri("ws://b:@a").user_info == ("b", "")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http://a", "scheme isn't ws or wss"),
        ("a", "scheme isn't ws or wss"),
        ("ws:///a", "hostname isn't provided"),
        ("ws://:80/", "hostname isn't provided"),
        ("ws://a/#b", "RFC 6455 section 3: fragment"),
        ("ws://a#", "RFC 6455 section 3: fragment"),
        ("ws://b@a", "username provided without password"),
        ("ws://a:65536", "Port out of range"),
        ("ws://a:b", "Port could not be cast"),
        ("ws://[::1", "Invalid IPv6"),
        ("ws://%ff:b@a", "invalid start byte"),
        ("ws://" + "é" * 80, "label"),
        ("ws://a/b c", "white space or control character"),
        ("ws://a/\r\nHost: b", "white space or control character"),
        ("ws://a\t/", "white space or control character"),
        (" ws://a", "white space or control character"),
        ("ws://a/\x7f", "white space or control character"),
    ],
)
def test_3_not_a_websocket_uri(uri: str, problem: str) -> None:
    with pytest.raises(InvalidURI, match="isn't a valid URI") as caught:
        parse_uri(uri)
    assert caught.value.uri == uri
    assert problem in caught.value.msg
