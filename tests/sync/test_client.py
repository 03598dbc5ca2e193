"""`connect` for threads."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from openline import ConnectionClosed, InvalidStatus, InvalidURI, Request, Response, State
from openline.sync import ClientConnection, ServerConnection, connect, reconnect, unix_connect, unix_serve

from .conftest import running, uri_of

pytestmark = pytest.mark.engine


def echo(ws: ServerConnection) -> None:
    for message in ws:
        ws.send(message)


def check_echo(ws: ClientConnection) -> None:
    with ws:
        ws.send("hello")
        assert ws.recv() == "hello"
    assert ws.state is State.CLOSED


def test_connect_and_its_arguments(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    with running(echo) as server:
        check_echo(connect(uri_of(server)))
        check_echo(
            connect(uri_of(server), sock=None, ssl=None, server_hostname=None, proxy_ssl=None, legacy=True)
        )
        check_echo(connect("ws://example.com/", sock=socket.create_connection(server.socket.getsockname())))
        check_echo(connect("ws://example.com/", address=server.socket.getsockname()))
        ws = connect(uri_of(server), source_address=("127.0.0.3", 0), additional_headers={"X": "y"})
        assert ws.local_address[0] == "127.0.0.3"
        assert ws.request is not None
        assert ws.request.headers["X"] == "y"
        check_echo(ws)
    with running(echo, ssl=server_tls) as server:
        check_echo(connect(uri_of(server, "wss"), ssl=client_tls))
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(uri_of(server, "wss"))


def test_unix(tmp_path: Path) -> None:
    with unix_serve(echo, str(tmp_path / "socket")) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        check_echo(unix_connect(str(tmp_path / "socket")))
    thread.join()


def test_create_connection() -> None:
    class Mine(ClientConnection):
        def shout(self, text: str) -> None:
            self.send(text.upper())

    with running(echo) as server, connect(uri_of(server), create_connection=Mine) as ws:
        assert isinstance(ws, Mine)
        ws.shout("hello")
        assert ws.recv() == "HELLO"


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [({"listener": object()}, TypeError), ({"timeout": 1}, TypeError), ({"colour": "red"}, TypeError)],
)
def test_arguments_are_checked(kwargs: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(kwargs))):
        connect("ws://localhost/", **kwargs)
    with pytest.raises(InvalidURI):
        connect("http://localhost/")


def test_failures(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(f"ws://127.0.0.1:{closed_port}/")
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        connect(f"ws://127.0.0.1:{silent.getsockname()[1]}/", open_timeout=0.05)


def no_delays() -> Iterator[float]:
    while True:
        yield 0


def test_reconnect() -> None:
    answers = iter([503, None, 502, 500, None])

    def process_request(ws: ServerConnection, request: Request) -> Response | None:
        status = next(answers)
        return None if status is None else ws.respond(status, "not now\n")

    def handler(ws: ServerConnection) -> None:
        ws.send("hello")

    received = []
    with running(handler, process_request=process_request) as server:
        for ws in reconnect(uri_of(server), reconnect_delays=no_delays):
            try:
                while True:
                    received.append(ws.recv())
            except ConnectionClosed:
                if len(received) == 2:
                    break
    assert received == ["hello", "hello"]


def test_reconnect_ends_with_an_error_that_stays(closed_port: int) -> None:
    def process_request(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(403, "never\n")

    with running(echo, process_request=process_request) as server, pytest.raises(InvalidStatus):
        for _ in reconnect(uri_of(server)):
            pass

    def another(exc: Exception) -> Exception:
        return RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough") as info:
        for _ in reconnect(f"ws://127.0.0.1:{closed_port}/", process_exception=another):
            pass
    assert isinstance(info.value.__cause__, ConnectionRefusedError)


def test_reconnect_entered_once() -> None:
    with running(echo) as server:
        connecting = connect(uri_of(server), legacy=False)
        assert isinstance(connecting, reconnect)
        with connecting as ws, pytest.raises(RuntimeError, match="reentrant"):
            connecting.__enter__()
        assert ws.state is State.CLOSED
