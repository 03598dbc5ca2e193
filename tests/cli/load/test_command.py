"""A measurement that is cut short, and one that cannot begin."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading

import pytest
from websockets.sync.server import ServerConnection

from tests.cli.peers import peer
from tests.cli.terminal import OPENLINE, PATIENCE, background


def test_ctrl_c_ends_early_with_a_report() -> None:
    asked = threading.Event()

    def echo(ws: ServerConnection) -> None:
        for message in ws:
            ws.send(message)
            asked.set()  # only now is it measured: connections alone may still be waiting for each other

    with peer(echo) as url, background("bench", "-d", "3600", "-c", "2", "--json", url) as command:
        assert asked.wait(PATIENCE)
        command.interrupt()
        assert command.end() == 0, command.said
        found = json.loads(command.said)
    assert found["elapsed"] < 60
    assert found["sent"] == found["answered"] > 0


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_more_connections_than_descriptors_is_one_line(arguments: list[str]) -> None:
    command = shlex.join([*OPENLINE, "bench", "-c", "100", *arguments, "ws://localhost:1"])
    result = subprocess.run(
        ["sh", "-c", f"ulimit -n 64; exec {command}"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 1
    assert result.stderr == "Error: 132 descriptors are needed, and 64 allowed (ulimit -n)\n"
