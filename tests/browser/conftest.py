"""A running demo and a Chromium for the tests of the pages.

Playwright's event loop occupies the thread for as long as it runs, so it ends with the last test of this folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from openline.playground.static_files import BUILT
from tests.browser.demo import ARTIFACTS, ROOT, running_demo
from tests.browser.pages import OpenPage

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
PATIENCE = 15.0  # seconds for what a page must show; the machine may be busy


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "there is no chromium here: apt-get install chromium"
    assert (BUILT / "index.html").exists(), "the front end is not built: make demo"
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE * 1000)
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
    """Returns what opens an address in a window of its own.

    The windows are closed after the test, which fails if any of them has logged an error: a script that failed, or
    something that the Content-Security-Policy forbids.
    """
    opener = OpenPage(browser)
    yield opener
    opener.close()
    assert opener.complaints == []


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
