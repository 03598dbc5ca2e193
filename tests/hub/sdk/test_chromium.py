"""centrifuge-js in pages of Chromium: WebSocket in both encodings, HTTP streaming and SSE, and several tabs."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

import openline
from openline.hub import Hub, Refused, Session
from openline.websocket.http import HTTPRequest, HTTPResponse
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.hub.conformance.wire import named_hub

from .client import Address, Client, Settings
from .javascript_sdk import FOLDER, PACKAGE, JavaScriptClient, JavaScriptSDK
from .line import Line

pytestmark = pytest.mark.timeout(120)

AS_42 = Settings(data={"user": "42"})
RUSSIAN = "Эх, чужак! Общий съём цен шляп (юфть) — вдрызг! " * 5
PAGE = """<!doctype html><meta charset="utf-8"><title>a client</title>
<script src="/centrifuge%s.js"></script>
<script type="module">
  import { driver } from "/driver.mjs";
  window.obey = driver(window.Centrifuge, (what) => window.say(what));
</script>"""


async def pages(request: HTTPRequest) -> HTTPResponse:
    """The page, and the scripts as they come from npm."""
    files = {
        "/centrifuge.js": PACKAGE / "dist/centrifuge.js",
        "/centrifuge.protobuf.js": PACKAGE / "dist/centrifuge.protobuf.js",
        "/driver.mjs": FOLDER / "driver.mjs",
    }
    if request.path in files:
        return HTTPResponse(200, {"Content-Type": "text/javascript"}, files[request.path].read_bytes())
    if request.path in ("/json", "/protobuf"):
        kind = ".protobuf" if request.path == "/protobuf" else ""
        return HTTPResponse(200, {"Content-Type": "text/html"}, PAGE % kind)
    return HTTPResponse(404)


class PageSDK(JavaScriptSDK):
    """In a page."""

    where = "chromium"

    @property
    def missing(self) -> str | None:
        return super().missing or (None if shutil.which("chromium") else "there is no Chromium")

    def client(self, address: Address, settings: Settings) -> Any:
        raise NotImplementedError("a page needs its browser: `in_page`")


SDKS = [
    PageSDK("json"),
    PageSDK("protobuf"),
    PageSDK("json", "http_stream"),
    PageSDK("json", "sse"),
]


@pytest.fixture(params=SDKS, ids=str)
def sdk(request: pytest.FixtureRequest) -> PageSDK:
    """The SDK in a page."""
    sdk: PageSDK = request.param
    if sdk.missing:
        pytest.skip(sdk.missing)
    return sdk


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser."""
    program = shutil.which("chromium")
    assert program
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def reachable(hub: Hub) -> AsyncIterator[Line]:
    """Serve a hub and the pages behind a line that can be cut."""
    async with (
        openline.serve(hub, "127.0.0.1", 0, http=pages) as server,
        Line.to(server.sockets[0].getsockname()[1]) as line,
    ):
        yield line


@contextlib.asynccontextmanager
async def in_page(
    browser: Browser, sdk: PageSDK, line: Line, settings: Settings = AS_42
) -> AsyncIterator[Client]:
    """A client in a tab of its own."""
    page = await browser.new_page()
    telling: set[asyncio.Task[Any]] = set()

    def tell(what: dict[str, Any]) -> None:
        task = asyncio.ensure_future(page.evaluate("(what) => { window.obey(what) }", what))
        telling.add(task)
        task.add_done_callback(telling.discard)

    client = JavaScriptClient(tell, settings)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.expose_function("say", client.hear)
    await page.goto(f"http://{line.address.place}/{sdk.encoding}")
    try:
        await client.make(sdk.options(line.address, settings))
        yield client
        if telling:
            await asyncio.wait(telling)
    finally:
        await page.close()
    assert complaints == []


