"""`openline` itself: help, version, and how soon it answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

import openline
from tests.cli.terminal import OPENLINE, PATIENCE, environment, run

COMMANDS = ["connect", "serve", "hub", "bench", "demo", "completion"]


def test_help_names_every_command() -> None:
    shown = run("--help").stdout.decode()
    for command in COMMANDS:
        assert re.search(rf"^  {command}\s+\w", shown, re.MULTILINE)
    assert "openline connect ws://localhost:8765" in shown


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
        "print({'rich', 'prompt_toolkit', 'cryptography', 'msgspec', 'openline.playground'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert result.stdout == "set()\n"


def test_an_unknown_command_is_wrong_usage() -> None:
    result = run("nonsense")
    assert result.returncode == 2
    assert b"No such command 'nonsense'" in result.stderr


def test_the_installed_command_is_the_same() -> None:
    installed = shutil.which("openline", path=os.path.dirname(sys.executable))
    if installed is None:
        pytest.skip("openline is not installed in this environment, only importable")
    result = subprocess.run([installed, "--help"], capture_output=True, timeout=PATIENCE, check=True)
    assert result.stdout == run("--help").stdout
