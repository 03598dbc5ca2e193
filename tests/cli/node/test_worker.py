"""Several nodes on one port, with one Redis."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.cli.node.nodes import CONFIG, ask, client, node, token, write_config
from tests.cli.peers import end_of
from tests.cli.terminal import PATIENCE, background, run
from tests.hub.redis_server import redis_server

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc"),
    pytest.mark.timeout(90),
]


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_clients_of_all_workers_hear_each_other_and_are_sent_away_together(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    text = token(path, "--user", "42")
    with redis_server(tmp_path) as redis:
        arguments = ("--config", path, "--broker", redis.url, "--workers", "2")
        with node(*arguments) as (command, url):
            assert "by 2 workers" in command.said
            assert len(children(command.process.pid)) == 2
            # The kernel chooses the worker: of twelve connections, both have some but once in two thousand times.
            clients = [client(url, text) for _ in range(12)]
            lines = [one.__enter__() for one in clients]
            try:
                for ws in lines:
                    assert "subscribe" in ask(ws, 2, subscribe={"channel": "chat:1"})
                assert "publish" in ask(lines[0], 3, publish={"channel": "chat:1", "data": "hello"})
                for ws in lines[1:]:
                    while "hello" not in (said := str(ws.recv(PATIENCE))):
                        assert "disconnect" not in said
                write_config(tmp_path, CONFIG + '[namespaces.news]\nsubscribe = "users"\n')
                command.signal(signal.SIGHUP)
                for _ in range(2):
                    command.expect("reloaded tokens and 2 namespaces")
                assert "subscribe" in ask(lines[0], 4, subscribe={"channel": "news:1"})
                command.signal(signal.SIGTERM)
                for ws in lines:
                    closed = end_of(ws)
                    assert closed.rcvd is not None
                    assert closed.rcvd.code == 3001
            finally:
                for one in clients:
                    one.__exit__(None, None, None)
            assert command.end() == 0


def test_a_worker_that_cannot_start_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    result = run(
        "hub", "--insecure", "--port", "0", "--workers", "2", "--broker", f"redis://127.0.0.1:{port}"
    )
    assert b"Error: the broker cannot be reached: " in result.stderr
    assert result.returncode == 1


def test_a_broker_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    with redis_server(tmp_path) as redis:
        redis.stop()
        with background(
            "hub", "--insecure", "--port", "0", "--broker", redis.url, "--wait-for-broker", "60"
        ) as command:
            command.expect("the broker cannot be reached: .*; trying for 60 s")
            redis.start()
            url = command.expect(r"serving the hub at (ws://\S+)")[1]
            with client(url) as ws:
                assert "connect" in ask(ws, 1, connect={})
                assert json.dumps(ask(ws, 2, publish={"channel": "x", "data": 1}))
