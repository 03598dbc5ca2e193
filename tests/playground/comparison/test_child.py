"""A child process: orders in, reports out, a line each; and its end, even while it is busy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from openline.playground.comparison import child as module

pytestmark = pytest.mark.timeout(60)

COMMAND = [sys.executable, "-m", "openline.playground.comparison.child"]


def test_orders_are_answered_in_order_and_the_end_of_input_is_its_end() -> None:
    arguments = {"ports": {}, "settings": {"rate": 1.0, "size": 64, "clients": 1, "every": 1.0}}
    done = subprocess.run(
        [*COMMAND, "crowd", json.dumps(arguments)],
        input="{}\n" * 3,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (0, "")
    started = done.stdout.splitlines()[0]
    assert json.loads(started) == {}


def test_an_unknown_role_is_an_error() -> None:
    done = subprocess.run([*COMMAND, "cook", "{}"], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert "KeyError: 'cook'" in done.stderr


def test_all_servers_have_the_same_loop() -> None:
    import uvloop

    assert module.loop_factory() is uvloop.new_event_loop
