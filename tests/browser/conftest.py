"""A running demo and a Chromium for the tests of the pages.

Playwright's event loop occupies the thread for as long as it runs, so it ends with the last test of this folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from openline.playground.static_files import BUILT
from tests.browser.demo import ARTIFACTS, ROOT, OpenPage, running_demo

AXE = ROOT / "src/openline/playground/web/node_modules/axe-core/axe.min.js"

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "there is no chromium here: apt-get install chromium"
    assert (BUILT / "index.html").exists(), "the front end is not built: make demo"
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def demo() -> Iterator[str]:
    with running_demo() as address:
        yield address


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Returns a function that opens an address in a window of its own, and waits until its line is open.

    The windows are closed after the test, which fails if any of them has logged an error: a script that failed, or
    something that the Content-Security-Policy forbids.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(address: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(address)
        expect(page.get_by_text("The line is open")).to_be_visible()
        return page

    open_page.complaints = complaints  # type: ignore[attr-defined]  # for tests in which an error is expected
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """Returns a function that has axe judge a page, and names what it finds."""
    assert AXE.exists(), "axe-core is not installed: make demo"
    source = AXE.read_text()

    def violations(page: Page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]

    return violations
