"""One serving process: its addresses, its limits, its end."""

from __future__ import annotations

import signal
import socket
import ssl
from pathlib import Path

import trustme
from websockets.sync.client import connect, unix_connect
from websockets.typing import Subprotocol

from tests.cli.peers import end_of
from tests.cli.terminal import PATIENCE, background, run, server


def test_certfile_makes_it_wss(authority: trustme.CA, client_tls: ssl.SSLContext, tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    with server("--certfile", str(path)) as (_, url), connect(url, ssl=client_tls) as ws:
        assert url.startswith("wss://")
        ws.send("hi")
        assert ws.recv(PATIENCE) == "hi"


def test_a_certfile_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text("nonsense")
    result = run("serve", "--port", "0", "--certfile", str(path))
    assert b"holds no usable certificate and key" in result.stderr
    assert result.returncode == 1


def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with background("serve", "--unix", path) as command:
        command.expect("Ctrl-C ends it")
        with unix_connect(path, "ws://localhost/") as ws:
            ws.send("hi")
            assert ws.recv(PATIENCE) == "hi"


def test_subprotocols_are_chosen() -> None:
    with server("-s", "one", "-s", "two") as (_, url), connect(url, subprotocols=[Subprotocol("two")]) as ws:
        assert ws.subprotocol == "two"


def test_max_size_closes_with_1009() -> None:
    with server("--max-size", "10") as (_, url), connect(url) as ws:
        ws.send("x" * 11)
        closed = end_of(ws)
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1009


def test_compression_can_be_turned_off() -> None:
    for options, wanted in (((), "permessage-deflate"), (("--no-compress",), "")):
        with server(*options) as (_, url), connect(url) as ws:
            assert ws.response is not None
            assert ws.response.headers.get("Sec-WebSocket-Extensions", "").startswith(wanted or "")
            assert bool(ws.response.headers.get("Sec-WebSocket-Extensions")) is bool(wanted)


def test_quiet_says_nothing(closed_port: int) -> None:
    with background("serve", "--quiet", "--port", str(closed_port)) as command:
        result = run("connect", "-1", "--wait", "5", f"ws://127.0.0.1:{closed_port}", stdin=b"hi\n")
        while result.returncode != 0:
            result = run("connect", "-1", "--wait", "5", f"ws://127.0.0.1:{closed_port}", stdin=b"hi\n")
        command.signal(signal.SIGTERM)
        assert command.end() == 0
        assert command.said == ""


def raw_websocket(url: str) -> socket.socket:
    """A client that shakes hands and then never answers anything."""
    host, port = url.removeprefix("ws://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert sock.recv(65536).startswith(b"HTTP/1.1 101 ")
    return sock


def test_a_second_signal_ends_it_at_once() -> None:
    with server() as (command, url), raw_websocket(url) as sock:
        command.signal(signal.SIGINT)
        assert sock.recv(65536)[:1] == b"\x88"  # its Close frame, which stays without an answer
        command.signal(signal.SIGINT)
        assert command.end() == 130
