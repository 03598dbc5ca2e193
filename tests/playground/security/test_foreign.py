"""The foreign page: what it serves, and who may show it."""

from __future__ import annotations

from typing import Any

import pytest

from openline.playground.security.foreign import ForeignPage
from openline.protocol.headers import Headers
from openline.websocket.http import HTTPRequest, HTTPResponse


async def get(path: str, host: str = "localhost:7000", method: str = "GET") -> HTTPResponse:
    nothing: Any = None
    request = HTTPRequest(method, path, Headers({"Host": host}), "1.1", ("", 1), False, nothing, nothing)
    return await ForeignPage(line_port=7001, page_port=8000).respond(request)


@pytest.mark.parametrize("path", ["/?watch=x", "/foreign.js", "/foreign.css"])
async def test_it_is_a_page_with_a_script(path: str) -> None:
    answer = await get(path)
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "connect-src ws://localhost:7001;" in policy
    assert policy.endswith("frame-ancestors http://localhost:8000 https://localhost:8000")


async def test_its_script_opens_the_line_of_the_playground() -> None:
    assert b':7001/" + location.search' in bytes((await get("/foreign.js")).body)  # type: ignore[arg-type]


@pytest.mark.parametrize(("path", "host"), [("/other", "localhost"), ("/", "a;b"), ("/", ""), ("/", "*")])
async def test_nothing_else_is_served(path: str, host: str) -> None:
    assert (await get(path, host)).status == 404


async def test_it_is_only_read() -> None:
    assert (await get("/", method="POST")).status == 404
