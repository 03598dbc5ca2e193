"""The market in a real Chromium: what is looked at comes, a slow reader gets less, and the line may be cut."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture

# Several windows draw ten times a second, and are judged meanwhile, on two cores that others use as well.
pytestmark = pytest.mark.timeout(180)

NUMBER = re.compile(r"^[\d,]+(\.\d+)?$")


def opened(open_page: OpenPage, demo: str, **options: object) -> Page:
    """The page, once prices have come."""
    page = open_page(f"{demo}live", **options)
    expect(quote(page, "ALAI").locator(".price")).to_have_text(NUMBER)
    return page


def quote(page: Page, symbol: str) -> Locator:
    return page.locator(".quote").filter(has_text=symbol)


def meter(page: Page, name: str) -> float:
    """What a meter shows; 0 where it shows nothing yet."""
    text = page.locator(".meter", has_text=name).locator("dd").inner_text()
    found = re.search(r"[\d,.]+", text)
    return float(found[0].replace(",", "")) if found else 0.0


def shows(page: Page, name: str, least: float) -> None:
    """Wait until a meter shows so much at least."""
    page.wait_for_function(
        """([name, least]) => {
            const meter = [...document.querySelectorAll('.meter')].find(one => one.textContent.includes(name));
            const shown = meter.querySelector('dd').firstChild.textContent.replaceAll(',', '');
            return parseFloat(shown) >= least;
        }""",
        arg=[name, least],
    )


def reader(page: Page, row: str, which: str) -> Locator:
    return page.get_by_role("row", name=row).locator(f"td[data-reader={which}]")


def test_the_newest_of_what_is_looked_at(
    demo: str, open_page: OpenPage, violations: Callable[[Page], list[str]]
) -> None:
    page = opened(open_page, demo)
    expect(page.locator(".quote")).to_have_count(50)
    shows(page, "Changes on the server", 10_000)
    shows(page, "Of what you look at", 1_000)
    shows(page, "Came here", 200)
    shows(page, "Merged", 40)
    assert meter(page, "In frames") <= 12, "ten a second, and not one for each price"
    expect(page.locator(".sizes")).to_have_text(
        re.compile(r"whole state \d{3} B, sent as a patch of \d{2,3} B")
    )
    page.wait_for_timeout(4000)  # for the charts to have something to show
    picture(page, "live")
    assert violations(page) == []


def test_what_is_looked_at_is_what_is_subscribed(demo: str, open_page: OpenPage) -> None:
    page = opened(open_page, demo)
    pages = page.get_by_role("navigation", name="Pages of the watchlist")
    expect(pages.get_by_role("status")).to_have_text("1–50 of 500")
    pages.get_by_role("button", name="On").click()
    expect(pages.get_by_role("status")).to_have_text("51–100 of 500")
    expect(page.locator(".quote .price").first).to_have_text(NUMBER)
    expect(quote(page, "ALAI")).to_have_count(0)
    page.get_by_role("searchbox", name="Search symbols").fill("kestrel")
    expect(pages.get_by_role("status")).to_have_text("1–32 of 32")
    page.get_by_role("searchbox", name="Search symbols").fill("kestrel bank")
    expect(quote(page, "KEBA").locator(".price")).to_have_text(NUMBER)
    quote(page, "KEBA").click()
    expect(quote(page, "KEBA")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("heading", name="KEBA · Kestrel Bank")).to_be_visible()
    expect(page.locator(".now")).to_have_text(NUMBER)
    # Two are left of what was looked at, and so much less comes.
    page.wait_for_function(
        """() => {
            const meter = [...document.querySelectorAll('.meter')].find(one => one.textContent.includes('Came here'));
            const shown = parseFloat(meter.querySelector('dd').firstChild.textContent);
            return shown > 0 && shown < 40;
        }"""
    )
    page.get_by_role("searchbox", name="Search symbols").fill("<b>no such thing")
    expect(page.get_by_text("No symbol is called “<b>no such thing”.")).to_be_visible()


def test_a_slow_reader_gets_less_and_nothing_older_and_nobody_else_notices(
    demo: str, open_page: OpenPage, violations: Callable[[Page], list[str]]
) -> None:
    page = opened(open_page, demo, color_scheme="dark")
    other = opened(open_page, demo)
    page.get_by_role("switch", name="Slow reader").check()
    page.wait_for_function(
        """() => {
            const value = which => parseFloat(
                [...document.querySelectorAll('.beside tr')].find(row => row.textContent.includes('Values a second'))
                    .querySelector(`[data-reader=${which}]`).textContent);
            return value('slow') > 20 && value('slow') < value('fast') / 2;
        }"""
    )
    page.wait_for_timeout(6000)  # long enough for what is too much to have been passed over
    for which in ("fast", "slow"):
        expect(reader(page, "Age on arrival", which)).to_have_text(re.compile(r"^[\d.]+ m?s$"))
    for which in ("fast", "slow"):
        expect(reader(page, "Older than one before", which)).to_have_text("none, ever")
    merged = [int(reader(page, "Merged", which).inner_text().split()[0]) for which in ("fast", "slow")]
    assert merged[1] > merged[0]
    shows(other, "Came here", 200)
    other.close()
    page.locator(".readers").scroll_into_view_if_needed()
    picture(page, "live-slow")
    assert violations(page) == []
    page.get_by_role("switch", name="Slow reader").uncheck()
    expect(reader(page, "Values a second", "slow")).to_have_text("–")


def test_a_cut_line_comes_back_with_the_newest(demo: str, open_page: OpenPage) -> None:
    page = opened(open_page, demo)
    open_page.expect_cuts(demo)
    page.get_by_role("switch", name="Slow reader").check()
    shows(page, "Came here", 200)
    before = quote(page, "ALAI").locator(".price").inner_text()
    cut(page)
    picture(page, "live-cut")
    comes_back(page)
    shows(page, "Came here", 200)
    expect(quote(page, "ALAI").locator(".price")).not_to_have_text(before)
    expect(reader(page, "Older than one before", "fast")).to_have_text("none, ever")


def test_on_a_phone_in_the_dark(
    demo: str, open_page: OpenPage, violations: Callable[[Page], list[str]]
) -> None:
    page = opened(open_page, demo, **PHONE, **STILL, color_scheme="dark")
    expect(page.locator(".quote")).to_have_count(16)
    shows(page, "Came here", 50)
    page.get_by_role("switch", name="Slow reader").check()
    expect(page.locator(".sizes")).to_have_text(re.compile("patch"))
    page.wait_for_timeout(3000)
    picture(page, "live-phone", whole=True)
    assert violations(page) == []
    assert overflows(page, 320, 360, 390, 768) == []
