"""`openline` itself: help, version, completion, and how soon it answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

import openline
from tests.cli.terminal import OPENLINE, PATIENCE, environment, run

COMMANDS = ["connect", "serve", "bench", "demo", "completion"]


def test_help_names_every_command() -> None:
    shown = run("--help").stdout.decode()
    for command in COMMANDS:
        assert re.search(rf"^  {command}\s+\w", shown, re.MULTILINE)
    assert "openline connect ws://localhost:8765" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_ends_with_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0
    _, examples = result.stdout.decode().split("\nExamples:\n")
    lines = examples.splitlines()
    assert lines[::2] == [line for line in lines if line.startswith("  # ")]
    assert all(f"openline {command}" in line for line in lines[1::2])


def test_version_names_the_engine() -> None:
    shown = run("--version").stdout.decode()
    assert re.fullmatch(
        rf"openline {re.escape(openline.__version__)} \((native|portable) engine, \w+ [\d.]+\S*\)\n", shown
    )


def test_the_engine_named_is_the_one_in_use() -> None:
    result = subprocess.run(
        [*OPENLINE, "--version"],
        capture_output=True,
        env=environment(OPENLINE_ENGINE="portable"),
        timeout=PATIENCE,
    )
    assert b"(portable engine" in result.stdout


def test_help_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys, openline.cli\n"
        "print({'rich', 'prompt_toolkit', 'cryptography', 'openline.playground'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert result.stdout == "set()\n"


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("nonsense")
    assert result.returncode == 2
    assert b"No such command 'nonsense'" in result.stderr


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


def test_the_installed_command_is_the_same() -> None:
    installed = shutil.which("openline", path=os.path.dirname(sys.executable))
    if installed is None:
        pytest.skip("openline is not installed in this environment, only importable")
    result = subprocess.run([installed, "--help"], capture_output=True, timeout=PATIENCE, check=True)
    assert result.stdout == run("--help").stdout
