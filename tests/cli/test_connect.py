"""`openline connect`: wrong usage is said before anything is opened."""

from __future__ import annotations

import os

import pytest

from tests.cli.terminal import run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ftp://localhost"], "ws and wss are known"),
        (["ws://"], "is no URL"),
        (["ws://localhost:99999"], "is no URL"),
        (["-H", "nocolon", "localhost"], "'Name: value'"),
        (["-1", "-n", "2", "localhost"], "exclude each other"),
        (["--raw", "--json", "localhost"], "exclude each other"),
        (["--key", os.devnull, "localhost"], ""),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], complaint: str) -> None:
    result = run("connect", *arguments)
    assert complaint in result.stderr.decode()
    assert result.returncode == 2
