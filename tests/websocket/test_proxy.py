"""Which proxy is used, and what is said to it."""

from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from openline import ServerConnection, connect, serve
from openline.exceptions import InvalidProxy, InvalidProxyMessage, InvalidProxyStatus, ProxyError
from openline.protocol.uri import parse_uri
from openline.websocket.proxy import Proxy, ProxyAnswer, connect_request, get_proxy, parse_proxy

from .proxies import socks5_proxy
from .wire import port_of, uri_of

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://Proxy.example", Proxy("http", "proxy.example", 80)),
        ("https://proxy.example/", Proxy("https", "proxy.example", 443)),
        ("socks5h://proxy.example", Proxy("socks5h", "proxy.example", 1080)),
        ("socks4a://u:p%3A@[::1]:99", Proxy("socks4a", "::1", 99, "u", "p:")),
        ("http://bücher.example:8080", Proxy("http", "xn--bcher-kva.example", 8080)),
    ],
)
def test_parse_proxy(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "ftp://proxy.example",
        "http://",
        "http://proxy.example/path",
        "http://proxy.example?query",
        "http://proxy.example#fragment",
        "http://user@proxy.example",
        "http://user:secret@proxy.example:port",
        "http://user:%ff@proxy.example",
        "http://[::1",
        "http://" + "\u00fc" * 70 + ".example",
    ],
)
def test_parse_proxy_refuses(text: str) -> None:
    with pytest.raises(InvalidProxy) as info:
        parse_proxy(text)
    assert "secret" not in str(info.value)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(parse_proxy("http://user:secret@proxy.example"))


@pytest.mark.parametrize(
    ("environment", "uri", "proxy"),
    [
        ({}, "ws://a.example/", None),
        ({"http_proxy": "http://h"}, "ws://a.example/", "http://h"),
        ({"http_proxy": "http://h"}, "wss://a.example/", None),
        ({"http_proxy": "http://h", "https_proxy": "http://s"}, "ws://a.example/", "http://s"),
        ({"https_proxy": "http://s"}, "wss://a.example/", "http://s"),
        ({"https_proxy": "http://s", "socks_proxy": "socks5://k"}, "wss://a.example/", "socks5://k"),
        ({"socks_proxy": "http://k"}, "wss://a.example/", "socks5h://k"),
        ({"socks_proxy": "http://k", "wss_proxy": "http://w"}, "wss://a.example/", "http://w"),
        ({"ws_proxy": "http://w", "http_proxy": "http://h"}, "ws://a.example/", "http://w"),
        ({"http_proxy": "http://h", "no_proxy": "a.example"}, "ws://a.example/", None),
        ({"http_proxy": "http://h", "no_proxy": "b.example"}, "ws://a.example/", "http://h"),
        ({"http_proxy": ""}, "ws://a.example/", None),
    ],
)
def test_section_4_1_order_of_proxies(
    environment: dict[str, str], uri: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert get_proxy(parse_uri(uri)) == proxy


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("ws://a.example/", "a.example:80"),
        ("wss://a.example/", "a.example:443"),
        ("ws://[::1]:99/", "[::1]:99"),
    ],
)
def test_rfc_9112_section_3_2_3_authority_form(uri: str, target: str) -> None:
    request = connect_request(Proxy("http", "p", 80, "user", "pass"), parse_uri(uri), None)
    assert (
        request
        == (
            f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"
        ).encode()
    )


def test_answer_comes_byte_by_byte() -> None:
    answer = ProxyAnswer()
    *first, last = b"HTTP/1.1 200 Fine\r\nVia: x\r\n\r\n"
    assert not any(answer.feed(bytes([byte])) for byte in first)
    assert answer.feed(bytes([last]))


def test_answers_that_are_none() -> None:
    with pytest.raises(InvalidProxyStatus):
        ProxyAnswer().feed(b"HTTP/1.1 503 No\r\n\r\n")
    with pytest.raises(InvalidProxyMessage):
        ProxyAnswer().feed(b"220 smtp.example ESMTP\r\n\r\n")
    with pytest.raises(InvalidProxyMessage):
        ProxyAnswer().feed(b"HTTP/1.1 200 OK\r\n\r\nx")
    with pytest.raises(InvalidProxyMessage) as info:
        ProxyAnswer().feed(b"")
    assert isinstance(info.value.__cause__, EOFError)


# SOCKS.


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def check_echo(uri: str, **kwargs: Any) -> None:
    async with connect(uri, **kwargs) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_socks5() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, socks5_proxy() as proxy:
        await check_echo(uri_of(server), proxy=f"socks5://127.0.0.1:{proxy.port}")
        assert proxy.targets == [("127.0.0.1", port_of(server))]


async def test_socks5h_leaves_names_to_the_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, socks5_proxy() as proxy:
        uri = f"ws://localhost:{port_of(server)}/"
        await check_echo(uri, proxy=f"socks5h://127.0.0.1:{proxy.port}")
        assert proxy.targets == [("localhost", port_of(server))]


async def test_socks5_credentials(server_tls: Any, client_tls: Any) -> None:
    async with (
        serve(echo, "127.0.0.1", 0, ssl=server_tls) as server,
        socks5_proxy(credentials=("user", "pass")) as proxy,
    ):
        uri = uri_of(server, scheme="wss")
        await check_echo(uri, proxy=f"socks5://user:pass@127.0.0.1:{proxy.port}", ssl=client_tls)
        with pytest.raises(ProxyError):
            await connect(uri, proxy=f"socks5://user:wrong@127.0.0.1:{proxy.port}", ssl=client_tls)


async def test_socks5_refuses() -> None:
    async with socks5_proxy() as proxy:
        with pytest.raises(ProxyError, match="refused"):
            await connect("ws://forbidden.invalid/", proxy=f"socks5h://127.0.0.1:{proxy.port}")


async def test_socks_proxy_that_is_not_there(closed_port: int) -> None:
    with pytest.raises(OSError):
        await connect("ws://localhost/", proxy=f"socks5://127.0.0.1:{closed_port}")


async def test_socks_without_python_socks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "python_socks"]:
        monkeypatch.delitem(sys.modules, name)
    real_import = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.split(".")[0] == "python_socks":
            raise ImportError(name)
        return real_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"openline\[socks\]"):
        await connect("ws://localhost/", proxy="socks5://127.0.0.1:1")
