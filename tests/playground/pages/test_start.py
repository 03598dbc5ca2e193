"""The start page's server code: what is said comes back."""

from __future__ import annotations

import pytest

from tests.playground.running import running, visiting


@pytest.mark.parametrize("said", ["Hello!", "", None, [1, {"a": "\u2028"}]])
async def test_what_is_said_comes_back(said: object) -> None:
    async with running() as address, visiting(address, "Ada") as ada:
        answer = await ada.command(rpc={"method": "start.echo", "data": said})
        assert answer["rpc"].get("data") == said
