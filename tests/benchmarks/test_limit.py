"""benchmarks/limit: a correct echo, if the least of them."""

from __future__ import annotations

import random
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from benchmarks import native

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@contextmanager
def listening(*arguments: str) -> Iterator[int]:
    _, limit = native.build()
    with subprocess.Popen([limit, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[1])
        assert process.poll() is None, "it ended before its time"
        process.terminate()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening() as port:
        yield port


def header(first: int, length: int, masked: bool) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        return bytes([first, mask | length])
    if length < 65536:
        return struct.pack(">BBH", first, mask | 126, length)
    return struct.pack(">BBQ", first, mask | 127, length)


def client_frame(first: int, payload: bytes) -> bytes:
    key = b"\x12\xf4\x56\x9a"
    masked = bytes(byte ^ key[i & 3] for i, byte in enumerate(payload))
    return header(first, len(payload), True) + key + masked


def read_all(sock: socket.socket) -> bytes:
    data = b""
    while chunk := sock.recv(65536):
        data += chunk
    return data


def opened(port: int, pieces: tuple[slice, ...] = (slice(None),)) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    for piece in pieces:
        sock.sendall(REQUEST[piece])
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += sock.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    return sock


def test_handshake_4_2_2_in_pieces(port: int) -> None:
    opened(port, (slice(0, 10), slice(10, 100), slice(100, None))).close()


@pytest.mark.parametrize(
    "missing", [b"Host", b"Upgrade", b"Connection", b"Sec-WebSocket-Version", b"Sec-WebSocket-Key"]
)
def test_handshake_4_2_1_refuses(port: int, missing: bytes) -> None:
    lines = [line for line in REQUEST.split(b"\r\n") if not line.startswith(missing)]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(b"\r\n".join(lines))
        assert read_all(sock).startswith(b"HTTP/1.1 400")


def test_fragments_controls_and_close_5_4_5_5(port: int) -> None:
    with opened(port) as sock:
        sock.sendall(
            client_frame(0x01, b"ab")
            + client_frame(0x8A, b"unasked")
            + client_frame(0x89, b"p")
            + client_frame(0x80, b"cd")
            + client_frame(0x88, b"\x03\xe8bye")
        )
        assert read_all(sock) == b"\x01\x02ab\x8a\x01p\x80\x02cd\x88\x05\x03\xe8bye"


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param(b"\x82\x01x", id="unmasked 5.1"),
        pytest.param(client_frame(0xC2, b"x"), id="rsv 5.2"),
        pytest.param(client_frame(0x83, b""), id="opcode 5.2"),
        pytest.param(client_frame(0x80, b"x"), id="continuation of nothing 5.4"),
        pytest.param(client_frame(0x02, b"x") + client_frame(0x82, b"y"), id="message within a message 5.4"),
        pytest.param(client_frame(0x09, b""), id="fragmented ping 5.5"),
        pytest.param(client_frame(0x88, b"x"), id="close of one byte 5.5.1"),
        pytest.param(b"\x89\xfe\x00\x7e", id="long ping 5.5"),
        pytest.param(b"\x82\xfe\x00\x05abcd", id="16-bit length not minimal 5.2"),
        pytest.param(b"\x82\xff\0\0\0\0\0\0\0\x05abcd", id="64-bit length not minimal 5.2"),
    ],
)
def test_protocol_errors_get_1002(port: int, frames: bytes) -> None:
    with opened(port) as sock:
        sock.sendall(frames)
        assert read_all(sock).endswith(b"\x88\x02\x03\xea")


@pytest.mark.parametrize("seed", range(20))
def test_echo_of_messages_in_any_pieces(port: int, seed: int) -> None:
    draw = random.Random(seed)
    payloads = [
        draw.randbytes(draw.choice([0, 1, 5, 125, 126, 300, 65535, 65536, 200_000])) for _ in range(4)
    ]
    data = b"".join(client_frame(0x82, payload) for payload in payloads)
    expected = b"".join(header(0x82, len(payload), False) + payload for payload in payloads)
    with opened(port) as sock, ThreadPoolExecutor(1) as reader:
        echoed = reader.submit(read_all, sock)
        at = 0
        while at < len(data):
            step = draw.choice([1, 2, 3, 7, 1000, 50_000])
            sock.sendall(data[at : at + step])
            at += step
        sock.sendall(client_frame(0x88, b""))
        assert echoed.result(10) == expected + b"\x88\x00"


def test_fan_out_to_all_who_are_open() -> None:
    with listening("--fanout") as port:
        sockets = [opened(port) for _ in range(5)]
        sockets.pop(2).close()
        waiting = socket.create_connection(("127.0.0.1", port), timeout=10)  # no handshake: no messages
        for payload in (b"x" * 64, b"", b"y" * 125):
            sockets[1].sendall(client_frame(0x82, payload))
            expected = header(0x82, len(payload), False) + payload
            for sock in sockets:
                assert sock.recv(len(expected), socket.MSG_WAITALL) == expected
        sockets[0].sendall(client_frame(0x88, b"\x03\xe8"))
        assert read_all(sockets[0]) == b"\x88\x02\x03\xe8"
        waiting.setblocking(False)
        with pytest.raises(BlockingIOError):
            waiting.recv(1)
        for sock in (*sockets, waiting):
            sock.close()
