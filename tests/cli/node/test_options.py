"""What the command line said, and its way to a worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openline.cli.node.options import NodeOptions
from openline.cli.server.options import StartFailed
from tests.cli.node.nodes import write_config

OVERRIDES = ((("server", "port"), "--port", 0), (("drain",), "--drain", 5))


def test_options_arrive_at_a_worker_as_they_left(tmp_path: Path) -> None:
    options = NodeOptions(write_config(tmp_path), OVERRIDES, "debug")
    assert NodeOptions.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_a_worker_listens_at_the_port_that_was_chosen() -> None:
    chosen = NodeOptions(None, OVERRIDES).at_port(4711).load()
    assert (chosen.server.port, chosen.hub.drain) == (4711, 5.0)
    assert NodeOptions(None).at_port(4711).load().server.port == 4711


def test_a_wrong_configuration_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="line 1: x: there is no such option"):
        NodeOptions(write_config(tmp_path, "x = 1")).load_at_start()
