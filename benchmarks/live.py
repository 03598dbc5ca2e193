"""The load client of the work ``live``: many clients, each looking at symbols of its own choice, in one process.

It takes every frame apart and reads every value in it: of each symbol they must come in order, none twice, and of
symbols alone that this client asked for. Values say when they were made (the clock is the machine's), so their age on
arrival is known, and how many changes were merged into each. It fails where the market did not move as fast as it
should, or a client got fewer frames than it should.

Not in C, as the other client is: it has 2,000 frames a second to read, and half a core is enough.
"""

import argparse
import base64
import json
import os
import random
import re
import selectors
import socket
import sys
import time
from pathlib import Path

from benchmarks.whole_messages import Failure, whole_messages

SYMBOLS = 500
WATCHED = 50
"""Symbols that each client looks at."""
CHANGES = 20_000
"""A second, over all symbols."""
FRAMES = 10
"""A second, for each client."""
INTERVAL = 1 / FRAMES

_TOLERANCE = 0.97
_VALUE = re.compile(
    rb'\{"push":\{"channel":"market:(\d+)","pub":\{"data":\{"n":(\d+),"price":[\d.]+,"at":(\d+)\}'
    rb',"time":\d+\}\}\}\n?'
)


class Client:
    """One connection, and what it has seen.

    Attributes:
        frames: With values, since `begin`.
        values: In those.
        merged: Changes that came by a newer one only.
        ages: Of the values, in ns.
        seen: By symbol, the number of the newest value.
    """

    def __init__(self, port: int, number: int, token: str) -> None:
        chosen = random.Random(number).sample(range(SYMBOLS), WATCHED)
        self.seen = dict.fromkeys(chosen, 0)
        self.begin()
        self.subscribed = 0
        self._buffer = bytearray()
        self.socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /connection/websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise Failure(f"the handshake was answered {answer!r}")
        commands = [{"id": 1, "connect": {"token": token}}]
        commands += [
            {"id": number, "subscribe": {"channel": f"market:{symbol}"}}
            for number, symbol in enumerate(chosen, 2)
        ]
        self._say("\n".join(map(json.dumps, commands)))

    def begin(self) -> None:
        """Count from here on."""
        self.frames = self.values = self.merged = self.bytes = 0
        self.ages: list[int] = []

    def _say(self, text: str) -> None:
        data = text.encode()
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + size + bytes(4) + data)  # masked by zeros

    def read(self) -> None:
        """Read once, and take what has come whole."""
        data = self.socket.recv(2**18)
        if not data:
            raise Failure("the server has closed a connection")
        self.bytes += len(data)
        self._buffer += data
        for message in whole_messages(self._buffer, 0x81):
            self._take(message)

    def _take(self, message: bytes) -> None:
        if message == b"{}":
            self._say("{}")
            return
        if not message.startswith(b'{"push":'):
            for line in message.split(b"\n"):
                answer = json.loads(line)
                if "error" in answer:
                    raise Failure(f"answered {line!r}")
                self.subscribed += "subscribe" in answer
            return
        now, seen, ages = time.monotonic_ns(), self.seen, self.ages
        end = count = 0
        for value in _VALUE.finditer(message):
            if value.start() != end:
                break
            end = value.end()
            count += 1
            symbol, number, at = map(int, value.groups())
            before = seen[symbol]  # it asked for no others
            if number <= before:
                raise Failure(f"symbol {symbol}: value {number} came after {before}")
            if before:
                self.merged += number - before - 1
            seen[symbol] = number
            ages.append(now - at)
        if end != len(message) or count > WATCHED:
            raise Failure(f"a frame holds {count} values, and at byte {end} {message[end : end + 200]!r}")
        self.frames += 1
        self.values += count


def _cpu(pids: list[int]) -> tuple[float, float]:
    """User and system time that processes have used, in seconds."""
    tick = os.sysconf("SC_CLK_TCK")
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) for one in fields) / tick, sum(int(one[12]) for one in fields) / tick


def _share(values: list[int], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] / 1e3


def _run(selector: selectors.BaseSelector, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.read()


def measure(
    port: int, pids: list[int], token: str, connections: int, warmup: float, duration: float
) -> dict[str, object]:
    """Open the clients, let the market move, and say what was seen."""
    selector = selectors.DefaultSelector()
    clients: list[Client] = []
    for number in range(connections):
        client = Client(port, number, token)
        selector.register(client.socket, selectors.EVENT_READ, client)
        clients.append(client)
        _run(selector, 0)
    deadline = time.monotonic() + 20
    while any(client.subscribed < WATCHED for client in clients):
        if time.monotonic() > deadline:
            raise Failure("not all subscriptions were answered in 20 s")
        _run(selector, time.monotonic() + 0.05)
    _run(selector, time.monotonic() + max(warmup, 2 * INTERVAL))
    for client in clients:
        client.begin()
    moved = _numbers(clients)
    user, system = _cpu(pids)
    mine, began = time.process_time(), time.monotonic()
    _run(selector, began + duration)
    seconds, busy = time.monotonic() - began, time.process_time() - mine
    used_user, used_system = (
        after - before for after, before in zip(_cpu(pids), (user, system), strict=True)
    )
    changes = (_numbers(clients) - moved) / seconds
    if changes < CHANGES * _TOLERANCE:
        raise Failure(f"the market has moved {changes:,.0f} times a second, not {CHANGES:,}")
    fewest = min(client.frames for client in clients) / seconds
    most = max(client.frames for client in clients) / seconds
    if fewest < FRAMES * _TOLERANCE - 1 / seconds or most > FRAMES + 1 / seconds:
        raise Failure(f"clients got {fewest:.2f} to {most:.2f} frames a second, not {FRAMES}")
    ages = sorted(age for client in clients for age in client.ages)
    frames = sum(client.frames for client in clients)
    values, merged = sum(client.values for client in clients), sum(client.merged for client in clients)
    return {
        "seconds": seconds,
        "frames": frames,
        "values": values,
        "merged": merged,
        "changes": changes,
        "fewest": fewest,
        "bytes_received": sum(client.bytes for client in clients),
        "latency_us": {"p50": _share(ages, 0.5), "p99": _share(ages, 0.99), "p99.9": _share(ages, 0.999)},
        "cpu_seconds": used_user + used_system,
        "cpu_user_seconds": used_user,
        "cpu_system_seconds": used_system,
        "client_cpu_seconds": busy,
    }


def _numbers(clients: list[Client]) -> int:
    """How often the market has moved, over all symbols: the newest number that anybody has seen of each."""
    newest: dict[int, int] = {}
    for client in clients:
        for symbol, number in client.seen.items():
            newest[symbol] = max(newest.get(symbol, 0), number)
    if len(newest) < SYMBOLS:
        raise Failure(f"{SYMBOLS - len(newest)} symbols are looked at by nobody")
    return sum(newest.values())


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server-pids", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--duration", type=float, default=2.0)
    arguments = parser.parse_args()
    pids = [int(pid) for pid in arguments.server_pids.split(",")]
    try:
        result = measure(
            arguments.port, pids, arguments.token, arguments.connections, arguments.warmup, arguments.duration
        )
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
