"""`openline serve --workers`: processes that share a port and are replaced when they die."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.cli.processes import children
from tests.cli.terminal import PATIENCE, background, server

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc"),
    pytest.mark.timeout(60),
]


WHO = ["--exec", "sh -c 'echo $PPID'"]


def who(url: str) -> int:
    """The process that serves a new connection."""
    with connect(url) as ws:
        return int(ws.recv(PATIENCE))


def serving(url: str, wanted: int) -> set[int]:
    """Connect until so many processes have answered; the kernel chooses, so it may take some turns."""
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE
    while len(seen) < wanted:
        assert time.monotonic() < deadline, f"only {len(seen)} of {wanted} workers are reached"
        seen.add(who(url))
    return seen


def test_connections_are_spread_over_the_workers() -> None:
    with server("--workers", "2", *WHO) as (command, url):
        command.expect("by 2 workers")
        assert serving(url, 2) == children(command.process.pid)


def test_a_worker_that_dies_is_replaced() -> None:
    with server("--workers", "2", *WHO) as (command, url):
        before = serving(url, 2)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        command.expect(rf"worker \d \(pid {victim}\) ended with SIGKILL; a new one starts in 0\.5 s")
        after: set[int] = set()
        deadline = time.monotonic() + PATIENCE
        while len(after) < 2:
            assert time.monotonic() < deadline
            try:
                after.add(who(url))
            except (OSError, EOFError, ConnectionClosed):
                continue  # a connection that the dead worker had not accepted is reset
        assert victim not in after
        assert len(before & after) == 1


def test_why_workers_cannot_start_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "server.pem"
    path.write_text("nonsense")
    with background("serve", "--port", "0", "--workers", "2", "--certfile", str(path)) as command:
        assert command.end() == 1
        assert command.said.startswith("Error: ")
        assert "holds no usable certificate and key" in command.said
        assert len(command.said.splitlines()) == 1
