"""`openline bench`: wrong usage, and a server that is not there, are said at once."""

from __future__ import annotations

import pytest

from tests.cli.terminal import run


@pytest.mark.parametrize(
    "arguments",
    [["--rate", "5", "--in-flight", "2"], ["--in-flight", "10000", "--size", "10000"], ["-d", "3601"]],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run("bench", *arguments, "localhost").returncode == 2


def test_a_refused_connection_is_one_line(closed_port: int) -> None:
    result = run("bench", f"ws://localhost:{closed_port}")
    assert result.returncode == 1
    assert (
        result.stderr.decode()
        == f"Error: connection refused by localhost:{closed_port}; is the server running?\n"
    )
