"""The admin page as its reader sees it, and the JavaScript SDK in a real browser, over every way that it knows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.demo import ARTIFACTS, ROOT

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1440, "height": 1000}}

Violations = Callable[[Page], list[str]]

CONNECT = """([ways, name, protobuf]) => new Promise((connected, failed) => {
    const client = new Centrifuge(ways, { data: { user: name }, debug: true,
        emulationEndpoint: location.origin + "/emulation" });
    const sub = client.newSubscription("chat:a");
    window.clients = [...(window.clients ?? []), client];
    window.heard = [];
    window.ended = null;
    window.sub = sub;
    sub.on("publication", (ctx) => heard.push(ctx.data));
    sub.on("subscribed", () => connected(client._transport.name()));
    client.on("disconnected", (ctx) => { window.ended = ctx.code; });
    setTimeout(() => failed(new Error("not connected in time")), 10000);
    sub.subscribe();
    client.connect();
})"""


@pytest.fixture
def address() -> Iterator[str]:
    """A hub in a process of its own, and where it is."""
    program = [sys.executable, str(Path(__file__).with_name("hub_server.py"))]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Returns a function that opens a window; none may have logged an error that was not expected."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def window(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **DESKTOP, **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        return page

    yield window
    for context in contexts:
        context.close()
    # The browser itself logs every answer of 400 and above; the password is asked for by one.
    assert [text for text in complaints if "status of 40" not in text] == []


def ways(address: str, name: str) -> Any:
    return [{"transport": name, "endpoint": f"{address}/connection/{name}"}]


def enter(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_text("serving")).to_be_visible()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", ["http_stream", "sse"])
def test_the_sdk_around_a_network_without_websocket(
    way: str, address: str, window: Callable[..., Page]
) -> None:
    page = window()
    page.goto(address)
    assert page.evaluate(CONNECT, [ways(address, way), "ann", False]) == way
    assert (
        page.evaluate("sub.publish({ text: 'zażółć 😀' }).then(() => sub.presenceStats())")["numClients"] == 1
    )
    page.wait_for_function("heard.length === 1")
    assert page.evaluate("heard[0].text") == "zażółć 😀"
    assert page.evaluate("clients[0].rpc('add', { a: 2, b: 3 })")["data"] == 5
    page.evaluate("sub.history({ limit: 10 }).then((one) => { window.count = one.publications.length; })")
    page.wait_for_function("count === 1")
    # Over two pings, and what goes on when the line is cut: the SDK comes back and gets what it has missed.
    page.wait_for_timeout(4500)
    assert page.evaluate("clients[0].state") == "connected"
    page.evaluate("clients[0]._transport.close()")
    page.wait_for_function("clients[0].state === 'connected' && sub.state === 'subscribed'")
    page.evaluate("sub.publish({ text: 'again' })")
    page.wait_for_function("heard.length === 2")


@pytest.mark.timeout(60)
def test_the_sdk_hears_why_it_was_disconnected(address: str, window: Callable[..., Page]) -> None:
    page, admin = window(), window()
    page.goto(address)
    page.evaluate(CONNECT, [ways(address, "http_stream"), "ann", False])
    enter(admin, address)
    admin.get_by_role("button", name="ann", exact=True).click()
    admin.get_by_role("button", name="Disconnect for good").click()
    expect(admin.get_by_text("Disconnected.")).to_be_visible()
    page.wait_for_function("ended === 3503")


@pytest.mark.timeout(60)
def test_protobuf_over_a_stream(address: str, window: Callable[..., Page]) -> None:
    page = window()
    page.goto(address)
    page.add_script_tag(url=f"{address}/centrifuge.protobuf.js")
    name = page.evaluate(
        """([ways]) => new Promise((connected) => {
            const emulationEndpoint = location.origin + "/emulation";
            const client = new Centrifuge(ways, { protocol: "protobuf", emulationEndpoint });
            window.sub = client.newSubscription("chat:a");
            window.heard = [];
            sub.on("publication", (ctx) => heard.push([...ctx.data]));
            sub.on("subscribed", () => connected(client._transport.name()));
            sub.subscribe();
            client.connect();
        })""",
        [ways(address, "http_stream")],
    )
    assert name == "http_stream"
    page.evaluate("sub.publish(new Uint8Array([123, 125]))")
    page.wait_for_function("heard.length === 1")
    assert page.evaluate("heard[0]") == [123, 125]


@pytest.mark.timeout(90)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_admin_page(
    scheme: str, device: str, address: str, window: Callable[..., Page], violations: Violations
) -> None:
    clients = window()
    clients.goto(address)
    for name in ("ann", "bob", "a user with a name that is really rather long"):
        way = "sse" if name == "bob" else "websocket" if name == "ann" else "http_stream"
        endpoint = ways(address.replace("http:", "ws:") if way == "websocket" else address, way)
        clients.evaluate(CONNECT, [endpoint, name, False])
    clients.evaluate("sub.publish({ text: '<b>not bold</b>', emoji: '😀' })")
    page = window(**(PHONE if device == "phone" else DESKTOP), color_scheme=scheme)
    page.goto(f"{address}/admin/")
    expect(page.get_by_label("Password")).to_be_focused()
    assert violations(page) == []
    page.screenshot(path=str(ARTIFACTS / f"admin-login-{scheme}-{device}.png"))
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="wrong password")).to_be_visible()
    enter(page, address)
    expect(page.get_by_role("button", name="chat:a")).to_be_visible()
    expect(page.locator("#sessions tr")).to_have_count(3)
    page.wait_for_timeout(6500)  # for a few points of the lines
    assert violations(page) == []
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    page.screenshot(path=str(ARTIFACTS / f"admin-{scheme}-{device}.png"), full_page=True)
    page.get_by_role("button", name="chat:a").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Present: 3 clients of 3 users")).to_be_visible()
    expect(dialog.get_by_text("<b>not bold</b>")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=str(ARTIFACTS / f"admin-channel-{scheme}-{device}.png"))
    dialog.get_by_role("button", name="bob").click()
    expect(dialog.get_by_text("sse, json")).to_be_visible()
    assert violations(page) == []
    page.screenshot(path=str(ARTIFACTS / f"admin-session-{scheme}-{device}.png"))
    dialog.get_by_role("button", name="Disconnect for good").click()
    expect(dialog.get_by_text("Disconnected.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sessions tr")).to_have_count(2)
    page.get_by_label("Channel", exact=True).fill("chat:a")
    page.get_by_label("Data, in JSON").fill('{"from": "the admin"}')
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published, offset 2.")).to_be_visible()
    clients.wait_for_function("heard.some((one) => one.from === 'the admin')")
    page.get_by_label("Data, in JSON").fill("{")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("This is not JSON")).to_be_visible()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Password")).to_be_visible()
