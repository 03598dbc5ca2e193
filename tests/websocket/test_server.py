"""`serve`: handlers, listeners, sockets, TLS, and the end of a server."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from openline import (
    ConnectionClosedError,
    ConnectionClosedOK,
    Listener,
    Server,
    ServerConnection,
    State,
    broadcast,
    connect,
    serve,
    unix_connect,
    unix_serve,
)
from openline.exceptions import InvalidMessage

from .wire import dial, port_of, until, upgrade_request, uri_of

pytestmark = pytest.mark.engine


async def echo(ws: ServerConnection) -> None:
    async for message in ws:
        await ws.send(message)


async def check_echo(uri: str, **kwargs: Any) -> None:
    async with connect(uri, **kwargs) as ws:
        await ws.send("hello")
        assert await ws.recv() == "hello"


class Echo(Listener):
    def __init__(self) -> None:
        self.opened = 0
        self.closed = asyncio.Event()
        self.code: int | None = None

    def on_open(self, ws: ServerConnection) -> None:
        self.opened += 1
        ws.send_nowait("welcome")

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        ws.send_nowait(message)

    def on_close(self, ws: ServerConnection, code: int, reason: str) -> None:
        self.code = code
        self.closed.set()


# Handlers.


async def test_echo() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        await check_echo(uri_of(server))


async def test_handler_that_returns_closes_with_1000() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send("bye")

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:
        assert await ws.recv() == "bye"
        with pytest.raises(ConnectionClosedOK) as info:
            await ws.recv()
        assert info.value.code == 1000


async def test_handler_that_raises_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        raise RuntimeError("on purpose")

    async with serve(handler, "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            await ws.send("go")
            with pytest.raises(ConnectionClosedError) as info:
                await ws.recv()
            assert (info.value.code, info.value.reason) == (1011, "")
        (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
        assert record.getMessage() == "connection handler failed"
        assert record.exc_info is not None
        await_other = connect(uri_of(server))
        async with await_other as ws:
            assert ws.state is State.OPEN  # the server lives


async def test_connection_closed_is_no_error_of_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(ws: ServerConnection) -> None:
        while True:
            await ws.recv()

    async with serve(handler, "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            await ws.send("x")
        ws = await connect(uri_of(server))
        ws.transport.abort()
        await ws.wait_closed()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_connection_closed_of_another_connection_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(echo, "127.0.0.1", 0) as upstream:

        async def handler(ws: ServerConnection) -> None:
            async with connect(uri_of(upstream)) as other:
                await other.close()
                await other.recv()

        async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:
            with pytest.raises(ConnectionClosedError) as info:
                await ws.recv()
            assert info.value.code == 1011
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "connection handler failed"
    ]


async def test_handler_that_is_cancelled_closes_with_1001() -> None:
    async def handler(ws: ServerConnection) -> None:
        raise asyncio.CancelledError

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:
        with pytest.raises(ConnectionClosedOK) as info:
            await ws.recv()
        assert info.value.code == 1001


async def test_handler_that_is_no_coroutine_function(caplog: pytest.LogCaptureFixture) -> None:
    def handler(ws: ServerConnection) -> None:
        return None

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosedError) as info:
            await ws.recv()
        assert info.value.code == 1011


async def test_handler_with_the_wrong_signature(caplog: pytest.LogCaptureFixture) -> None:
    async def handler() -> None: ...

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosedError) as info:
            await ws.recv()
        assert info.value.code == 1011


async def test_handler_may_return_any_awaitable() -> None:
    def handler(ws: ServerConnection) -> asyncio.Future[None]:
        return asyncio.ensure_future(echo(ws))

    async with serve(handler, "127.0.0.1", 0) as server:
        await check_echo(uri_of(server))


async def test_tasks_of_handlers_are_held() -> None:
    """The loop holds its tasks weakly; a handler that waits for something only it knows must not be collected."""
    import gc

    released = asyncio.Event()

    async def handler(ws: ServerConnection) -> None:
        waiter = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.05, waiter.set_result, None)
        gc.collect()
        await waiter
        released.set()

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)):
        gc.collect()
        await released.wait()


# Listeners.


async def test_listener_instance_is_shared() -> None:
    listener = Echo()
    async with (
        serve(listener, "127.0.0.1", 0) as server,
        connect(uri_of(server)) as one,
        connect(uri_of(server)) as two,
    ):
        for ws in (one, two):
            assert await ws.recv() == "welcome"
            await ws.send("hello")
            assert await ws.recv() == "hello"
        assert listener.opened == 2
        await one.close(4001, "bye")
        await listener.closed.wait()
        assert listener.code == 4001


async def test_listener_subclass_is_made_for_each() -> None:
    made: list[Echo] = []

    class Counted(Echo):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    async with (
        serve(Counted, "127.0.0.1", 0) as server,
        connect(uri_of(server)) as one,
        connect(uri_of(server)) as two,
    ):
        assert await one.recv() == await two.recv() == "welcome"
    assert [listener.opened for listener in made] == [1, 1]


async def test_listener_factory_is_given_the_connection() -> None:
    given: list[ServerConnection] = []

    def factory(ws: ServerConnection) -> Listener:
        given.append(ws)
        return Echo()

    async with serve(None, "127.0.0.1", 0, listener=factory) as server, connect(uri_of(server)) as ws:
        assert await ws.recv() == "welcome"
        assert server.connections == set(given)


async def test_listener_finds_itself_among_the_connections() -> None:
    class Greeter(Listener):
        def on_open(self, ws: ServerConnection) -> None:
            broadcast(ws.server.connections, "somebody came")

    async with serve(Greeter, "127.0.0.1", 0) as server, connect(uri_of(server)) as ws:
        assert await ws.recv() == "somebody came"


async def test_listener_factory_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    wrong: Any = lambda ws: "none"  # noqa: E731
    async with serve(None, "127.0.0.1", 0, listener=wrong) as server, dial(server) as wire:
        wire.send(upgrade_request())
        assert (await wire.read_answer()).status == 500
    assert "making the listener failed" in caplog.text


def test_handler_and_listener_exclude_each_other() -> None:
    with pytest.raises(TypeError, match="either a handler or a listener"):
        serve(None, "127.0.0.1", 0)
    with pytest.raises(TypeError, match="either a handler or a listener"):
        serve(echo, "127.0.0.1", 0, listener=Echo)
    with pytest.raises(TypeError, match="give one"):
        serve(Echo, "127.0.0.1", 0, listener=Echo)


# Arguments.


@pytest.mark.parametrize(
    ("kwargs", "error", "text"),
    [
        ({"colour": "red"}, TypeError, "unexpected keyword argument 'colour'"),
        ({"mode": 0o600}, TypeError, "'mode' has no meaning without the path"),
        ({"path": "/x", "reuse_port": True}, TypeError, "'reuse_port' has no meaning on a Unix socket"),
        ({"compression": "zip"}, ValueError, "unsupported compression: zip"),
        ({"subprotocols": "chat"}, TypeError, "sequence of strings"),
        ({"subprotocols": ["a b"]}, ValueError, "not a token"),
        ({"ping_interval": 0}, ValueError, "ping_interval"),
        ({"create_connection": lambda: None}, TypeError, "subclass of ServerConnection"),
    ],
)
def test_arguments_are_checked(kwargs: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        serve(echo, **kwargs)


async def test_create_connection_subclass() -> None:
    class Mine(ServerConnection):
        def shout(self) -> str:
            return "HELLO"

    async def handler(ws: ServerConnection) -> None:
        assert isinstance(ws, Mine)
        ws.colour = "red"  # type: ignore[attr-defined]
        await ws.send(ws.shout())

    async with (
        serve(handler, "127.0.0.1", 0, create_connection=Mine) as server,
        connect(uri_of(server)) as ws,
    ):
        assert await ws.recv() == "HELLO"


async def test_connection_knows_its_server() -> None:
    servers: list[Server] = []

    async def handler(ws: ServerConnection) -> None:
        servers.append(ws.server)
        with pytest.raises(AttributeError):
            _ = ws.username

    async with serve(handler, "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            await ws.wait_closed()
        assert servers == [server]


# Sockets.


async def test_sockets_and_addresses() -> None:
    async with serve(echo, ["127.0.0.1", "127.0.0.2"], 0) as server:
        names = [sock.getsockname() for sock in server.sockets]
        assert [name[0] for name in names] == ["127.0.0.1", "127.0.0.2"]
        for host, port in names:
            await check_echo(f"ws://{host}:{port}/")
        assert str(names[0][1]) in repr(server)
    assert server.sockets == ()


async def test_all_interfaces() -> None:
    async with serve(echo, "", 0, family=socket.AF_INET) as server:
        assert server.sockets[0].getsockname()[0] == "0.0.0.0"
        await check_echo(uri_of(server))


async def test_given_socket() -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    async with serve(echo, sock=sock) as server:
        assert server.sockets == (sock,)
        await check_echo(uri_of(server))
    assert sock.fileno() == -1


async def test_reuse_port() -> None:
    async with (
        serve(echo, "127.0.0.1", 0, reuse_port=True) as one,
        serve(echo, "127.0.0.1", port_of(one), reuse_port=True),
    ):
        await check_echo(uri_of(one))


async def test_address_in_use() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        with pytest.raises(OSError, match="error while attempting to bind"):
            await serve(echo, "127.0.0.1", port_of(server))


async def test_start_serving_later() -> None:
    server = await serve(echo, "127.0.0.1", 0, start_serving=False)
    assert not server.is_serving()
    port = port_of(server)
    with pytest.raises(ConnectionRefusedError):
        await connect(f"ws://127.0.0.1:{port}/")
    await server.start_serving()
    assert server.is_serving()
    await check_echo(f"ws://127.0.0.1:{port}/")
    server.close()
    await server.wait_closed()
    with pytest.raises(RuntimeError, match="closed"):
        await server.start_serving()


async def test_unix(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with unix_serve(echo, path, mode=0o600) as server:
        assert path.stat().st_mode & 0o777 == 0o600
        async with unix_connect(path) as ws:
            await ws.send("hello")
            assert await ws.recv() == "hello"
            assert ws.request is not None
            assert ws.request.headers["Host"] == "localhost"
        assert str(path) in repr(server)
    assert not path.exists()


# TLS.


async def test_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with serve(echo, "localhost", 0, ssl=server_tls, family=socket.AF_INET) as server:
        uri = f"wss://localhost:{port_of(server)}/"
        await check_echo(uri, ssl=client_tls)
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(uri)


async def test_tls_client_certificate(
    authority: trustme.CA, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    names: list[Any] = []

    async def handler(ws: ServerConnection) -> None:
        names.append(ws.transport.get_extra_info("peercert")["subjectAltName"])
        await ws.send("welcome")

    strict = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(strict)
    authority.configure_trust(strict)
    strict.verify_mode = ssl.CERT_REQUIRED
    known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(known)
    authority.issue_cert("alice@example.org").configure_cert(known)
    async with serve(handler, "127.0.0.1", 0, ssl=strict) as server:
        async with connect(uri_of(server, scheme="wss"), ssl=known) as ws:
            assert await ws.recv() == "welcome"
        assert names == [(("email", "alice@example.org"),)]
        # In TLS 1.3 the client learns of the refusal when it reads.
        with pytest.raises((OSError, InvalidMessage)):
            await connect(uri_of(server, scheme="wss"), ssl=client_tls)
        assert len(names) == 1


async def test_tls_bytes_to_a_plain_port_and_the_other_way(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with serve(echo, "127.0.0.1", 0) as plain, serve(echo, "127.0.0.1", 0, ssl=server_tls) as secure:
        with pytest.raises(ssl.SSLError):
            await connect(uri_of(plain, scheme="wss"), ssl=client_tls)
        with pytest.raises(Exception, match="HTTP"):
            await connect(uri_of(secure))
        await check_echo(uri_of(plain))
        await check_echo(uri_of(secure, scheme="wss"), ssl=client_tls)


# The end.


async def test_close_closes_connections_with_1001() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        ws = await connect(uri_of(server))
        (connection,) = server.connections
        server.close(reason="maintenance")
        server.close()
        assert not server.is_serving()
        with pytest.raises(ConnectionClosedOK) as info:
            await ws.recv()
        assert (info.value.code, info.value.reason) == (1001, "maintenance")
        await server.wait_closed()
        assert connection.state is State.CLOSED
        assert server.connections == set()
        with pytest.raises(OSError):
            await connect(uri_of_closed(ws))


def uri_of_closed(ws: Any) -> str:
    host, port = ws.remote_address
    return f"ws://{host}:{port}/"


async def test_close_with_another_code() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        ws = await connect(uri_of(server))
        server.close(code=1012)
        with pytest.raises(ConnectionClosedError) as info:
            await ws.recv()
        assert info.value.code == 1012


async def test_close_may_leave_connections_open() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            server.close(close_connections=False)
            await asyncio.sleep(0)
            await ws.send("still here")
            assert await ws.recv() == "still here"
            waiting = asyncio.create_task(server.wait_closed())
            await asyncio.sleep(0.02)
            assert not waiting.done()
        await waiting


async def test_wait_closed_waits_for_handlers() -> None:
    ended = False

    async def handler(ws: ServerConnection) -> None:
        nonlocal ended
        await ws.wait_closed()
        await asyncio.sleep(0.05)
        ended = True

    async with serve(handler, "127.0.0.1", 0) as server, connect(uri_of(server)):
        server.close()
        await server.wait_closed()
        assert ended


async def test_serve_forever_ends_with_close_and_with_cancel() -> None:
    server = await serve(echo, "127.0.0.1", 0, start_serving=False)
    forever = asyncio.create_task(server.serve_forever())
    await until(server.is_serving)
    await check_echo(uri_of(server))
    server.close()
    await forever

    server = await serve(echo, "127.0.0.1", 0)
    forever = asyncio.create_task(server.serve_forever())
    ws = await connect(uri_of(server))
    forever.cancel()
    with pytest.raises(ConnectionClosedOK) as info:
        await ws.recv()
    assert info.value.code == 1001
    with pytest.raises(asyncio.CancelledError):
        await forever
    await server.wait_closed()


async def test_connections_are_those_that_are_open() -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        assert server.connections == set()
        async with connect(uri_of(server)) as ws, dial(server) as half:
            half.send(b"GET /")
            await ws.send("x")
            await ws.recv()
            assert {connection.state for connection in server.connections} == {State.OPEN}
            assert len(server.connections) == 1
        assert server.get_loop() is asyncio.get_running_loop()


async def test_server_that_was_not_awaited() -> None:
    server = serve(echo, "127.0.0.1", 0)
    assert "not started" in repr(server)
    assert server.sockets == ()
    with pytest.raises(RuntimeError, match="not awaited"):
        server.get_loop()
    with pytest.raises(RuntimeError, match="not awaited"):
        await server.start_serving()


async def test_awaited_twice_is_started_once() -> None:
    serving = serve(echo, "127.0.0.1", 0)
    server = await serving
    assert await serving is server
    async with serving:
        await check_echo(uri_of(server))


async def test_a_listening_socket_that_somebody_shuts_down_does_not_spin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serve(echo, "127.0.0.1", 0) as server:
        await asyncio.sleep(0)  # the portable engine begins to accept
        server.sockets[0].shutdown(socket.SHUT_RDWR)
        async with asyncio.timeout(5):
            while "was shut down" not in caplog.text:  # noqa: ASYNC110 - the log has no event
                await asyncio.sleep(0.01)
        begun = time.process_time()
        await asyncio.sleep(0.3)
        assert time.process_time() - begun < 0.15
    assert caplog.text.count("was shut down") == 1
