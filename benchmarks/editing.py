"""The load client of the work ``editing``: people who type in one document, in one process.

    python -m benchmarks.editing [--connections 50] [--keys 5] [--warmup 2] [--duration 10]

Each key is an update of Yjs, made beforehand; it is timed from its write until it has come to each of the others, and
to the one who pressed it, which says that it is stored. It fails where an update does not come to somebody, or comes
twice, and where the document is not, in the end, what all have typed. Before that a document with a history of 1 MB is
opened which is not in memory, and that is timed, too.

By itself it starts the server, on one core, and is on the other.
"""

import argparse
import base64
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pycrdt import Doc, Text

from benchmarks.whole_messages import Failure, whole_messages

LEFT_OVER = 5.0
"""Seconds in which all must have come, after the last key."""


def _varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


class Line:
    """A connection to a document; frames are masked by zeros."""

    def __init__(self, port: int, name: str) -> None:
        self.updates: list[bytes] = []
        self.state: bytes | None = None
        self.bytes = 0
        self._buffer = bytearray()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /documents/{name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise Failure(f"the handshake was answered {answer!r}")

    def send(self, kind: int, body: bytes) -> None:
        """Send a sync message."""
        data = bytes([0, kind]) + _varint(len(body)) + body
        if len(data) > 125:
            raise Failure("a key makes an update of more than a hundred bytes")
        self.socket.sendall(b"\x82" + bytes([0x80 | len(data)]) + bytes(4) + data)

    def read(self) -> None:
        """Read once, and take what has come whole."""
        data = self.socket.recv(2**18)
        if not data:
            raise Failure("the server has closed a line")
        self.bytes += len(data)
        self._buffer += data
        for message in whole_messages(self._buffer, 0x82):
            self._take(message)

    def _take(self, message: bytes) -> None:
        if message[0] != 0 or message[1] == 0:
            return
        size, at = _read_varint(message, 2)
        if message[1] == 1:
            self.state = message[at : at + size]
        else:
            self.updates.append(message[at : at + size])

    def wait(self) -> bytes:
        """Ask for all there is, and wait for it."""
        self.state = None
        self.send(0, b"\x00")
        while self.state is None:
            self.read()
        return self.state


def keys_of(state: bytes, client: int, count: int) -> list[bytes]:
    """The updates of one who types somewhere in a document."""
    doc: Doc[Any] = Doc(client_id=client)
    doc.apply_update(state)
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("text", type=Text)
    at = random.randrange(len(text))
    for number in range(count):
        text.insert(at + number, random.choice("etaoin "))
    return updates


def _cpu(pids: list[int]) -> float:
    tick = os.sysconf("SC_CLK_TCK")
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / tick


def _part(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1e6


def measure(port: int, pids: list[int], connections: int, keys: float, warmup: float, duration: float) -> Any:
    """Let them type, and say how that went."""
    began = time.monotonic()
    opened = Line(port, "history")
    size = len(opened.wait())
    open_seconds = time.monotonic() - began
    lines = [Line(port, "typing") for _ in range(connections)]
    states = [line.wait() for line in lines]
    count = int((warmup + duration) * keys) + 1
    typed = [keys_of(states[0], 1000 + number, count) for number in range(connections)]
    plan = sorted(
        (key / keys + random.random() / keys, number, key)
        for number in range(connections)
        for key in range(count)
        if key / keys < warmup + duration
    )
    selector = selectors.DefaultSelector()
    for line in lines:
        selector.register(line.socket, selectors.EVENT_READ, line)
    sent: dict[bytes, tuple[float, int]] = {}
    left: dict[bytes, int] = {}
    to_others: list[float] = []
    to_writer: list[float] = []
    received = 0

    def read(until: float) -> None:
        nonlocal received
        while True:
            wait = until - time.monotonic()
            for key, _ in selector.select(max(wait, 0)):
                line: Line = key.data
                line.read()
                now = time.monotonic()
                for update in line.updates:
                    when, writer = sent[update]
                    left[update] -= 1
                    if when >= start:
                        (to_writer if lines[writer] is line else to_others).append(now - when)
                        received += 1
                line.updates.clear()
            if wait <= 0:
                return

    zero = time.monotonic()
    start = zero + warmup
    cpu = mine = 0.0
    for due, number, key in plan:
        if due >= warmup and not cpu:
            cpu, mine = _cpu(pids), time.process_time()
        read(zero + due)
        update = typed[number][key]
        sent[update], left[update] = (time.monotonic(), number), connections
        lines[number].send(2, update)
    seconds = time.monotonic() - start
    used, busy = _cpu(pids) - cpu, time.process_time() - mine
    deadline = time.monotonic() + LEFT_OVER
    while any(left.values()):
        if time.monotonic() > deadline:
            raise Failure(f"{sum(map(bool, left.values()))} of {len(left)} updates did not come to all")
        read(time.monotonic() + 0.05)
    before, after = Doc(), Doc()
    before.apply_update(states[0])
    after.apply_update(lines[0].wait())
    grown = len(after.get("text", type=Text)) - len(before.get("text", type=Text))
    if grown != len(plan) or any(left.values()):
        raise Failure(f"the document has grown by {grown}, and {len(plan)} keys were pressed")
    return {
        "seconds": seconds,
        "keys": len(to_writer),
        "deliveries": received,
        "others_us": {f"p{share}": _part(to_others, share / 100) for share in (50, 99, 99.9)},
        "stored_us": {f"p{share}": _part(to_writer, share / 100) for share in (50, 99, 99.9)},
        "cpu_seconds": used,
        "cpu_share": used / seconds,
        "client_cpu_share": busy / seconds,
        "open_seconds": open_seconds,
        "open_bytes": size,
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--server-pids", default="")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--keys", type=float, default=5.0)
    parser.add_argument("--warmup", type=float, default=2.0)
    parser.add_argument("--duration", type=float, default=10.0)
    arguments = parser.parse_args()
    server = None
    port, pids = arguments.port, [int(pid) for pid in arguments.server_pids.split(",") if pid]
    if not port:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[0]})
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.openline_documents", "--loop", "asyncio"],
            stdout=subprocess.PIPE,
        )
        os.sched_setaffinity(0, {cores[-1]})
        assert server.stdout is not None
        port, pids = int(server.stdout.readline().split()[1]), [server.pid]
    try:
        result = measure(
            port, pids, arguments.connections, arguments.keys, arguments.warmup, arguments.duration
        )
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        if server is not None:
            server.terminate()
            server.wait()
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
