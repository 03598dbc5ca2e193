"""`route`: handlers by URL."""

from __future__ import annotations

import builtins
import ssl
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from werkzeug.routing import Map, Rule

from openline import (
    InvalidStatus,
    Request,
    Response,
    Router,
    ServerConnection,
    connect,
    route,
    unix_connect,
    unix_route,
)

from .wire import ask, port_of, upgrade_request, uri_of

pytestmark = pytest.mark.engine


async def home(ws: ServerConnection) -> None:
    await ws.send("home")


async def room(ws: ServerConnection, room_id: uuid.UUID, **kwargs: Any) -> None:
    await ws.send(f"room {room_id} {kwargs}")


def url_map() -> Map:
    return Map(
        [
            Rule("/", endpoint=home),
            Rule("/room/<uuid:room_id>", endpoint=room),
            Rule("/old", redirect_to="/"),
            Rule("/slash/", endpoint=home),
        ]
    )


async def test_handlers_get_what_the_url_captures() -> None:
    number = uuid.uuid4()
    async with route(url_map(), "127.0.0.1", 0) as server:
        async with connect(uri_of(server)) as ws:
            assert await ws.recv() == "home"
        async with connect(uri_of(server, f"/room/{number}?x=y")) as ws:
            assert await ws.recv() == f"room {number} {{}}"


async def test_unknown_urls() -> None:
    async with route(url_map(), "127.0.0.1", 0) as server:
        for path in ("/nothing", "/room/1"):
            with pytest.raises(InvalidStatus) as info:
                await connect(uri_of(server, path))
            assert info.value.response.status_code == 404


async def test_redirects() -> None:
    async with route(url_map(), "127.0.0.1", 0) as server:
        for path in ("/old", "/slash"):
            async with connect(uri_of(server, path)) as ws:
                assert await ws.recv() == "home"
        answer = await ask(server, upgrade_request("/old"))
        assert (answer.status, answer.headers["Location"]) == (302, "ws://localhost/")


@pytest.mark.parametrize(
    ("kwargs", "location"),
    [
        ({"server_name": "public.example"}, "ws://public.example/"),
        ({"server_name": "public.example:99", "ssl": True}, "wss://public.example:99/"),
    ],
)
async def test_behind_a_proxy(kwargs: dict[str, Any], location: str) -> None:
    async with route(url_map(), "127.0.0.1", 0, **kwargs) as server:
        assert (await ask(server, upgrade_request("/old"))).headers["Location"] == location


async def test_tls(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    async with (
        route(url_map(), "127.0.0.1", 0, ssl=server_tls) as server,
        connect(f"wss://localhost:{port_of(server)}/old", ssl=client_tls, host="127.0.0.1") as ws,
    ):
        assert await ws.recv() == "home"


async def test_unix(tmp_path: Path) -> None:
    async with unix_route(url_map(), tmp_path / "socket"), unix_connect(tmp_path / "socket") as ws:
        assert await ws.recv() == "home"


@pytest.mark.parametrize("host", [None, "a b", "xn--" + "a" * 80])
async def test_bad_host_is_not_an_error_of_the_server(
    host: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with route(url_map(), "127.0.0.1", 0) as server:
        assert (await ask(server, upgrade_request(Host=host))).status == 400
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_process_request_comes_first(asynchronous: bool) -> None:
    def before(ws: ServerConnection, request: Request) -> Response | None:
        return ws.respond(403, "no\n") if "forbidden" in request.path else None

    async def before_later(ws: ServerConnection, request: Request) -> Response | None:
        return before(ws, request)

    hook = before_later if asynchronous else before
    async with route(url_map(), "127.0.0.1", 0, process_request=hook) as server:
        assert (await ask(server, upgrade_request("/forbidden"))).status == 403
        assert (await ask(server, upgrade_request("/nothing"))).status == 404
        async with connect(uri_of(server)) as ws:
            assert await ws.recv() == "home"


async def test_create_router() -> None:
    class Polite(Router):
        def not_found(self, connection: ServerConnection) -> Response:
            return connection.respond(404, "So sorry\n")

    async with route(url_map(), "127.0.0.1", 0, create_router=Polite) as server:
        assert (await ask(server, upgrade_request("/nothing"))).body == b"So sorry\n"


async def test_failed_handshakes_leave_nothing() -> None:
    routers: list[Router] = []

    class Watched(Router):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            routers.append(self)

    async with route(url_map(), "127.0.0.1", 0, create_router=Watched) as server:
        assert (await ask(server, upgrade_request(Sec_WebSocket_Key="bad"))).status == 400
        await server.__aexit__(None, None, None)
    assert not routers[0]._found


def test_without_werkzeug(monkeypatch: pytest.MonkeyPatch) -> None:
    known = url_map()
    for name in [name for name in sys.modules if name.split(".")[0] == "werkzeug"]:
        monkeypatch.delitem(sys.modules, name)
    real_import = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.split(".")[0] == "werkzeug":
            raise ImportError(name)
        return real_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"openline\[router\]"):
        route(known, "127.0.0.1", 0)
