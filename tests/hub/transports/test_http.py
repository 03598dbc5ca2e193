"""The hub's paths."""

from __future__ import annotations

from typing import Any

import pytest

import openline
from openline.hub import BrokerDown, Hub
from openline.hub.transports.http import HubHTTP
from openline.websocket.http import HTTPRequest, HTTPResponse
from tests.hub.transports.speaking import ask, frame, open_hub, served, streaming


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/connection/http_stream", 405, "POST, OPTIONS"),
        ("POST", "/connection/sse", 405, "GET, OPTIONS"),
        ("GET", "/emulation", 405, "POST, OPTIONS"),
        ("GET", "/connection/http_streams", 404, None),
        ("GET", "/nowhere", 404, None),
        ("GET", "/api/info", 404, None),  # there is no key
        ("GET", "/admin/", 404, None),  # there is no password
        ("GET", "/adminx", 404, None),
    ],
)
async def test_what_is_not_there(method: str, path: str, status: int, allow: str | None) -> None:
    async with served(open_hub()) as port:
        answer = await ask(port, method, path)
        assert answer.status == status
        assert answer.headers.get("allow") == allow


async def test_health_fails_when_the_hub_drains() -> None:
    hub = open_hub()
    async with served(hub) as port:
        assert (await ask(port, "GET", "/health")).status == 200
        async with streaming(port) as stream:
            await stream.line()
            await hub.drain(0.01)
            assert (await stream.line())["push"]["disconnect"]["code"] == 3001
        assert (await ask(port, "GET", "/health")).status == 503
        assert (
            await ask(port, "POST", "/connection/http_stream", frame({"id": 1, "connect": {}}))
        ).status == 503


async def test_metrics_may_be_switched_off() -> None:
    async with served(open_hub()) as port:
        answer = await ask(port, "GET", "/metrics")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert b"openline_hub_sessions 0.0" in answer.body
    async with served(open_hub(metrics=False)) as port:
        assert (await ask(port, "GET", "/metrics")).status == 404


async def test_what_is_not_the_hubs_goes_on() -> None:
    async def page(request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(200, body=f"page {request.path}")

    async with served(open_hub(), http=page) as port:
        assert (await ask(port, "GET", "/index")).body == b"page /index"
        assert (await ask(port, "GET", "/health")).body == b"{}\n"


async def test_all_paths_stand_behind_the_prefix() -> None:
    hub = open_hub(api_key="key", admin_password="password")
    async with openline.serve(hub.beside(None, prefix="/live"), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for path in ("/health", "/metrics", "/admin/"):
            assert (await ask(port, "GET", f"/live{path}")).status == 200
            assert (await ask(port, "GET", path)).status == 404
        assert (await ask(port, "GET", "/live/admin")).headers["location"] == "/live/admin/"
        assert (await ask(port, "POST", "/live/api/info", {}, {"X-API-Key": "key"})).status == 200


async def test_a_hub_whose_broker_is_down_says_so() -> None:
    class Down(Hub):
        async def start(self) -> None:
            raise BrokerDown("no broker")

    answered: list[HTTPResponse] = []
    hub = Down(api_key="key")
    routes = HubHTTP(hub)

    async def late(request: HTTPRequest) -> Any:
        answered.append(await routes(request))
        return answered[-1]

    def never(ws: Any) -> None: ...

    async with openline.serve(never, "127.0.0.1", 0, http=late) as server:
        port = server.sockets[0].getsockname()[1]
        assert (await ask(port, "POST", "/api/info", {}, {"X-API-Key": "key"})).status == 503
        assert (await ask(port, "POST", "/connection/http_stream", b"{}")).status == 503
        assert (await ask(port, "GET", "/health")).status == 503
