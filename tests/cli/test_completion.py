"""`openline completion`: the shells understand the scripts, and get completions."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.terminal import OPENLINE, PATIENCE, environment, run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_one_that_the_shell_understands(shell: str) -> None:
    result = run("completion", shell)
    assert result.returncode == 0
    assert b"_OPENLINE_COMPLETE" in result.stdout
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([found, "-n"], input=result.stdout, timeout=PATIENCE, check=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("openline con", {"connect"}),
        ("openline serve --dev", {"--dev-cert"}),
        ("openline completion z", {"zsh"}),
    ],
)
def test_the_shell_gets_completions(words: str, expected: set[str]) -> None:
    count = str(len(words.split()) - 1)
    result = subprocess.run(
        OPENLINE,
        env=environment(_OPENLINE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert {line.partition(",")[2] for line in result.stdout.split()} == expected
