"""Every help text ends with examples."""

from __future__ import annotations

import pytest

from tests.cli.terminal import run

COMMANDS = ["connect", "serve", "bench", "demo", "completion"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_ends_with_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0
    _, examples = result.stdout.decode().split("\nExamples:\n")
    lines = examples.splitlines()
    assert lines[::2] == [line for line in lines if line.startswith("  # ")]
    assert all(f"openline {command}" in line for line in lines[1::2])
