"""Proxies, as a client goes through them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import pytest

from openline import ServerConnection, connect, serve
from openline.exceptions import InvalidProxyMessage, InvalidProxyStatus

from .proxies import http_proxy
from .wire import port_of, until, uri_of

pytestmark = pytest.mark.engine


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def check_echo(uri: str, **kwargs: Any) -> None:
    async with connect(uri, **kwargs) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


async def test_http_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, http_proxy() as proxy:
        await check_echo(uri_of(server), proxy=f"http://127.0.0.1:{proxy.port}", user_agent_header="test")
        assert proxy.targets == [("127.0.0.1", port_of(server))]
        assert proxy.heads == [
            f"CONNECT 127.0.0.1:{port_of(server)} HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port_of(server)}\r\nUser-Agent: test\r\n\r\n"
        ]


async def test_http_proxy_and_tls_to_the_server(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with serve(echo, "127.0.0.1", 0, ssl=server_tls) as server, http_proxy() as proxy:
        uri = f"wss://localhost:{port_of(server)}/"
        await check_echo(uri, proxy=f"http://127.0.0.1:{proxy.port}", ssl=client_tls, host="127.0.0.1")
        assert proxy.targets == [("127.0.0.1", port_of(server))]


async def test_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(echo, "127.0.0.1", 0) as server, http_proxy() as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        await check_echo(uri_of(server))
        assert len(proxy.targets) == 1
        await check_echo(uri_of(server), proxy=None)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        await check_echo(uri_of(server))
        assert len(proxy.targets) == 1


async def test_credentials_of_the_proxy() -> None:
    async with serve(echo, "127.0.0.1", 0) as server, http_proxy(credentials=("user", "p@ss")) as proxy:
        await check_echo(uri_of(server), proxy=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        with pytest.raises(InvalidProxyStatus) as info:
            await connect(uri_of(server), proxy=f"http://127.0.0.1:{proxy.port}")
        assert info.value.response.status_code == 407


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nearly", b"x" * 70_000],
)
async def test_proxy_that_does_not_speak_http(answer: bytes) -> None:
    async with serve(echo, "127.0.0.1", 0) as server, http_proxy(answer=answer) as proxy:
        with pytest.raises(InvalidProxyMessage):
            await connect(uri_of(server), proxy=f"http://127.0.0.1:{proxy.port}")


async def test_proxy_that_does_not_answer() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        # A listening socket that nobody accepts on.
        with socket.create_server(("127.0.0.1", 0)) as sock:
            proxy = f"http://127.0.0.1:{sock.getsockname()[1]}"
            with pytest.raises(TimeoutError):
                await connect(uri_of(server), proxy=proxy, open_timeout=0.1)


@pytest.mark.parametrize("secure", [False, True])
async def test_https_proxy(secure: bool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    """TLS to the proxy, and with ``secure`` TLS to the server inside of it."""
    tls = server_tls if secure else None
    async with serve(echo, "127.0.0.1", 0, ssl=tls) as server, http_proxy(tls=server_tls) as proxy:
        kwargs: dict[str, Any] = {"ssl": client_tls} if secure else {}
        await check_echo(
            uri_of(server, scheme="wss" if secure else "ws"),
            proxy=f"https://localhost:{proxy.port}",
            proxy_ssl=client_tls,
            **kwargs,
        )
        assert len(proxy.targets) == 1
        # The certificate of the proxy is checked.
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(uri_of(server), proxy=f"https://localhost:{proxy.port}")
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(
                uri_of(server),
                proxy=f"https://localhost:{proxy.port}",
                proxy_ssl=client_tls,
                proxy_server_hostname="other.example",
            )
    await relays_to_end()


async def relays_to_end() -> None:
    """The relay between the two layers of TLS ends when both of its sides have."""
    await until(lambda: not asyncio.all_tasks() - {asyncio.current_task()})


async def test_large_messages_through_an_https_proxy(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with (
        serve(echo, "127.0.0.1", 0, ssl=server_tls, max_size=None) as server,
        http_proxy(tls=server_tls) as proxy,
        connect(
            uri_of(server, scheme="wss"),
            proxy=f"https://localhost:{proxy.port}",
            proxy_ssl=client_tls,
            ssl=client_tls,
            max_size=None,
            compression=None,
        ) as ws,
    ):
        message = bytes(range(256)) * 2**14
        sending = asyncio.create_task(ws.send(message))
        assert await ws.recv() == message
        await sending
    await relays_to_end()


@pytest.mark.parametrize(
    ("proxy", "kwargs", "error"),
    [
        ("https://localhost:1", {"proxy_ssl": None}, ValueError),
        ("http://localhost:1", {"proxy_ssl": True}, ValueError),
    ],
)
async def test_tls_arguments_must_fit_the_proxy(
    proxy: str, kwargs: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="proxy_ssl"):
        await connect("ws://localhost:1/", proxy=proxy, **kwargs)
