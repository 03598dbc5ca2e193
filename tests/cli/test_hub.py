"""`openline hub`: wrong usage and wrong configurations are said at once, and a good one serves."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.node.nodes import ask, client, node, token, write_config
from tests.cli.terminal import PATIENCE, environment, run


def test_from_nothing_to_a_message(tmp_path: Path) -> None:
    path = str(tmp_path / "hub.toml")
    assert run("hub", "init", path).returncode == 0
    with node("--config", path) as (_, url), client(url, token(path, "--user", "42")) as ws:
        assert "subscribe" in ask(ws, 2, subscribe={"channel": "chat:lobby"})
        assert "publish" in ask(ws, 3, publish={"channel": "chat:lobby", "data": {"text": "hi"}})
        history = ask(ws, 4, history={"channel": "chat:lobby", "limit": -1})["history"]
        assert [one["data"] for one in history["publications"]] == [{"text": "hi"}]
        assert ask(ws, 5, subscribe={"channel": "other:lobby"})["error"]["code"] == 102


def test_insecure_lets_everybody_do_everything_and_says_so() -> None:
    with node("--insecure") as (command, url), client(url) as ws:
        assert "INSECURE" in command.said
        assert "connect" in ask(ws, 1, connect={})
        assert "publish" in ask(ws, 2, publish={"channel": "any", "data": 1})


def test_without_a_key_nobody_gets_in_and_it_says_so() -> None:
    with node() as (command, url), client(url) as ws:
        assert "nobody can connect: there is no key for tokens" in command.said
        assert "connect" not in ask(ws, 1, connect={})


def test_check_says_that_a_configuration_is_right(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    result = run("hub", "--config", path, "--check")
    assert (result.returncode, result.stdout.decode()) == (0, f"{path} is right\n")


def test_all_that_is_wrong_is_said_with_file_line_and_key(tmp_path: Path) -> None:
    path = write_config(tmp_path, "drian = 1\n[namespaces.chat]\n\nhistory = 'many'\n")
    for more in (["--check"], []):
        result = run("hub", "--config", path, *more)
        assert result.returncode == 1
        assert result.stdout == b""
        assert result.stderr.decode().splitlines() == [
            f"Error: {path}, line 1: drian: there is no such option; did you mean drain?",
            f"{path}, line 4: namespaces.chat.history: must be a whole number, not this string",
        ]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--config", "missing.toml"], "does not exist"),
        (["--port", "65536"], "65535"),
        (["--workers", "0"], "range"),
        (["--log-level", "all"], "'all' is not one of"),
        (["nonsense"], "No such command"),
        (["token"], "Missing option '--user'"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], complaint: str) -> None:
    result = run("hub", *arguments)
    assert complaint in result.stderr.decode()
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--workers", "2"], "the memory broker lives in one process: clients of one worker would not hear"),
        (["--broker", "nats://h"], "--broker: broker: url must begin with memory://, sqlite:// or redis://"),
        (["token", "--user", "42"], "a token is made with hmac_secret, which the configuration lacks"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: list[str], complaint: str) -> None:
    result = run("hub", *arguments)
    assert complaint in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1
    assert result.returncode == 1


def test_init_prints_and_writes_for_its_owner_alone(tmp_path: Path) -> None:
    printed = run("hub", "init")
    assert b"hmac_secret = " in printed.stdout
    path = tmp_path / "hub.toml"
    assert run("hub", "init", str(path)).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("hub", "--config", str(path), "--check").returncode == 0
    again = run("hub", "init", str(path))
    assert again.returncode == 1
    assert b"File exists" in again.stderr


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['msgspec'] = None\n"
        "from openline.cli import main\n"
        "main(sys.argv[1:], prog_name='openline')"
    )
    for arguments in (["hub"], ["hub", "init"], ["hub", "token", "--user", "42"]):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, timeout=PATIENCE, env=environment()
        )
        assert result.stderr.decode() == (
            "Error: msgspec is not installed, which the hub needs: pip install 'openline[hub]'\n"
        )
        assert result.returncode == 1
