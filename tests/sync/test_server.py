"""`serve` for threads."""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Any

import pytest

from openline import ConnectionClosedError, ConnectionClosedOK, InvalidStatus, Request, Response
from openline.sync import ServerConnection, basic_auth, connect, serve

from .conftest import running, uri_of

pytestmark = pytest.mark.engine


def echo(ws: ServerConnection) -> None:
    for message in ws:
        ws.send(message)


def test_each_handler_has_its_thread() -> None:
    both = threading.Barrier(2, timeout=10)
    threads = []

    def handler(ws: ServerConnection) -> None:
        threads.append(threading.current_thread())
        both.wait()
        ws.send("done")

    with running(handler) as server, connect(uri_of(server)) as one, connect(uri_of(server)) as two:
        assert one.recv() == two.recv() == "done"
    assert len(set(threads)) == 2
    assert all("handler" in thread.name for thread in threads)


def test_handler_that_returns_raises_or_exits(caplog: pytest.LogCaptureFixture) -> None:
    def handler(ws: ServerConnection) -> None:
        match ws.recv():
            case "raise":
                raise RuntimeError("on purpose")
            case "stop":
                raise StopIteration
            case "exit":
                raise SystemExit

    with running(handler) as server:
        for command, code in (("return", 1000), ("exit", 1000), ("raise", 1011), ("stop", 1011)):
            with connect(uri_of(server)) as ws:
                ws.send(command)
                with pytest.raises((ConnectionClosedOK, ConnectionClosedError)) as info:
                    ws.recv()
                assert info.value.code == code, command
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == ["connection handler failed"] * 2
    assert all(record.exc_info for record in errors)


def test_connection_closed_is_no_error_of_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    def handler(ws: ServerConnection) -> None:
        while True:
            ws.recv()

    with running(handler) as server, connect(uri_of(server)) as ws:
        ws.send("x")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_hooks_may_block() -> None:
    """They run outside of the loop: other connections go on."""
    asked = threading.Event()
    go_on = threading.Event()

    def process_request(ws: ServerConnection, request: Request) -> Response | None:
        assert isinstance(ws, ServerConnection)
        if request.path == "/slow":
            asked.set()
            go_on.wait()
        return ws.respond(403, "no\n") if request.path == "/no" else None

    def process_response(ws: ServerConnection, request: Request, response: Response) -> None:
        response.headers["X-Test"] = "yes"

    with running(echo, process_request=process_request, process_response=process_response) as server:
        slow: list[Any] = []
        thread = threading.Thread(target=lambda: slow.append(connect(uri_of(server) + "slow")))
        thread.start()
        asked.wait()
        with connect(uri_of(server)) as ws:
            ws.send("meanwhile")
            assert ws.recv() == "meanwhile"
            assert ws.response is not None
            assert ws.response.headers["X-Test"] == "yes"
        go_on.set()
        thread.join()
        slow[0].close()
        with pytest.raises(InvalidStatus):
            connect(uri_of(server) + "no")


def test_basic_auth_and_select_subprotocol() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.send(ws.username)

    def check(username: str, password: str) -> bool:
        return (username, password) == ("alice", "secret")

    def select(ws: ServerConnection, offered: Any) -> str | None:
        assert isinstance(ws, ServerConnection)
        return "b" if "b" in offered else None

    hook: Any = basic_auth(check_credentials=check)
    with running(handler, process_request=hook, select_subprotocol=select) as server:
        uri = uri_of(server).replace("//", "//alice:{}@")
        with connect(uri.format("secret"), subprotocols=["a", "b"]) as ws:
            assert ws.recv() == "alice"
            assert ws.subprotocol == "b"
        with pytest.raises(InvalidStatus):
            connect(uri.format("wrong"))


def test_max_threads() -> None:
    with running(echo, max_threads=2) as server:
        first, second = connect(uri_of(server)), connect(uri_of(server))
        with pytest.raises(InvalidStatus) as info:
            connect(uri_of(server))
        assert info.value.response.status_code == 503
        first.close()
        while True:
            try:
                third = connect(uri_of(server))
            except InvalidStatus:
                time.sleep(0.001)  # the handler's thread is about to end
            else:
                break
        second.close()
        third.close()


def test_max_threads_when_others_come_while_a_hook_is_asked() -> None:
    both = threading.Barrier(2, timeout=10)

    def process_request(ws: ServerConnection, request: Request) -> None:
        both.wait()

    with running(echo, max_threads=1, process_request=process_request) as server:
        codes: list[int | None] = []

        def talk() -> None:
            with connect(uri_of(server)) as ws:
                ws.wait_closed(0.3)
                codes.append(ws.close_code)

        threads = [threading.Thread(target=talk) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes, key=str) == [1013, None]


def test_create_connection() -> None:
    class Mine(ServerConnection):
        def shout(self, text: str) -> None:
            self.send(text.upper())

    def handler(ws: ServerConnection) -> None:
        assert isinstance(ws, Mine)
        ws.shout("hello")

    with running(handler, create_connection=Mine) as server, connect(uri_of(server)) as ws:
        assert ws.recv() == "HELLO"


def test_it_listens_before_it_serves() -> None:
    with serve(echo, "127.0.0.1", 0) as server:
        assert server.fileno() == server.socket.fileno() != -1
        clients: list[Any] = []
        early = threading.Thread(target=lambda: clients.append(connect(uri_of(server))))
        early.start()
        early.join(0.05)
        assert not clients
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        early.join()
        clients[0].close()
    thread.join()
    assert server.fileno() == -1


def test_shutdown_closes_connections_and_waits_for_handlers() -> None:
    ended = []

    def handler(ws: ServerConnection) -> None:
        for _ in ws:
            pass
        time.sleep(0.05)
        ended.append(ws)

    with serve(handler, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        ws = connect(uri_of(server))
        server.shutdown(reason="maintenance")
        assert len(ended) == 1
        thread.join()
        with pytest.raises(ConnectionClosedOK) as info:
            ws.recv()
        assert (info.value.code, info.value.reason) == (1001, "maintenance")
        server.shutdown()
        server.serve_forever()  # returns: it is over


def test_shutdown_may_leave_connections_open() -> None:
    with serve(echo, "127.0.0.1", 0) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        ws = connect(uri_of(server))
        closing = threading.Thread(target=server.shutdown, args=(False,))
        closing.start()
        serving.join(0.05)
        ws.send("still here")
        assert ws.recv() == "still here"
        ws.close()
        closing.join()
        serving.join()


def test_shutdown_in_a_handler() -> None:
    raised = []

    def handler(ws: ServerConnection) -> None:
        try:
            ws.server.shutdown()
        except RuntimeError as exc:
            raised.append(exc)

    with running(handler) as server, connect(uri_of(server)) as ws:
        ws.wait_closed()
    assert len(raised) == 1


def test_arguments() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        with pytest.raises(ValueError, match="together with sock"):
            serve(echo, "127.0.0.1", sock=sock)
        with pytest.raises(TypeError, match="backlog cannot be given together with sock"):
            serve(echo, sock=sock, backlog=1)
    with serve(echo, "127.0.0.1", 0, reuse_port=True, backlog=5) as server:
        assert server.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    with pytest.raises(ValueError, match="unsupported compression"):
        serve(echo, "127.0.0.1", 0, compression="zip")
    with pytest.raises(TypeError, match="subclass of ServerConnection"):
        serve(echo, "127.0.0.1", 0, create_connection=dict)  # type: ignore[arg-type]
