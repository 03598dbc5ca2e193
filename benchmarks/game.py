"""The load client of the work ``game``: players of one arena, in one process.

    python -m benchmarks.game [--connections 200] [--warmup 3] [--duration 10]

Each player sends an input 30 times a second, which acknowledges the newest state that he has. Every state must be
against the last one that came, on every line; of some players each is taken apart to its last byte. It fails where a
state does not follow the one before, or where players got fewer than they should.

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

from benchmarks.whole_messages import Failure, whole_messages
from openline.rooms import View

RATE = 30
"""Ticks a second, and inputs of each player."""
WATCHED = 10
"""Players whose states are taken apart."""
SLICES = 10
"""Into which the players are divided, for their inputs to come all through a tick."""
TOLERANCE = 0.97
MEASURABLE = 1.0
"""Seconds, of less a rate cannot be told: a tick more or less is too much of it."""

_STATE = 2
_PUSH = 0x22  # field 4 of Reply; what stands in it are a message, its data, and nothing else


def _varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def _field(key: int, data: bytes) -> bytes:
    return bytes([key]) + _varint(len(data)) + data


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _payload(unit: bytes, depth: int) -> bytes:
    """What stands at the end of so many messages in each other."""
    _, at = _read_varint(unit, 0)
    for _ in range(depth):
        _, at = _read_varint(unit, at + 1)
    return unit[at:]


class Player:
    """One line.

    Attributes:
        states: That came since `begin`.
        bytes: Of all frames that came since then.
    """

    def __init__(self, port: int, number: int) -> None:
        self.tick = self.states = self.bytes = 0
        self.answer: dict[str, Any] | None = None
        self.view: View | None = None
        self._watched = number < WATCHED
        self._number = 0
        self._heading = random.randrange(256)
        self._buffer = bytearray()
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /connection/websocket?format=protobuf HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def join(self) -> None:
        """Wait for the handshake, and ask for a seat."""
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += self.socket.recv(1)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise Failure(f"the handshake was answered {answer!r}")
        self._say(b"\x08\x01\x22\x00")  # connect
        self.ask("game.join")

    def ask(self, method: str) -> None:
        """Call a method; the answer is kept."""
        self.answer = None
        self._say(b"\x08\x02" + _field(0x6A, _field(0x0A, b"{}") + _field(0x12, method.encode())))

    def _say(self, command: bytes) -> None:
        data = _varint(len(command)) + command
        self.socket.sendall(b"\x82" + bytes([0x80 | len(data)]) + bytes(4) + data)  # masked by zeros

    def step(self) -> None:
        """Send an input."""
        self._number += 1
        if random.random() < 0.05:
            self._heading = random.randrange(256)
        head = b"\x01" + self.tick.to_bytes(4, "little") + self._number.to_bytes(4, "little")
        # A frame of 22 bytes, written at once: masked by zeros, one command that is a send.
        self.socket.send(b"\x82\x8f\0\0\0\0\x0e\x62\x0c\x0a\x0a" + head + bytes([self._heading]))

    def read(self) -> None:
        """Read once, and take what has come whole."""
        data = self.socket.recv(2**16)
        if not data:
            raise Failure("the server has closed a line")
        self.bytes += len(data)
        self._buffer += data
        for message in whole_messages(self._buffer, 0x82):
            self._take(message)

    def _take(self, unit: bytes) -> None:
        if unit == b"\0":
            self._say(b"")
            return
        _, at = _read_varint(unit, 0)
        if unit[at] != _PUSH:
            if unit[at : at + 2] == b"\x08\x02":  # what was asked for; the other is the connect's
                self._answered(unit)
            return
        state = _payload(unit, 3)
        if state[0] != _STATE:
            raise Failure(f"a message begins with {state[0]}")
        tick, base = int.from_bytes(state[2:6], "little"), int.from_bytes(state[6:10], "little")
        if (base and base != self.tick) or tick <= self.tick:
            raise Failure(f"state {tick} is against {base}, and came after {self.tick}")
        if self.view is not None:
            self.view.apply(state)
        self.tick = tick
        self.states += 1

    def _answered(self, unit: bytes) -> None:
        self.answer = json.loads(unit[unit.index(b'{"') :]) if b'{"' in unit else {}
        if "kinds" in self.answer and self._watched:
            self.view = View(self.answer["kinds"])


def _cpu(pids: list[int]) -> tuple[float, float]:
    """User and system time that processes have used, in seconds."""
    tick = os.sysconf("SC_CLK_TCK")
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) for one in fields) / tick, sum(int(one[12]) for one in fields) / tick


class Crowd:
    """All players."""

    def __init__(self, port: int, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self.players = [Player(port, number) for number in range(count)]
        for player in self.players:
            player.join()
            self._selector.register(player.socket, selectors.EVENT_READ, player)
        self.until(lambda: all(player.answer is not None for player in self.players))

    def until(self, condition: Any) -> None:
        """Read until something is so; at most 20 seconds."""
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                raise Failure("no answer in 20 s")
            self.read(0.001)

    def read(self, seconds: float) -> None:
        """Read what comes within some time."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            for key, _ in self._selector.select(max(left, 0)):
                key.data.read()
            if left <= 0:
                return

    def play(self, seconds: float) -> None:
        """Send inputs, spread over the time, and read."""
        began, steps = time.monotonic(), 0
        while (now := time.monotonic()) < began + seconds:
            due = int((now - began) * RATE * SLICES)
            for step in range(steps, due):
                for player in self.players[step % SLICES :: SLICES]:
                    player.step()
            steps = due
            self.read(max(began + (steps + 1) / (RATE * SLICES) - time.monotonic(), 0))

    def ask(self, method: str) -> dict[str, Any]:
        """Have the first player ask for something."""
        first = self.players[0]
        first.ask(method)
        self.until(lambda: first.answer is not None)
        assert first.answer is not None
        return first.answer


