"""Sources: the code that is shown is the code that runs."""

from __future__ import annotations

import json
from pathlib import Path

from openline.playground import pages, sources
from openline.playground.pages import modules
from tests.playground.running import fetch, http, running

FOLDER = Path(pages.__path__[0])


async def test_the_code_is_that_of_the_file() -> None:
    async with running() as address:
        for name in modules():
            head, body = await fetch(address, http(address, f"{sources.PREFIX}{name}"))
            assert head.startswith("HTTP/1.1 200 ")
            assert json.loads(body)["code"] == (FOLDER / f"{name}.py").read_text()
            assert json.loads(body)["file"].endswith(f"pages/{name}.py")


async def test_another_name_is_not_found() -> None:
    async with running() as address:
        assert (await fetch(address, http(address, "/sources/../server")))[0].startswith("HTTP/1.1 404 ")


def test_what_is_shown_can_be_read_at_a_glance() -> None:
    for name in modules():
        lines = len((FOLDER / f"{name}.py").read_text().splitlines())
        assert lines < 80, f"{name} has {lines} lines"
