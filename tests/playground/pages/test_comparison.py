"""The comparison's server code: what it adds to the playground. Its techniques are tested on real servers:
`tests/playground/comparison/test_serving.py`."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openline import connect
from openline.playground.comparison.settings import TECHNIQUES
from openline.playground.pages import comparison
from tests.playground.running import running

pytestmark = pytest.mark.timeout(90)


def test_it_is_short_and_has_a_function_for_each_technique() -> None:
    assert inspect.getsource(comparison).count("\n") < 80
    assert {*TECHNIQUES[:3], "WebSocket"} <= set(vars(comparison))


async def test_a_page_of_the_playground_gets_figures_and_may_reach_the_servers(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    async with (
        running(tmp_path) as address,
        connect(f"ws://{address}/lines/comparison", origin=f"http://{address}") as line,
    ):
        hello = json.loads(await line.recv())
        ports = hello["ports"]
        while json.loads(await line.recv()).get("phase") != "running":
            pass
        host = urlsplit(f"//{address}").hostname
        async with connect(f"ws://{host}:{ports['websocket']}/", origin=f"http://{address}") as ws:
            assert json.loads(await ws.recv())["n"] > 1
