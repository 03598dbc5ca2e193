"""Security: the page's line, and our client that speaks on the line which the browser has not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openline import connect, serve
from openline.exceptions import ConnectionClosedError
from openline.playground.pages.security import check, echo
from openline.playground.security.run import MAX_TEXT, Security
from tests.playground.security.tapping import TOKEN, hear


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificate is left in the cache of whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Security, str]]:
    security = Security("127.0.0.1", echo, check)
    job = asyncio.create_task(security.run())
    async with serve(security.show, "127.0.0.1", 0) as server:
        yield security, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    job.cancel()
    await asyncio.wait([job])


def page(address: str, token: str = TOKEN) -> Any:
    return connect(
        f"ws://{address}/?inspect={token}",
        origin=f"http://{address}",
        additional_headers={"Cookie": "visitor=me"},
    )


async def test_our_client_says_over_tls_what_the_page_says() -> None:
    async with running() as (security, address), page(address) as line:
        hello = json.loads(await line.recv())
        assert hello["ours"] == "wss"
        assert hello["certificate"]["self_signed"] is True
        nothing: Any = None
        ports = hello["ports"]
        assert security.sources(nothing) == {
            "connect-src": (ports["ws"], ports["wss"]),
            "frame-src": (ports["foreign"],),
        }
        first = await hear(line, kind="tls", name="handshake", over="wss")
        assert first["server_name"] == "localhost"
        # The answer to the handshake, and then nothing until something is said.
        await hear(line, kind="tls", **{"from": "server"})
        await line.send(json.dumps({"say": "hello"}))
        await hear(line, kind="tls", length=6 + 5 + 17, **{"from": "page"})
        await hear(line, kind="tls", length=2 + 5 + 17, **{"from": "server"})


@pytest.mark.parametrize("wish", ["", "[", "[]", '{"say":1}', "[" * 10_000, b"\xff", '{"say":"\\ud800"}'])
async def test_what_is_no_wish_is_passed_over(wish: str | bytes) -> None:
    async with running() as (_, address), page(address) as line:
        await hear(line, kind="tls", name="application data", **{"from": "server"})
        await line.send(wish)
        await line.send(json.dumps({"say": "x" * (MAX_TEXT + 100)}))
        await hear(line, kind="tls", length=6 + MAX_TEXT + 17, **{"from": "page"})


async def test_a_page_without_a_token_is_sent_away() -> None:
    async with running() as (_, address), page(address, "short") as line:
        with pytest.raises(ConnectionClosedError) as closed:
            await line.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_without_cryptography_the_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    async with running() as (_, address), page(address) as line:
        hello = json.loads(await line.recv())
        assert hello["certificate"] is None
        assert "cryptography" in hello["missing"]
        await line.send(json.dumps({"say": "hello"}))


async def test_before_it_runs_there_is_nothing_to_reach() -> None:
    nothing: Any = None
    assert Security("127.0.0.1", echo, check).sources(nothing) == {}
