"""The report: tables and a drawing for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection

from openline.cli.load.report import duration
from tests.cli.peers import peer
from tests.cli.terminal import Terminal, run, server


def test_the_terminal_shows_progress_a_table_and_a_histogram(tmp_path: Path) -> None:
    with server() as (_, url), Terminal("bench", "-c", "3", "-d", "1", url, home=tmp_path) as terminal:
        terminal.expect("measuring")
        terminal.expect(r"\d+ answers")
        terminal.expect(r"connections\s+3 opened in")
        terminal.expect(r"p50\s+p90\s+p99\s+p99\.9")
        terminal.expect(r"latency\s+[\d.]+ [µm]s")
        terminal.expect(r"≤ [\d.]+ [µm]s\s+━*.*\d+")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 µs"),
        (4.4e-5, "44 µs"),
        (9.99e-4, "999 µs"),
        (0.00123, "1.23 ms"),
        (0.25, "250 ms"),
        (12.3456, "12.3 s"),
    ],
)
def test_durations_have_the_unit_that_suits_them(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_what_a_server_says_cannot_command_the_terminal() -> None:
    def close(ws: ServerConnection) -> None:
        ws.recv()
        ws.close(4000, "\x1b[2Jgone")

    with peer(close) as url:
        result = run("bench", "-c", "1", "-d", "0.2", url)
    assert b"1 \xc3\x97 closed during the test: 4000 \\x1b[2Jgone" in result.stdout
    assert b"\x1b" not in result.stdout


def test_a_refusal_cannot_command_the_terminal() -> None:
    def refuse(ws: ServerConnection, _request: Request) -> Response:
        return ws.respond(403, "\x1b[2Jgone\n")

    with peer(process_request=refuse) as url:
        result = run("bench", url)
    assert result.stderr.endswith(b"answered 403 Forbidden: \\x1b[2Jgone\n")
