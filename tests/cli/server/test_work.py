"""A worker and its supervisor: one line each way, and an end together."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from openline.cli.server.options import ServeOptions
from openline.cli.server.work import READY
from tests.cli.terminal import PATIENCE, environment


@contextmanager
def worker(options: ServeOptions) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """Start a worker as its supervisor would; yields it and our end of the line."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "openline.cli.server.worker"], stdin=theirs.fileno(), env=environment()
            )
        ours.settimeout(PATIENCE)
        ours.sendall(json.dumps(options.to_json()).encode() + b"\n")
        try:
            yield process, ours
        finally:
            process.kill()
            process.wait()


def test_a_worker_says_when_it_listens_and_ends_with_the_line() -> None:
    with worker(ServeOptions(port=0)) as (process, line):
        assert line.recv(100).decode() == f"{READY}\n"
        line.shutdown(socket.SHUT_WR)
        assert process.wait(PATIENCE) == 0


def test_ctrl_c_is_the_supervisors() -> None:
    with worker(ServeOptions(port=0)) as (process, line):
        assert line.recv(100).decode() == f"{READY}\n"
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_worker_says_why_it_cannot_start() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        worker(ServeOptions(port=taken.getsockname()[1])) as (
            process,
            line,
        ),
    ):
        assert line.recv(4096).decode().startswith("cannot listen on 127.0.0.1:")
        assert process.wait(PATIENCE) == 1
