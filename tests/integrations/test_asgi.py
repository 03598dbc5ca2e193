"""The hub under a server of ASGI, alone, around other applications and inside them."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import centrifuge
import pytest
from django.conf import settings
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import openline
from openline.hub import BrokerDown, Hub
from openline.integrations.asgi import HubASGI
from tests.hub.transports.speaking import CONNECT, Exchange, ask, emulate, frame, open_hub, streaming
from tests.integrations.asgi_server import WAYS, under_uvicorn

SUBSCRIBE = {"id": 2, "subscribe": {"channel": "chat:a"}}


async def hello(request: Any) -> PlainTextResponse:
    return PlainTextResponse(f"hello from {request.url.path}")


@asynccontextmanager
async def websocket(port: int, path: str = "/connection/websocket", **options: Any) -> Any:
    async with openline.connect(f"ws://127.0.0.1:{port}{path}", **options) as ws:
        yield ws


@pytest.mark.parametrize("ws", WAYS)
async def test_all_paths_alone(ws: str) -> None:
    hub = open_hub(api_key="key", admin_password="password")
    async with under_uvicorn(HubASGI(hub), ws) as port:
        assert hub.started_at
        for path in ("/health", "/metrics", "/admin/", "/admin/admin.js"):
            assert (await ask(port, "GET", path)).status == 200, path
        async with streaming(port, CONNECT, SUBSCRIBE) as stream:
            result = (await stream.line())["connect"]
            await stream.line()
            assert await emulate(port, result, {"id": 3, "publish": {"channel": "chat:a", "data": 1}}) == 204
            answers = [await stream.line(), await stream.line()]
            assert {"id": 3, "publish": {}} in answers
            published = {"channel": "chat:a", "data": 2}
            assert (await ask(port, "POST", "/api/publish", published, {"X-API-Key": "key"})).json["result"][
                "offset"
            ] == 2
            assert (await stream.line())["push"]["pub"]["data"] == 2
        assert (await ask(port, "GET", "/nowhere")).status == 404
        async with websocket(port) as line:
            await line.send(frame(CONNECT).decode())
            assert json.loads(await line.recv())["connect"]["client"]
    assert not hub.started_at, "closed by the lifespan"


@pytest.mark.parametrize("ws", WAYS)
@pytest.mark.parametrize("use_protobuf", [False, True])
async def test_the_python_sdk(ws: str, use_protobuf: bool) -> None:
    hub = open_hub()
    got: asyncio.Queue[Any] = asyncio.Queue()

    class Events(centrifuge.SubscriptionEventHandler):
        async def on_publication(self, ctx: centrifuge.PublicationContext) -> None:
            got.put_nowait(ctx.pub.data)

    async with under_uvicorn(HubASGI(hub), ws) as port:
        client = centrifuge.Client(f"ws://127.0.0.1:{port}/connection/websocket", use_protobuf=use_protobuf)
        subscription = client.new_subscription("chat:a", Events())
        await client.connect()
        await subscription.subscribe()
        await client.ready(10)
        await subscription.ready(10)
        data = b'{"n":1}' if use_protobuf else {"n": 1}
        await subscription.publish(data)
        assert await got.get() == data
        presence = await subscription.presence()
        assert [info.user for info in presence.clients.values()] == ["ann"]
        await client.disconnect()


async def test_around_fastapi_with_its_lifespan() -> None:
    hub = open_hub()
    told: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        await hub.publish("chat:a", "started")  # the hub is there already
        told.append("up")
        yield
        await hub.publish("chat:a", "stopping")  # and still
        told.append("down")

    app = FastAPI(lifespan=lifespan)

    @app.get("/rooms")
    async def rooms() -> dict[str, int]:
        return await hub.channels()

    async with under_uvicorn(HubASGI(hub, app)) as port, streaming(port, CONNECT, SUBSCRIBE) as stream:
        assert told == ["up"]
        await stream.line()
        await stream.line()
        assert (await ask(port, "GET", "/rooms")).json == {"chat:a": 1}
    assert told == ["up", "down"]
    assert not hub.started_at


@pytest.mark.parametrize("ws", WAYS)
async def test_mounted_in_starlette(ws: str) -> None:
    hub = open_hub()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        async with hub:
            yield

    routes = [Route("/hello", hello), Mount("/live", HubASGI(hub))]
    async with under_uvicorn(Starlette(routes=routes, lifespan=lifespan), ws) as port:
        assert (await ask(port, "GET", "/hello")).body == b"hello from /hello"
        assert (await ask(port, "GET", "/live/health")).status == 200
        async with websocket(port, "/live/connection/websocket") as line:
            await line.send(frame(CONNECT).decode())
            await line.recv()
            assert len(hub.sessions) == 1


async def test_beside_django_which_has_no_lifespan() -> None:
    if not settings.configured:
        settings.configure(
            DEBUG=True, ALLOWED_HOSTS=["*"], SECRET_KEY="x", ROOT_URLCONF=__name__, LOGGING_CONFIG=None
        )
    import django
    from django.core.asgi import get_asgi_application

    django.setup()
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub, get_asgi_application(), prefix="/live")) as port:
        assert (await ask(port, "GET", "/live/health")).status == 200
        assert (await ask(port, "GET", "/page")).body == b"from Django"
        assert (await ask(port, "GET", "/health")).status == 404
    assert not hub.started_at


def _page(request: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse("from Django")


def _urls() -> list[Any]:
    from django.urls import path

    return [path("page", _page)]


def __getattr__(name: str) -> Any:
    if name == "urlpatterns":  # made when Django asks, since it must be configured by then
        return _urls()
    raise AttributeError(name)


async def test_a_server_without_lifespan_starts_the_hub_by_its_first_request() -> None:
    hub = open_hub()
    async with under_uvicorn(HubASGI(hub), lifespan="off") as port:
        assert (await ask(port, "GET", "/health")).status == 503
        async with websocket(port) as line:
            await line.send(frame(CONNECT).decode())
            await line.recv()
        assert (await ask(port, "GET", "/health")).status == 200
    await hub.close()


async def test_a_hub_that_cannot_start() -> None:
    class Down(Hub):
        async def start(self) -> None:
            raise BrokerDown("no broker")

    async with under_uvicorn(HubASGI(Down()), lifespan="off") as port:
        assert (await ask(port, "POST", "/connection/http_stream", b"{}")).status == 503
        with pytest.raises(openline.InvalidStatus):
            async with websocket(port):
                pass


async def test_other_websockets_are_refused_or_go_on() -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "other"})
            await send({"type": "websocket.close"})

    async with under_uvicorn(HubASGI(open_hub())) as port:
        with pytest.raises(openline.InvalidStatus):
            async with websocket(port, "/other"):
                pass
    async with (
        under_uvicorn(HubASGI(open_hub(), other), lifespan="on") as port,
        websocket(port, "/other") as line,
    ):
        assert await line.recv() == "other"


async def test_a_foreign_page_is_refused() -> None:
    async with under_uvicorn(HubASGI(open_hub())) as port:
        with pytest.raises(openline.InvalidStatus) as refused:
            async with websocket(port, origin="https://evil.example"):
                pass
        assert refused.value.response.status_code == 403
        foreign = {"Origin": "https://evil.example"}
        assert (await ask(port, "POST", "/connection/http_stream", b"{}", foreign)).status == 403


async def test_who_goes_is_gone() -> None:
    hub = open_hub()
    gone: asyncio.Queue[int] = asyncio.Queue()

    @hub.on_disconnect
    def note(session: Any, code: int) -> None:
        gone.put_nowait(code)

    async with under_uvicorn(HubASGI(hub)) as port:
        async with streaming(port) as stream:
            await stream.line()
        assert await gone.get() == 3000
        target = "/connection/sse?cf_connect=" + frame(CONNECT).decode().replace(" ", "").replace('"', "%22")
        events = await Exchange.begin(port, "GET", target, headers={"Accept": "text/event-stream"})
        await events.event()
        await events.close()
        assert await gone.get() == 3000