async def test_everything_once(sdk: PageSDK) -> None:
    hub = named_hub()
    hub.namespace("chat", history=100, ttl=60.0, recovery=True, presence=True, join_leave=True)

    @hub.rpc("echo")
    async def echo(session: Session, data: Any) -> Any:
        if data == "refuse":
            raise Refused(1234, "нет")
        return {"back": data}

    @hub.on_message
    def back(session: Session, data: Any) -> None:
        session.send({"you said": data})

    async with reachable(hub) as line, chromium() as browser, in_page(browser, sdk, line) as client:
        connected = await client.connected()
        session = hub.sessions[connected["client"]]
        assert (session.transport.name, session.encoding) == (sdk.transport, sdk.encoding)
        assert (await client.subscribed("chat:a"))["recoverable"]
        assert (await client.until("join", "chat:a"))["info"]["client"] == connected["client"]
        for data in ({"text": RUSSIAN}, [1, None, "🚀\n"], "x" * 30_000):
            await client.call("publish", channel="chat:a", data=data)
            assert await client.publications("chat:a", 1) == [data]
        assert (await client.call("rpc", method="echo", data={"вопрос": 1}))["data"] == {
            "back": {"вопрос": 1}
        }
        assert await client.error("rpc", method="echo", data="refuse") == 1234
        assert await client.error("rpc", method="unknown", data=1) == 104
        await client.call("send", data="привет")
        assert (await client.until("message"))["data"] == {"you said": "привет"}
        assert set((await client.call("presence", channel="chat:a"))["clients"]) == {connected["client"]}
        stats = await client.call("presence_stats", channel="chat:a")
        assert (stats["num_clients"], stats["num_users"]) == (1, 1)
        history = await client.call("history", channel="chat:a", limit=2, reverse=True)
        assert [one["offset"] for one in history["publications"]] == [3, 2]
        await hub.subscribe("42", "chat:news")
        await client.until("subscribed", "chat:news")
        await hub.publish("chat:news", "новость")
        assert await client.publications("chat:news", 1) == ["новость"]
        await hub.disconnect("42", reason="хватит")
        gone = await client.until("disconnected")
        assert (gone["code"], gone["reason"]) == (3503, "хватит")
        assert not hub.sessions


async def test_recovery_and_deltas_across_cut_lines(sdk: PageSDK) -> None:
    hub = named_hub()
    hub.namespace("chat", history=100, ttl=60.0, recovery=True, delta=True)
    texts = [{"text": RUSSIAN.replace("ш", letter)} for letter in "абвгдеёжзийклмнопрстуфхц"]
    async with reachable(hub) as line, chromium() as browser, in_page(browser, sdk, line) as client:
        await client.connected()
        await client.subscribed("chat:a", delta=sdk.encoding == "json")
        for part in range(0, len(texts), 8):
            for text in texts[part : part + 4]:
                await hub.publish("chat:a", text)
            assert await client.publications("chat:a", 4) == texts[part : part + 4]
            line.cut(for_good=True)
            await client.until("connecting")
            for text in texts[part + 4 : part + 8]:
                await hub.publish("chat:a", text)
            line.up = True
            assert (await client.until("subscribed", "chat:a"))["recovered"]
            assert await client.publications("chat:a", 4) == texts[part + 4 : part + 8]


async def test_pings_keep_a_quiet_client(sdk: PageSDK) -> None:
    hub = named_hub(ping_interval=1.0, pong_timeout=0.8)
    async with reachable(hub) as line, chromium() as browser, in_page(browser, sdk, line) as client:
        connected = await client.connected()
        session = hub.sessions[connected["client"]]
        for pinged in (True, False) * 2:
            while session.pinged is not pinged:  # noqa: ASYNC110 - there is no event for this
                await asyncio.sleep(0.01)
        assert not session.closed
        assert not client.seen("disconnected")


async def test_a_server_that_drains(sdk: PageSDK) -> None:
    hub = named_hub()
    hub.namespace("chat", history=100, ttl=60.0, recovery=True)
    async with reachable(hub) as line, chromium() as browser, in_page(browser, sdk, line) as client:
        await client.connected()
        await client.subscribed("chat:a")
        await hub.drain(0.0)
        assert (await client.until("connecting"))["code"] == 3001
        await hub.publish("chat:a", "meanwhile")
        hub.draining = False
        assert (await client.until("subscribed", "chat:a"))["recovered"]
        assert await client.publications("chat:a", 1) == ["meanwhile"]


async def test_several_tabs(sdk: PageSDK) -> None:
    """Three tabs of two users: each hears what each says, and sees who is there."""
    hub = named_hub()
    hub.namespace("chat", history=100, ttl=60.0, recovery=True, presence=True)
    async with (
        reachable(hub) as line,
        chromium() as browser,
        in_page(browser, sdk, line) as one,
        in_page(browser, sdk, line) as same,
        in_page(browser, sdk, line, Settings(data={"user": "43"})) as other,
    ):
        tabs = (one, same, other)
        for tab in tabs:
            await tab.connected()
            await tab.subscribed("chat:a")
        for number, tab in enumerate(tabs):
            await tab.call("publish", channel="chat:a", data=number)
        for tab in tabs:
            assert await tab.publications("chat:a", 3) == [0, 1, 2]
        stats = await one.call("presence_stats", channel="chat:a")
        assert (stats["num_clients"], stats["num_users"]) == (3, 2)
        await hub.disconnect("42")
        for tab in (one, same):
            assert (await tab.until("disconnected"))["code"] == 3503
        await hub.publish("chat:a", "for 43")
        assert await other.publications("chat:a", 1) == ["for 43"]
