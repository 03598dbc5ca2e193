"""The options of a server, and their way to a worker."""

from __future__ import annotations

import json

import pytest
from websockets.sync.client import connect

from openline.cli.server.options import Mode, ServeOptions, StartFailed, parse_command
from tests.cli.terminal import PATIENCE, run, server


def test_exec_of_a_missing_program_is_said_at_once() -> None:
    result = run("serve", "--port", "0", "--exec", "no-such-program -x")
    assert b"Error: --exec: there is no program 'no-such-program'" in result.stderr
    assert result.returncode == 1


def test_exec_never_asks_a_shell() -> None:
    with server("--exec", "echo $HOME; ls") as (_, url), connect(url) as ws:
        assert ws.recv(PATIENCE) == "$HOME; ls"


def test_options_arrive_at_a_worker_as_they_left() -> None:
    options = ServeOptions(
        mode=Mode.EXEC, command=("cat", "-"), origins=("any",), max_size=None, certfile="x"
    )
    arrived = ServeOptions.from_json(json.loads(json.dumps(options.to_json())))
    assert arrived == options
    assert arrived.secure


@pytest.mark.parametrize(
    ("command", "complaint"), [("", "needs a command"), ("sh -c 'x", "No closing quotation")]
)
def test_a_command_that_is_none_is_refused(command: str, complaint: str) -> None:
    with pytest.raises(StartFailed, match=complaint):
        parse_command(command)


def test_a_command_is_split_as_a_shell_would() -> None:
    assert parse_command("sh -c 'echo \"a b\"' x") == ("sh", "-c", 'echo "a b"', "x")
    assert parse_command(None) == ()
