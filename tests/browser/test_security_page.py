"""The security page, as visitors see it: what a tap reads, a foreign page, a token that expires."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture

# Windows are drawn and judged on two cores that others use as well, and a token takes its time to expire.
pytestmark = pytest.mark.timeout(150)

Violations = Callable[[Page], list[str]]

SECRET = "the treasure is below the oak"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificate is left in the cache of whoever runs the tests; the demo inherits it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def open_it(open_page: OpenPage, demo: str, **options: object) -> Page:
    page = open_page(f"{demo}security", **options)
    for over in ("ws", "wss"):
        expect(
            page.get_by_role("log", name=f"Overheard on {over}", exact=True).locator("li").first
        ).to_be_visible()
    return page


def say(page: Page, text: str) -> None:
    page.get_by_label("What is said on both lines").fill(text)
    page.get_by_role("button", name="Say it on both lines").click()


def test_the_tap_reads_everything_of_ws_and_nothing_of_wss(demo: str, open_page: OpenPage) -> None:
    page = open_it(open_page, demo)
    plain = page.get_by_role("log", name="Overheard on ws", exact=True)
    secure = page.get_by_role("log", name="Overheard on wss", exact=True)
    expect(plain.get_by_text("reads your cookie: visitor=")).to_be_visible()
    expect(secure.get_by_text("TLS handshake to the server")).to_be_visible()
    expect(page.get_by_text("so a client in the server speaks this line")).to_be_visible()
    say(page, SECRET)
    # Masked from the page, and as it is from the server: read both times.
    expect(plain.get_by_text(f"reads: {SECRET}")).to_have_count(2)
    expect(plain.get_by_text("xor").last).to_be_visible()
    # Six bytes of header and mask, or two, and what TLS adds to a record.
    expect(secure.get_by_text(f"{6 + len(SECRET) + 17} bytes")).to_be_visible()
    expect(secure.get_by_text(f"{2 + len(SECRET) + 17} bytes")).to_be_visible()
    assert SECRET not in secure.inner_text()
    expect(page.get_by_text("CN=openline development").first).to_be_visible()
    expect(page.locator(".certificate")).to_contain_text("localhost")
    picture(page, "security")
    picture(page, "security-whole", whole=True)


def test_markup_that_is_overheard_stays_text(demo: str, open_page: OpenPage) -> None:
    page = open_it(open_page, demo)
    say(page, "<img src=x onerror=alert(1)>")
    expect(page.get_by_text("reads: <img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator(".tapped img").count() == 0


def test_a_foreign_page_is_refused_with_the_visitors_cookie(demo: str, open_page: OpenPage) -> None:
    open_page.expect_complaint(
        r"WebSocket connection to 'ws://[^']*/\?watch=[^']*' failed: .*Unexpected response code: 403"
    )
    page = open_it(open_page, demo)
    page.get_by_role("button", name="Let it try").click()
    foreign = page.frame_locator("iframe")
    expect(foreign.get_by_text("Refused. Code 1006")).to_be_visible()
    seen = page.locator(".seen")
    expect(seen).to_contain_text("403 Forbidden")
    expect(seen).to_contain_text("yours: the browser has sent it")
    expect(seen).to_contain_text(re.compile(r"http://127\.0\.0\.1:\d+ which is not this page’s"))
    page.locator("#foreign-title").scroll_into_view_if_needed()
    picture(page, "security-foreign")


def test_a_token_is_refreshed_and_one_that_is_held_back_ends_the_line(demo: str, open_page: OpenPage) -> None:
    page = open_it(open_page, demo)
    log = page.get_by_role("log", name="What happened to the token")
    expect(log.get_by_text("connected")).to_be_visible()
    expect(log.get_by_text("refreshed").first).to_be_visible(timeout=30_000)
    page.get_by_label("Hold the next one back").check()
    expect(log.get_by_text("close 3005")).to_be_visible(timeout=40_000)
    expect(log.get_by_text("connection expired")).to_be_visible()
    page.locator("#token-title").scroll_into_view_if_needed()
    picture(page, "security-token")
    page.get_by_label("Hold the next one back").uncheck()
    expect(log.get_by_text("connected")).to_have_count(2, timeout=20_000)


def test_the_cut_line_comes_back_and_is_tapped_again(demo: str, open_page: OpenPage) -> None:
    open_page.expect_cuts(demo)
    page = open_it(open_page, demo)
    cut(page)
    comes_back(page)
    say(page, SECRET)
    plain = page.get_by_role("log", name="Overheard on ws", exact=True)
    expect(plain.get_by_text(f"reads: {SECRET}")).to_have_count(2)


def test_the_page_is_accessible_in_both_themes(
    demo: str, open_page: OpenPage, violations: Violations
) -> None:
    page = open_it(open_page, demo, **STILL, color_scheme="dark")
    say(page, SECRET)
    expect(page.get_by_text(f"reads: {SECRET}").first).to_be_visible()
    assert violations(page) == []
    picture(page, "security-dark", whole=True)
    page.emulate_media(color_scheme="light")
    assert violations(page) == []


def test_the_page_fits_a_phone(demo: str, open_page: OpenPage, violations: Violations) -> None:
    page = open_it(open_page, demo, **PHONE, **STILL)
    say(page, SECRET)
    expect(page.get_by_text(f"reads: {SECRET}").first).to_be_visible()
    assert violations(page) == []
    picture(page, "security-phone", whole=True)
    assert overflows(page, 360, 390, 768) == []
