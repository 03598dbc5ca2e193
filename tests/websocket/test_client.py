"""`connect`: its request, redirects, sockets, TLS, failures, and connecting again."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openline import (
    ClientConnection,
    ConnectionClosed,
    Headers,
    InvalidStatus,
    InvalidURI,
    Listener,
    Request,
    Response,
    SecurityError,
    ServerConnection,
    State,
    connect,
    serve,
    unix_connect,
    unix_serve,
)
from openline.exceptions import InvalidHeaderValue
from openline.websocket import client

from .wire import Wire, byte_server, port_of, uri_of

pytestmark = pytest.mark.engine


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def check_echo(uri: str, **kwargs: Any) -> ClientConnection:
    async with connect(uri, **kwargs) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"
    return ws


class Requests:
    """A ``process_request`` that remembers the requests, and answers those whose path it knows."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.requests: list[Request] = []
        self.answers = answers

    def __call__(self, ws: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        answer = self.answers.get(request.path.strip("/"))
        if answer is None:
            return None
        status, location = answer
        response = ws.respond(status, "elsewhere\n")
        if location:
            response.headers["Location"] = location
        return response


# The request.


async def test_three_ways() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        ws = await check_echo(uri_of(server))
        assert ws.state is State.CLOSED
        ws = await connect(uri_of(server))
        await ws.close()
        async for ws in connect(uri_of(server)):
            await ws.send("hello")
            assert await ws.recv() == "hello"
            break
        await ws.close()


async def test_section_4_1_request() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen, subprotocols=["b"]) as server:
        ws = await check_echo(
            uri_of(server, "/path?query"),
            origin="https://example.com",
            subprotocols=["a", "b"],
            additional_headers={"X-Test": "yes"},
            user_agent_header="test",
        )
        (request,) = seen.requests
        assert request.path == "/path?query"
        key = request.headers["Sec-WebSocket-Key"]
        assert list(request.headers.raw_items()) == [
            ("Host", f"127.0.0.1:{port_of(server)}"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key),
            ("Sec-WebSocket-Version", "13"),
            ("Origin", "https://example.com"),
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
            ("Sec-WebSocket-Protocol", "a, b"),
            ("X-Test", "yes"),
            ("User-Agent", "test"),
        ]
        assert ws.subprotocol == "b"
        assert ws.request is not None
        assert ws.request.headers == request.headers
        assert ws.response is not None
        assert ws.response.status_code == 101


async def test_no_compression_and_no_user_agent() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        await check_echo(uri_of(server), compression=None, user_agent_header=None)
        assert "Sec-WebSocket-Extensions" not in seen.requests[0].headers
        assert "User-Agent" not in seen.requests[0].headers


async def test_additional_headers_replace_ours() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        headers = [("host", "other.example"), ("user-agent", "mine"), ("Authorization", "Bearer x")]
        headers += [("X", "1"), ("X", "2")]
        uri = f"ws://user:pass@127.0.0.1:{port_of(server)}/"
        await check_echo(uri, additional_headers=headers)
        (request,) = seen.requests
        assert request.headers["Host"] == "other.example"
        assert request.headers["User-Agent"] == "mine"
        assert request.headers["Authorization"] == "Bearer x"
        assert request.headers.get_all("X") == ["1", "2"]


async def test_basic_authentication_in_the_uri() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        await check_echo(f"ws://user:p%40ss@127.0.0.1:{port_of(server)}/")
        assert seen.requests[0].headers["Authorization"] == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "b"}, {"X": "a\nb"}, {"X y": "z"}, {"X": "\0"}]
)
def test_headers_that_break_out_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidHeaderValue):
        connect("ws://localhost/", additional_headers=headers)


@pytest.mark.parametrize("name", ["origin", "user_agent_header"])
async def test_other_headers_that_break_out_are_refused(name: str) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        with pytest.raises(InvalidHeaderValue):
            await connect(uri_of(server), **{name: "x\r\nY: z"})


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "text"),
    [
        (["http://localhost/"], {}, InvalidURI, "ws or wss"),
        (["ws://localhost/#fragment"], {}, InvalidURI, "fragment"),
        (["ws://localhost/"], {"colour": "red"}, TypeError, "unexpected keyword argument 'colour'"),
        (["ws://localhost/"], {"ssl": True}, ValueError, "ws:// URI"),
        (["wss://localhost/"], {"ssl": None}, ValueError, "wss:// URI"),
        (["ws://localhost/"], {"compression": "zip"}, ValueError, "zip"),
        (["ws://localhost/"], {"subprotocols": "chat"}, TypeError, "sequence"),
        (["ws://localhost/"], {"create_connection": dict}, TypeError, "subclass of ClientConnection"),
    ],
)
def test_arguments_are_checked(
    args: list[str], kwargs: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=re.escape(text)):
        connect(*args, **kwargs)


