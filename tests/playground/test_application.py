"""Application: what stands at which path, and jobs that end with the server."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from openline.hub import Hub
from openline.hub.stores.memory import MemoryStore
from openline.playground.application import Application
from openline.protocol.headers import Headers
from openline.websocket.http import HTTPRequest


async def handler(_: Any) -> Any: ...


async def other(_: Any) -> Any: ...


def application() -> Application:
    return Application(Hub(), MemoryStore())


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/documents/", handler),
        ("/documents/notes", handler),
        ("/documents/a/b/", handler),
        ("/documents", None),
        ("/documentsx", None),
        ("/exact", other),
        ("/exact/", None),
        ("/exact/x", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_prefix_stands_for_what_is_below_it(path: str, found: object) -> None:
    app = application()
    app.line("/documents/", handler)
    app.line("/exact", other)
    assert app.line_at(path) is found


def test_the_longest_prefix_wins() -> None:
    app = application()
    app.http("/a/", handler)
    app.http("/a/b/", other)
    assert app.http_at("/a/b/c") is other
    assert app.http_at("/a/c") is handler
    assert app.listener_at("/a/c") is None


async def test_jobs_run_until_the_end() -> None:
    app = application()
    said: list[str] = []

    @app.job
    async def work() -> None:
        said.append("begins")
        try:
            await asyncio.Event().wait()
        finally:
            said.append("ends")

    app.begin()
    await asyncio.sleep(0)
    assert said == ["begins"]
    await app.end()
    assert said == ["begins", "ends"]


async def test_a_job_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    app = application()

    @app.job
    async def work() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        app.begin()
        await asyncio.sleep(0)
        await app.end()
    assert "its page stands still" in caplog.text


class NoBody:
    async def next_chunk(self) -> None:
        return None


def asked(path: str) -> HTTPRequest:
    server: Any = None
    return HTTPRequest("GET", path, Headers(), "1.1", ("127.0.0.1", 1), False, server, NoBody())


def test_a_page_may_name_further_ports() -> None:
    app = application()
    app.allow("/far", lambda request: {"connect-src": (len(request.path),)})
    assert app.ports_for(asked("/far")) == {"connect-src": (4,)}
    assert app.ports_for(asked("/near")) is None
