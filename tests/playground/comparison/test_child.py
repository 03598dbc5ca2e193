"""A child process: orders in, reports out, a line each; and its end, even while it is busy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from openline.playground.comparison import child as module

pytestmark = pytest.mark.timeout(60)

COMMAND = [sys.executable, "-m", "openline.playground.comparison.child"]


ARGUMENTS = {"ports": {}, "settings": {"rate": 1.0, "size": 64, "clients": 1, "every": 1.0}}


def test_orders_are_answered_and_the_end_of_input_is_its_end() -> None:
    command = [*COMMAND, "crowd", json.dumps(ARGUMENTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == {}  # it has begun
        for _ in range(2):
            child.stdin.write("{}\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["polling"]["messages"] == 0
        child.stdin.close()
        assert child.wait(50) == 0


def test_it_ends_with_its_input_also_before_it_has_begun() -> None:
    done = subprocess.run(
        [*COMMAND, "crowd", json.dumps(ARGUMENTS)], input="", capture_output=True, text=True, timeout=50
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_role_is_an_error() -> None:
    done = subprocess.run([*COMMAND, "cook", "{}"], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert "KeyError: 'cook'" in done.stderr


def test_all_servers_have_the_same_loop() -> None:
    import uvloop

    assert module.loop_factory() is uvloop.new_event_loop
