"""A connection, as threads use it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from openline import ConcurrencyError, ConnectionClosedError, ConnectionClosedOK, State
from openline.sync import ServerConnection, broadcast, connect

from .conftest import running, uri_of

pytestmark = pytest.mark.engine


def echo(ws: ServerConnection) -> None:
    for message in ws:
        ws.send(message)


def test_messages_of_all_kinds() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        for message in ("text", "", b"binary", b""):
            ws.send(message)
            assert ws.recv() == message
        ws.send(bytearray(b"mutable"))
        assert ws.recv() == b"mutable"
        ws.send(b"bytes as text", text=True)
        assert ws.recv() == "bytes as text"
        ws.send("text as bytes", text=False)
        assert ws.recv() == b"text as bytes"
        with pytest.raises(TypeError):
            ws.send({"a": "b"})
        with pytest.raises(TypeError):
            ws.send(1)  # type: ignore[arg-type]


def test_many_messages_keep_their_order() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        sender = threading.Thread(target=lambda: [ws.send(str(number)) for number in range(300)])
        sender.start()
        assert [ws.recv() for _ in range(300)] == [str(number) for number in range(300)]
        sender.join()


def test_decode() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        ws.send("é")
        assert ws.recv(decode=False) == "é".encode()
        ws.send("é".encode())
        assert ws.recv(decode=True) == "é"
        ws.send(b"\xff")
        with pytest.raises(ConnectionClosedError) as info:
            ws.recv(decode=True)
        assert isinstance(info.value.__cause__, UnicodeDecodeError)
        assert ws.close_code == 1007


def test_timeout_loses_nothing() -> None:
    go = threading.Event()

    def handler(ws: ServerConnection) -> None:
        go.wait()
        ws.send("late")
        ws.recv()

    with running(handler) as server, connect(uri_of(server)) as ws:
        for timeout in (0, 0.02):
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                ws.recv(timeout=timeout)
            assert time.monotonic() - started >= timeout
        go.set()
        assert ws.recv(timeout=10) == "late"


def test_one_receiver() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        waiting = threading.Thread(target=ws.recv)
        waiting.start()
        while not ws._receiving.locked():
            time.sleep(0.001)
        with pytest.raises(ConcurrencyError, match="recv while another thread"):
            ws.recv()
        with pytest.raises(ConcurrencyError, match="recv_streaming while another thread"):
            next(iter(ws.recv_streaming()))
        ws.send("x")
        waiting.join()


def test_fragments() -> None:
    def pieces() -> Iterator[str]:
        assert threading.current_thread() is threading.main_thread()
        yield "one "
        yield "two "
        yield "three"

    def handler(ws: ServerConnection) -> None:
        ws.send("|".join(ws.recv_streaming()))
        ws.send(ws.recv())
        ws.send(list(ws.recv_streaming(decode=False)))

    with running(handler) as server, connect(uri_of(server), compression=None) as ws:
        ws.send(pieces())
        assert ws.recv() == "one |two |three|"  # the last fragment is empty
        ws.send([b"a", b"b"])
        assert ws.recv() == b"ab"
        ws.send("unfragmented")
        assert list(ws.recv_streaming()) == [b"unfragmented", b""]


def test_fragments_that_fail() -> None:
    def pieces() -> Iterator[str]:
        yield "one"
        raise RuntimeError("on purpose")

    with running(echo) as server, connect(uri_of(server)) as ws:
        with pytest.raises(RuntimeError, match="on purpose"):
            ws.send(pieces())
        assert ws.wait_closed(10)
        with pytest.raises(ConnectionClosedError):
            ws.send("more")


def test_fragments_of_different_types() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws, pytest.raises(TypeError):
        ws.send(["text", b"bytes"])


def test_fragments_to_a_closed_connection() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        ws.close()
        with pytest.raises(ConnectionClosedOK):
            ws.send(["a", "b", "c"])


def test_iteration_ends_with_a_normal_close_and_raises_otherwise() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.send("one")
        ws.send("two")
        ws.close((ws.request is not None and int(ws.request.path.strip("/") or 1000)) or 1000)

    with running(handler) as server:
        with connect(uri_of(server)) as ws:
            assert list(ws) == ["one", "two"]
        with connect(uri_of(server) + "4000") as ws:
            messages = []
            with pytest.raises(ConnectionClosedError):
                messages.extend(ws)
            assert ws.close_code == 4000


def test_ping() -> None:
    with running(echo) as server, connect(uri_of(server)) as ws:
        answered = ws.ping(b"data")
        assert answered.wait(10)
        assert ws.latency > 0
        ws.pong("unasked for")
        unanswered = ws.ping(ack_on_close=True)
        ws.close()
        assert unanswered.wait(10)
        with pytest.raises(ConnectionClosedOK):
            ws.ping()


def test_ping_that_is_never_answered() -> None:
    import socket

    listening = socket.create_server(("127.0.0.1", 0))

    def silent() -> None:
        from base64 import b64encode
        from hashlib import sha1

        sock, _ = listening.accept()
        with sock:
            key = sock.recv(10_000).split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = b64encode(sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            while sock.recv(1000):
                pass

    thread = threading.Thread(target=silent)
    thread.start()
    ws = connect(f"ws://127.0.0.1:{listening.getsockname()[1]}/", close_timeout=0.1)
    unanswered, acknowledged = ws.ping(), ws.ping(ack_on_close=True)
    assert not ws.wait_closed(0.02)
    ws.close()
    assert acknowledged.wait(10)
    assert not unanswered.is_set()
    thread.join()
    listening.close()


def test_what_it_knows() -> None:
    def handler(ws: ServerConnection) -> None:
        ws.recv()

    with running(handler) as server, connect(uri_of(server)) as ws:
        assert isinstance(ws.id, uuid.UUID)
        assert ws.state is State.OPEN
        assert ws.remote_address == server.socket.getsockname()
        (connection,) = server.connections
        assert connection.remote_address == ws.local_address
        assert connection.server is server
        assert ws.subprotocol is None
        assert ws.request is not None
        assert ws.response is not None
        assert ws.response.status_code == 101
        assert (ws.close_code, ws.close_reason) == (None, None)
        assert "open" in repr(ws)
        assert ws.logger is not None
        ws.close(4001, "bye")
        assert ws.state is State.CLOSED
        assert ws.wait_closed()


def test_broadcast() -> None:
    with running(echo) as server:
        clients = [connect(uri_of(server)) for _ in range(3)]
        clients[0].close()
        while len(server.connections) != 2:
            time.sleep(0.001)
        broadcast(server.connections, "hello")
        assert [ws.recv() for ws in clients[1:]] == ["hello", "hello"]
        broadcast([], "nobody")
        for ws in clients:
            ws.close()
