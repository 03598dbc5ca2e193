"""A measurement in a terminal, and one that is cut short."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import OPENLINE, PATIENCE, Background, background, server


def test_ctrl_c_ends_early_with_a_report() -> None:
    with server() as (_, url), background("bench", "-d", "3600", "-c", "2", "--json", url) as command:
        wait_for_load(command, url)
        command.interrupt()
        assert command.end() == 0
        found = json.loads(command.said)
    assert found["elapsed"] < 60
    assert found["sent"] == found["answered"] > 0


def wait_for_load(command: Background, url: str) -> None:
    """Wait until the measurement has begun: until its connections are there."""
    port = int(url.rpartition(":")[2])
    connected = re.compile(rf":{port:04X} 01 ")
    while True:
        assert command.process.poll() is None
        if len(connected.findall(Path("/proc/net/tcp").read_text())) >= 2:
            return


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_more_connections_than_descriptors_is_one_line(arguments: list[str]) -> None:
    command = shlex.join([*OPENLINE, "bench", "-c", "100", *arguments, "ws://localhost:1"])
    result = subprocess.run(
        ["sh", "-c", f"ulimit -n 64; exec {command}"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 1
    assert result.stderr == "Error: 132 descriptors are needed, and 64 allowed (ulimit -n)\n"
