"""The comparison with HTTP, as visitors see it: figures that come, sliders that all share, answers that follow."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture

# Seven processes and two windows on two cores that others use as well.
pytestmark = pytest.mark.timeout(180)

PATIENCE = 60_000  # milliseconds

Violations = Callable[[Page], list[str]]


def open_it(open_page: OpenPage, demo: str, **options: object) -> Page:
    return open_page(f"{demo}comparison", **options)


def row(page: Page, technique: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=technique, exact=True))


def figures(page: Page, technique: str) -> list[str]:
    return row(page, technique).get_by_role("cell").all_inner_texts()


def measured(page: Page) -> None:
    """Wait until all four have figures, in this browser too, and there are answers."""
    expect(page.get_by_text("Running for")).to_be_visible(timeout=PATIENCE)
    for technique in ("Polling", "Long polling", "Server-sent events", "WebSocket"):
        expect(row(page, technique).get_by_role("cell", name="–")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator(".question")).to_have_count(8, timeout=PATIENCE)


def bytes_of(text: str) -> float:
    number, unit = text.replace(",", "").split()
    return float(number) * {"B": 1, "kB": 1e3, "MB": 1e6}[unit]


def test_all_four_are_measured_with_headers_and_judged(demo: str, open_page: OpenPage) -> None:
    page = open_it(open_page, demo)
    measured(page)
    # A frame's header is four bytes beside 200 of a message; an HTTP answer's is more than that, and is there.
    # The handshakes are in it, too, until the window has passed them.
    expect(row(page, "WebSocket").get_by_role("cell").first).to_have_text("204 B", timeout=PATIENCE)
    expect(row(page, "Server-sent events").get_by_role("cell").first).to_have_text(re.compile("22. B"))
    assert bytes_of(figures(page, "Long polling")[0]) > 600
    expect(page.locator(".question").first.locator(".answer.first")).not_to_be_empty()
    expect(page.locator(".chart-of-four canvas")).to_have_count(4)
    assert page.get_by_role("img", name="Latency, median").get_attribute("aria-label")
    page.get_by_role("button", name="Server code").click()
    expect(page.locator(".panel")).to_contain_text("async def long_polling")
    page.get_by_role("button", name=re.compile("^Line")).click()
    picture(page, "comparison")
    picture(page, "comparison-whole", whole=True)


def test_one_moves_a_slider_and_the_other_sees_it(demo: str, open_page: OpenPage) -> None:
    ada, bob = open_it(open_page, demo), open_it(open_page, demo)
    measured(ada)
    measured(bob)
    slider = ada.get_by_role("slider", name="Size of each")
    slider.focus()
    ada.keyboard.press("End")
    expect(bob.get_by_role("slider", name="Size of each")).to_have_attribute("aria-valuetext", "4,096 bytes")
    expect(row(bob, "WebSocket").get_by_role("cell").first).to_contain_text("4,1", timeout=PATIENCE)


def test_the_cut_line_comes_back_to_the_same_comparison(demo: str, open_page: OpenPage) -> None:
    open_page.expect_cuts(demo)
    page = open_it(open_page, demo)
    measured(page)
    cut(page)
    comes_back(page)
    measured(page)


def test_the_page_is_accessible_in_both_themes(
    demo: str, open_page: OpenPage, violations: Violations
) -> None:
    page = open_it(open_page, demo, **STILL, color_scheme="dark")
    measured(page)
    page.get_by_text("How this is measured").click()
    assert violations(page) == []
    picture(page, "comparison-dark")
    page.emulate_media(color_scheme="light")
    assert violations(page) == []


def test_the_page_fits_a_phone(demo: str, open_page: OpenPage, violations: Violations) -> None:
    page = open_it(open_page, demo, **PHONE, **STILL)
    measured(page)
    assert violations(page) == []
    picture(page, "comparison-phone", whole=True)
    assert overflows(page, 360, 390, 768) == []