async def test_create_connection_and_listener() -> None:
    class Mine(ClientConnection):
        pass

    class Greeter(Listener):
        def __init__(self) -> None:
            self.messages: list[str | bytes] = []
            self.got = asyncio.Event()

        def on_open(self, ws: ClientConnection) -> None:
            ws.send_nowait("from on_open")

        def on_message(self, ws: ClientConnection, message: str | bytes) -> None:
            self.messages.append(message)
            self.got.set()

    async with serve(echo, "127.0.0.1", 0) as server:
        listener = Greeter()
        async with connect(uri_of(server), create_connection=Mine, listener=listener) as ws:
            assert isinstance(ws, Mine)
            await listener.got.wait()
            assert listener.messages == ["from on_open"]
        given: list[ClientConnection] = []

        def factory(ws: ClientConnection) -> Listener:
            given.append(ws)
            return Greeter()

        async with connect(uri_of(server), listener=factory) as ws:
            assert given == [ws]


async def test_connect_is_not_reentrant() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        connecting = connect(uri_of(server))
        async with connecting:
            with pytest.raises(RuntimeError, match="reentrant"):
                await connecting.__aenter__()
        async with connecting as ws:
            assert ws.state is State.OPEN


# Redirects.


async def test_redirect_to_another_path() -> None:
    seen = Requests(old=(302, "/new?x=1"), new=(307, "last"))
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        ws = await check_echo(uri_of(server, "/old"), additional_headers={"Authorization": "Bearer x"})
        assert [request.path for request in seen.requests] == ["/old", "/new?x=1"]
        assert ws.request is not None
        # The same origin may know what it knew before.
        assert ws.request.headers["Authorization"] == "Bearer x"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_redirect_to_another_server_drops_credentials(status: int) -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as target:
        first = Requests(old=(status, uri_of(target, "/new")))
        async with serve(echo, "127.0.0.1", 0, process_request=first) as server:
            await check_echo(
                f"ws://user:pass@127.0.0.1:{port_of(server)}/old",
                additional_headers=Headers(
                    {"Cookie": "secret", "Proxy-Authorization": "x", "X-Test": "kept"}
                ),
            )
    (request,) = seen.requests
    assert request.path == "/new"
    assert request.headers["X-Test"] == "kept"
    assert not {"Authorization", "Cookie", "Proxy-Authorization"} & {
        name for name, _ in request.headers.raw_items()
    }
    assert first.requests[0].headers["Cookie"] == "secret"
    assert "Authorization" in first.requests[0].headers


async def test_redirect_that_says_http() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as target:
        first = Requests(old=(302, uri_of(target, "/new", scheme="http")))
        async with serve(echo, "127.0.0.1", 0, process_request=first) as server:
            await check_echo(uri_of(server, "/old"))
    assert seen.requests[0].path == "/new"


