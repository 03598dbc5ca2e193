"""Pages in windows of their own, what their console complains of, and what stands on every page."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.demo import ARTIFACTS

DESKTOP = {"width": 1440, "height": 900}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
STILL: dict[str, Any] = {"reduced_motion": "reduce"}


class OpenPage:
    """Opens an address in a window of its own, and waits until its line is open."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._said: list[str] = []
        self._expected: list[re.Pattern[str]] = []

    def __call__(self, address: str, **options: Any) -> Page:
        context = self._browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("console", lambda said: self._said.append(said.text) if said.type == "error" else None)
        page.goto(address)
        expect(page.get_by_text("The line is open")).to_be_visible()
        return page

    def expect_refusals(self, address: str) -> None:
        """Say that the test stops the server at this address.

        The browser logs each line that it cannot open meanwhile, and that may be heard at any time until the windows
        are closed. Nothing else is forgiven: no other error, and no other server.
        """
        line = re.escape(address.replace("http", "ws", 1))
        self._expected.append(
            re.compile(rf"WebSocket connection to '{line}[^']*' failed: .*\bnet::ERR_CONNECTION_REFUSED")
        )
        # A font that is first needed now; the message does not say of what it speaks.
        self._expected.append(re.compile("Failed to load resource: net::ERR_CONNECTION_REFUSED"))

    def expect_cuts(self, address: str) -> None:
        """Say that the test cuts lines: the browser logs that they broke, and what was answered with 503."""
        line = re.escape(address.rstrip("/").replace("http", "ws", 1))
        self._expected.append(
            re.compile(
                rf"WebSocket connection to '{line}[^']*' failed: .*"
                r"(Unexpected response code: 503|ERR_CONNECTION_RESET|closed before the connection is established)"
            )
        )

    def expect_complaint(self, form: str) -> None:
        """Say that the browser will log what this regular expression matches as a whole, since the test is about it."""
        self._expected.append(re.compile(form))

    def close(self) -> None:
        """Close the windows, and hear what they have still to say."""
        for context in self._contexts:
            context.close()

    @property
    def complaints(self) -> list[str]:
        """What was logged as an error, and not expected."""
        return [said for said in self._said if not any(form.fullmatch(said) for form in self._expected)]


def cut(page: Page) -> None:
    """Cut the page's line, and see it lost."""
    page.get_by_role("button", name="Cut the line").click()
    expect(page.get_by_text("The line is lost")).to_be_visible()


def comes_back(page: Page) -> None:
    """See the line open again, once the server lets the page in."""
    expect(page.get_by_text("The line is open")).to_be_visible(timeout=20_000)


def frames(page: Page, **data: str) -> Locator:
    """Rows of the inspector: ``frames(page, opcode="TEXT", **{"from": "page"})``."""
    return page.locator(".frame-row" + "".join(f"[data-{name}={value}]" for name, value in data.items()))


def ask_for(page: Page, sample: str) -> None:
    """Have the server send a sample."""
    page.get_by_role("button", name=sample, exact=True).click()


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of what is seen; ``whole``: of the page down to its end."""
    page.mouse.move(0, 0)
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=whole)


def overflows(page: Page, *widths: int) -> list[int]:
    """At which of these widths the page would have to be moved sideways."""
    too_wide: list[int] = []
    for width in widths or (320, 390, 768):
        page.set_viewport_size({"width": width, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(width)
    return too_wide