def measure(port: int, pids: list[int], connections: int, warmup: float, duration: float) -> dict[str, Any]:
    """Let them play, and say how that went."""
    crowd = Crowd(port, connections)
    crowd.play(warmup)
    crowd.ask("forget")
    for player in crowd.players:
        player.states = player.bytes = 0
    user, system = _cpu(pids)
    mine, began = time.process_time(), time.monotonic()
    crowd.play(duration)
    seconds, busy = time.monotonic() - began, time.process_time() - mine
    used_user, used_system = (
        after - before for after, before in zip(_cpu(pids), (user, system), strict=True)
    )
    late = crowd.ask("lateness")
    states = sum(player.states for player in crowd.players)
    fewest = min(player.states for player in crowd.players) / seconds
    if seconds >= MEASURABLE and fewest < RATE * TOLERANCE:
        raise Failure(f"a player got {fewest:.1f} states a second, not {RATE}; {late}")
    return {
        "seconds": seconds,
        "states": states,
        "fewest": fewest,
        "seen": late["seen"],
        "bytes_received": sum(player.bytes for player in crowd.players),
        "lateness_us": {name: late[name] * 1e6 for name in ("p50", "p99", "most")},
        "left_out": late["left_out"],
        "inputs_left_out": late["inputs_left_out"],
        "cpu_seconds": used_user + used_system,
        "cpu_user_seconds": used_user,
        "cpu_system_seconds": used_system,
        "client_cpu_seconds": busy,
    }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--server-pids", default="")
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--warmup", type=float, default=3.0)
    parser.add_argument("--duration", type=float, default=10.0)
    arguments = parser.parse_args()
    server = None
    port, pids = arguments.port, [int(pid) for pid in arguments.server_pids.split(",") if pid]
    if not port:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[0]})
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.openline_rooms", "--loop", "asyncio"],
            stdout=subprocess.PIPE,
        )
        os.sched_setaffinity(0, {cores[-1]})
        assert server.stdout is not None
        port, pids = int(server.stdout.readline().split()[1]), [server.pid]
    try:
        result = measure(port, pids, arguments.connections, arguments.warmup, arguments.duration)
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
