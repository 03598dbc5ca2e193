"""One line for each request and each connection."""

from __future__ import annotations

from websockets.sync.client import connect

from tests.cli.terminal import server


def test_access_log_says_who_came_and_how_it_ended() -> None:
    with server("--access-log") as (command, url):
        with connect(f"{url}/room") as ws:
            ws.close(4000, "line\nbreak")
        command.expect(r"127\.0\.0\.1:\d+ open /room\n")
        command.expect(r"127\.0\.0\.1:\d+ closed /room 4000 line\\nbreak after \d+\.\d{3} s\n")
