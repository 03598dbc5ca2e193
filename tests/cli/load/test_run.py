"""The load of `openline bench`: what it counts, and what it finds wrong."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from tests.cli.peers import peer
from tests.cli.terminal import run, server


def measure(*arguments: str) -> tuple[dict[str, Any], int]:
    result = run("bench", "--json", *arguments)
    assert result.stdout, result.stderr
    return json.loads(result.stdout), result.returncode


def test_every_answer_is_counted() -> None:
    with server() as (_, url):
        found, status = measure("-c", "5", "-d", "0.5", "--in-flight", "4", url)
    assert status == 0
    assert found["connections"] == 5
    assert found["size"] == 64
    assert found["errors"] == {}
    assert found["sent"] == found["answered"] >= 20
    assert found["answers_per_second"] == pytest.approx(found["answered"] / found["elapsed"])
    latency = found["latency"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]


@pytest.mark.parametrize("kind", [[], ["--binary"]])
def test_sizes_go_both_ways(kind: list[str]) -> None:
    with server() as (_, url):
        found, status = measure("-c", "2", "-d", "0.3", "--size", "70000", *kind, url)
    assert (status, found["size"], found["unanswered"]) == (0, 70000, 0)
    assert found["answered"] > 0


def test_a_rate_is_kept() -> None:
    with server() as (_, url):
        found, status = measure("-c", "3", "-d", "1", "--rate", "200", url)
    assert status == 0
    # It may stop a little late, may be behind by what one turn takes, and never sends more than is due.
    due = found["elapsed"] * 200
    assert due - 50 <= found["sent"] <= due + 1
    assert found["answered"] == found["sent"]


def test_a_stalled_server_shows_in_the_latency_at_a_rate() -> None:
    def stall_once(ws: ServerConnection) -> None:
        for number, message in enumerate(ws):
            if number == 20:
                pause.wait(0.5)
            ws.send(message)

    pause = threading.Event()
    with peer(stall_once) as url:
        found, status = measure("-c", "1", "-d", "1", "--rate", "100", url)
    assert status == 0
    # Some fifty messages were due while it stalled: they waited, half a second and less.
    assert found["latency"]["max"] >= 0.5
    assert found["latency"]["p90"] >= 0.2


def test_a_server_that_does_not_echo_is_found_out() -> None:
    with peer(lambda ws: [ws.send("other") for _ in ws]) as url:
        found, status = measure("-c", "1", "-d", "0.3", url)
    assert status == 1
    assert found["answered"] == 0
    assert list(found["errors"]) == ["answer that was not what was sent (bench needs a server that echoes)"]


def test_a_server_that_is_silent_leaves_messages_unanswered() -> None:
    with peer(lambda ws: [None for _ in ws]) as url:
        found, status = measure("-c", "2", "-d", "0.3", "--in-flight", "3", url)
    assert (status, found["sent"], found["answered"], found["unanswered"]) == (1, 6, 0, 6)


def test_a_server_that_closes_is_an_error_with_its_code() -> None:
    def close(ws: ServerConnection) -> None:
        ws.recv()
        ws.close(4000, "enough")

    with peer(close) as url:
        found, status = measure("-c", "2", "-d", "0.3", url)
    assert status == 1
    assert found["errors"] == {"closed during the test: 4000 enough": 2}
