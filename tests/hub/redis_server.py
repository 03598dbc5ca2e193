"""Real Redis servers for tests: on free ports of 127.0.0.1, each in a folder of its own, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BINARY = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(
    BINARY is None, reason="redis-server is not installed (Debian: redis-server)"
)

# What Debian's redis.conf says, as far as it matters here; and what never loses an acknowledged write.
FORGETFUL = ("--save", "", "--appendonly", "no")
DURABLE = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """One process; `start` it again after `kill`, with the same port and folder."""

    def __init__(self, folder: Path, *options: str, sentinel: bool = False) -> None:
        self.port = free_port()
        self.folder = folder
        self.options = options
        self.sentinel = sentinel
        self.process: subprocess.Popen[bytes] | None = None
        self.drain: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert BINARY is not None
        self.folder.mkdir(exist_ok=True, parents=True)
        config: list[str] = []
        if self.sentinel:
            path = self.folder / "sentinel.conf"
            if not path.exists():
                path.write_text("\n".join(self.options))
            config = [str(path), "--sentinel"]
        else:
            config = list(self.options)
        command = [
            BINARY,
            *config,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        stdout = self.process.stdout
        assert stdout is not None
        ready = b"Sentinel ID is" if self.sentinel else b"Ready to accept connections"
        lines: list[bytes] = []
        for line in stdout:
            lines.append(line)
            if ready in line:
                break
        else:
            pytest.fail("redis-server did not start:\n" + b"".join(lines).decode(errors="replace"))
        self.drain = threading.Thread(target=stdout.read, daemon=True)  # a full pipe would stop the server
        self.drain.start()
        while self.sentinel:  # it says so before it listens
            with contextlib.suppress(OSError):
                self.ask("PING")
                break

    def kill(self) -> None:
        """End it with -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a service manager does."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """Send one command over a connection of its own; return what comes back first, as it is on the wire."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            line.sendall(b"*%d\r\n" % len(words))
            for word in words:
                raw = word.encode()
                line.sendall(b"$%d\r\n%b\r\n" % (len(raw), raw))
            return line.recv(65536)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait()
            assert self.process.stdout is not None
            assert self.drain is not None
            self.drain.join()
            self.process.stdout.close()
            self.process = None


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A server that runs, and ends with the block. Without options it keeps everything in memory alone."""
    server = RedisServer(folder, *(options or FORGETFUL))
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def redis_cluster(folder: Path) -> Iterator[list[RedisServer]]:
    """A Cluster of three masters; the slots are dealt in three equal parts."""
    servers = [
        RedisServer(
            folder / str(number),
            *FORGETFUL,
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "500"),
            *("--cluster-port", str(free_port())),
        )
        for number in range(3)
    ]
    try:
        for server in servers:
            server.start()
        first = servers[0]
        for number, server in enumerate(servers):
            begin, end = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            assert b"OK" in server.ask("CLUSTER", "ADDSLOTSRANGE", str(begin), str(end))
            assert b"OK" in server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            bus = first.options[-1]
            if server is not first:
                assert b"OK" in server.ask("CLUSTER", "MEET", "127.0.0.1", str(first.port), bus)
        wait_for(lambda: all(b"cluster_state:ok" in server.ask("CLUSTER", "INFO") for server in servers))
        wait_for(lambda: all(server.ask("CLUSTER", "SLOTS").startswith(b"*3") for server in servers))
        yield servers
    finally:
        for server in servers:
            server.kill()


@contextlib.contextmanager
def redis_sentinel(folder: Path) -> Iterator[tuple[RedisServer, RedisServer, RedisServer]]:
    """A master, its replica, and a Sentinel that calls it ``main`` and gives it up after half a second."""
    master = RedisServer(folder / "master", *FORGETFUL)
    replica = RedisServer(
        folder / "replica",
        *FORGETFUL,
        "--replicaof",
        f"127.0.0.1 {master.port}",
        "--repl-diskless-sync-delay",
        "0",
    )
    master.options += ("--repl-diskless-sync-delay", "0")
    sentinel = RedisServer(
        folder / "sentinel",
        f"sentinel monitor main 127.0.0.1 {master.port} 1",
        "sentinel down-after-milliseconds main 500",
        "sentinel failover-timeout main 2000",
        sentinel=True,
    )
    servers = (master, replica, sentinel)
    try:
        for server in servers:
            server.start()
        wait_for(lambda: b"master_link_status:up" in replica.ask("INFO", "replication"))
        wait_for(lambda: b"num-slaves\r\n$1\r\n1" in sentinel.ask("SENTINEL", "MASTER", "main"))
        yield servers
    finally:
        for server in servers:
            server.kill()


def wait_for(condition: Callable[[], bool], patience: float = 15.0) -> None:
    """Ask again and again: other processes have no events for us."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "the servers do not come together"
        time.sleep(0.01)