async def test_redirect_from_tls_to_plain_text_is_refused(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    seen = Requests(old=(302, "ws://localhost/"))
    async with serve(echo, "127.0.0.1", 0, process_request=seen, ssl=server_tls) as server:
        with pytest.raises(SecurityError, match="non-secure"):
            await connect(uri_of(server, "/old", scheme="wss"), ssl=client_tls)


async def test_redirects_without_end() -> None:
    seen = Requests(old=(302, "/old"))
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        with pytest.raises(SecurityError, match="more than 10 redirects"):
            await connect(uri_of(server, "/old"))
        assert len(seen.requests) == 11
        assert client.MAX_REDIRECTS == 10


async def test_redirects_that_cannot_be_followed() -> None:
    seen = Requests(
        old=(302, "ws://other.example/"), same=(302, "/new"), without=(302, ""), ftp=(302, "ftp://x/")
    )
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        address = ("127.0.0.1", port_of(server))
        with pytest.raises(ValueError, match="explicit host or port"):
            await connect(f"ws://example.com:{address[1]}/old", host="127.0.0.1")
        with pytest.raises(ValueError, match="preexisting socket"):
            await connect("ws://example.com/same", sock=socket.create_connection(address))
        with pytest.raises(InvalidStatus):
            await connect(uri_of(server, "/without"))
        with pytest.raises(InvalidURI):
            await connect(uri_of(server, "/ftp"))


async def test_redirect_on_a_unix_socket(tmp_path: Path) -> None:
    seen = Requests(old=(302, "ws://other.example/"), same=(302, "/new"))
    async with unix_serve(echo, tmp_path / "socket", process_request=seen):
        async with unix_connect(tmp_path / "socket", "ws://localhost/same") as ws:
            assert ws.state is State.OPEN
        with pytest.raises(ValueError, match="Unix socket"):
            await unix_connect(tmp_path / "socket", "ws://localhost/old")


# Sockets and TLS.


async def test_host_and_port_override_those_of_the_uri() -> None:
    seen = Requests()
    async with serve(echo, "127.0.0.1", 0, process_request=seen) as server:
        await check_echo("ws://example.com/", host="127.0.0.1", port=port_of(server))
        assert seen.requests[0].headers["Host"] == "example.com"


async def test_given_socket() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        sock = socket.create_connection(("127.0.0.1", port_of(server)))
        await check_echo("ws://example.com/", sock=sock)
        assert sock.fileno() == -1


async def test_server_hostname(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with serve(echo, "127.0.0.1", 0, ssl=server_tls) as server:
        uri = f"wss://other.example:{port_of(server)}/"
        await check_echo(uri, ssl=client_tls, host="127.0.0.1", server_hostname="localhost")
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(uri, ssl=client_tls, host="127.0.0.1")


async def test_unix_with_tls(tmp_path: Path, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with (
        unix_serve(echo, tmp_path / "socket", ssl=server_tls),
        unix_connect(tmp_path / "socket", ssl=client_tls) as ws,
    ):
        assert ws.transport.get_extra_info("ssl_object") is not None
        await ws.send("hello")
        assert await ws.recv() == "hello"


def test_unix_connect_needs_a_path() -> None:
    with pytest.raises(ValueError, match="path or sock"):
        unix_connect()


# Failures.


async def test_nobody_listens(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        await connect(f"ws://127.0.0.1:{closed_port}/")


async def test_open_timeout_of_a_silent_server() -> None:
    async def talk(wire: Wire) -> None:
        await wire.read_head_of_request()
        assert await wire.read_to_end() == b""

    async with byte_server(talk) as port:
        with pytest.raises(TimeoutError, match="timed out during opening handshake"):
            await connect(f"ws://127.0.0.1:{port}/", open_timeout=0.1)


async def test_cancelled_while_connecting() -> None:
    asked = asyncio.Event()

    async def talk(wire: Wire) -> None:
        await wire.read_head_of_request()
        asked.set()
        assert await wire.read_to_end() == b""

    async with byte_server(talk) as port:
        connecting = asyncio.create_task(connect(f"ws://127.0.0.1:{port}/")._connect())
        await asked.wait()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting


async def test_status_with_its_body() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(418, "short and stout\n")

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        with pytest.raises(InvalidStatus, match="HTTP 418") as info:
            await connect(uri_of(server))
        assert info.value.response.status_code == 418
        assert info.value.response.body == b"short and stout\n"


# Connecting again.


def no_delays() -> Iterator[float]:
    while True:
        yield 0


async def test_connects_again_for_ever() -> None:
    served = 0

    async def handler(ws: ServerConnection) -> None:
        nonlocal served
        served += 1
        await ws.send(f"{served}")

    async with serve(handler, "127.0.0.1", 0) as server:
        messages: list[str | bytes] = []
        async for ws in connect(uri_of(server)):
            try:
                async for message in ws:
                    messages.append(message)
                await ws.recv()
            except ConnectionClosed:
                if len(messages) < 3:
                    continue
            break
        assert messages == ["1", "2", "3"]


async def test_connects_again_after_errors_that_may_pass(
    closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="openline.client")
    statuses = iter([500, 502, 503, 504])

    def process_request(ws: ServerConnection, request: Request) -> Response | None:
        status = next(statuses, None)
        return None if status is None else ws.respond(status, "not now\n")

    delays: list[float] = []

    def reconnect_delays() -> Iterator[float]:
        for delay in no_delays():
            delays.append(delay)
            yield delay

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        async for ws in connect(uri_of(server), reconnect_delays=reconnect_delays):
            await ws.send("hello")
            assert await ws.recv() == "hello"
            await ws.close()
            break
    assert len(delays) == 4
    reports = [record.getMessage() for record in caplog.records if record.name == "openline.client"]
    assert len(reports) == 4
    assert "reconnecting in 0.0 seconds" in reports[0]
    assert "HTTP 500" in reports[0]


async def test_does_not_connect_again_after_errors_that_stay() -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(403, "never\n")

    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        with pytest.raises(InvalidStatus):
            async for _ in connect(uri_of(server), reconnect_delays=no_delays):
                pass


async def test_process_exception(closed_port: int) -> None:
    seen: list[Exception] = []

    def returns_another(exc: Exception) -> Exception | None:
        seen.append(exc)
        return None if len(seen) < 3 else RuntimeError("enough")

    uri = f"ws://127.0.0.1:{closed_port}/"
    with pytest.raises(RuntimeError, match="enough") as info:
        async for _ in connect(uri, process_exception=returns_another, reconnect_delays=no_delays):
            pass
    assert [type(exc) for exc in seen] == [ConnectionRefusedError] * 3
    assert info.value.__cause__ is seen[-1]

    def raises(exc: Exception) -> Exception | None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        async for _ in connect(uri, process_exception=raises):
            pass


async def test_backoff_begins_anew_after_success() -> None:
    refuse = True
    generators = 0

    def process_request(ws: ServerConnection, request: Request) -> Response | None:
        nonlocal refuse
        refuse = not refuse
        return None if refuse else ws.respond(503, "not now\n")

    def reconnect_delays() -> Iterator[float]:
        nonlocal generators
        generators += 1
        return no_delays()

    opened = 0
    async with serve(echo, "127.0.0.1", 0, process_request=process_request) as server:
        async for ws in connect(uri_of(server), reconnect_delays=reconnect_delays):
            opened += 1
            await ws.close()
            if opened == 3:
                break
    assert generators == 3
