"""A hub for the tests of pages: with an admin page, and at ``/`` an empty page and the SDK, which may connect."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import openline
from openline.hub import Hub
from openline.websocket.http import HTTPRequest, HTTPResponse

SDK = Path(__file__).parents[1] / "hub/node/node_modules/centrifuge/dist"

hub = Hub(name="the hub of the test", admin_password="open sesame", ping_interval=2.0, pong_timeout=1.0)
hub.namespace("chat", history=50, ttl=600, presence=True, recovery=True, join_leave=True)
hub.namespace("prices", slow_consumer="conflate")


@hub.on_connect
def who(session: Any, data: Any) -> str:
    return data["user"] if data else "ann"


@hub.rpc("add")
def add(session: Any, data: Any) -> int:
    return data["a"] + data["b"]


async def page(request: HTTPRequest) -> HTTPResponse:
    if request.path == "/":
        text = "<!doctype html><title>clients</title><script src='/centrifuge.js'></script>"
        return HTTPResponse(200, {"Content-Type": "text/html"}, text)
    if request.path in ("/centrifuge.js", "/centrifuge.protobuf.js"):
        return HTTPResponse(200, {"Content-Type": "text/javascript"}, (SDK / request.path[1:]).read_bytes())
    return HTTPResponse(204)


async def main() -> None:
    async with openline.serve(hub, "127.0.0.1", 0, http=page) as server:
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        # Until whoever has started this closes our standard input.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
