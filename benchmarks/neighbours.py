"""Who stands beside the connections that are measured: ``python -m benchmarks.neighbours KIND PORT``.

They run until they are ended, each on a connection of its own, and come back when the server has put them out.
"""

import base64
import os
import socket
import sys
import threading
from collections.abc import Callable

#: Bytes of the large message.
LARGE = 100 * 2**20

_MASK = bytes.fromhex("37fa213d")


def _frame(payload: bytes) -> bytes:
    """Masked by a pattern of which the payload, zeros, takes the shape; one binary message."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xff" + size.to_bytes(8)
    return b"\x82" + length + _MASK + (_MASK * (size // 4 + 1))[:size]


def _open(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 10)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(4096)
    if not head.startswith(b"HTTP/1.1 101 "):
        raise SystemExit(f"refused: {head!r}")
    sock.settimeout(None)
    return sock


def _read(sock: socket.socket) -> None:
    room = bytearray(2**20)
    try:
        while sock.recv_into(room):
            pass
    except OSError:
        pass


def _send(sock: socket.socket, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[sock.send(view) :]


def flood(port: int) -> None:
    """Send short messages as fast as the server takes them, and read what comes."""
    burst = _frame(bytes(64)) * 900
    sock = _open(port)
    threading.Thread(target=_read, args=(sock,), daemon=True).start()
    while True:
        _send(sock, burst)


def deaf(port: int) -> None:
    """Send short messages as fast as the server takes them, and never read."""
    burst = _frame(bytes(64)) * 900
    sock = _open(port)
    while True:
        _send(sock, burst)


def large(port: int) -> None:
    """Send one message of 100 MiB after the other; what comes back is read."""
    message = _frame(bytes(LARGE))
    sock = _open(port)
    threading.Thread(target=_read, args=(sock,), daemon=True).start()
    while True:
        _send(sock, message)


KINDS: dict[str, Callable[[int], None]] = {"flood": flood, "deaf": deaf, "large": large}


def main() -> None:
    kind, port = KINDS[sys.argv[1]], int(sys.argv[2])
    print("ready", flush=True)
    while True:
        try:
            kind(port)
        except OSError:
            continue  # put out


if __name__ == "__main__":
    main()
