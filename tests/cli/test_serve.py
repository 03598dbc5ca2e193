"""`openline serve`: wrong usage, and ports that are taken, are said at once."""

from __future__ import annotations

import os
import socket

import pytest

from tests.cli.terminal import run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--echo", "--broadcast"], "exclude each other"),
        (["--keyfile", os.devnull], ""),
        (["--broadcast", "--workers", "2"], "it excludes --workers"),
        (["--unix", "x", "--workers", "2"], "not a Unix socket"),
        (["--port", "65536"], "65535"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], complaint: str) -> None:
    result = run("serve", *arguments)
    assert complaint in result.stderr.decode()
    assert result.returncode == 2


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for more in ([], ["--workers", "2"]):
            result = run("serve", "--port", str(port), *more)
            assert result.stderr.decode().startswith(f"Error: cannot listen on 127.0.0.1:{port}: ")
            assert len(result.stderr.splitlines()) == 1
            assert result.returncode == 1
