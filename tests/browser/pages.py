"""Pages in windows of their own, and what their console complains of."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect

DESKTOP = {"width": 1440, "height": 900}


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

    def close(self) -> None:
        """Close the windows, and hear what they have still to say."""
        for context in self._contexts:
            context.close()

    @property
    def complaints(self) -> list[str]:
        """What was logged as an error, and not expected."""
        return [said for said in self._said if not any(form.fullmatch(said) for form in self._expected)]
