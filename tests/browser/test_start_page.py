"""The start page: the handshake and the frames of its own line, and a way to every other page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, overflows, picture

pytestmark = pytest.mark.timeout(120)

Violations = Callable[[Page], list[str]]


def test_it_shows_the_handshake_of_its_own_line(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    ladder = page.locator(".ladder")
    expect(ladder).to_contain_text("GET /connection/websocket HTTP/1.1")
    expect(ladder).to_contain_text(f"Origin: {demo.rstrip('/')}")
    expect(ladder).to_contain_text("Sec-WebSocket-Key:")
    expect(ladder).to_contain_text("HTTP/1.1 101 Switching Protocols")
    expect(page.locator(".facts dd").first).to_contain_text("bytes")


def test_what_one_says_is_said_back(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    page.get_by_label("What to say").fill("Anyone there?")
    page.get_by_role("button", name="Say it").click()
    expect(page.get_by_text("There and back in")).to_be_visible()
    expect(page.locator(".rungs .from-page").last).to_contain_text('"start.echo"')
    expect(page.locator(".rungs .from-server").last).to_contain_text('"Anyone there?"')


def test_every_page_has_a_door_and_answers(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    paths = [door.get_attribute("href") for door in page.locator(".door a").all()]
    assert len(paths) == 7
    assert paths == [link.get_attribute("href") for link in page.locator(".pages a").all()[1:]]
    for path in paths:
        answer = page.request.get(f"{demo.rstrip('/')}{path}")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    demo: str, open_page: OpenPage, violations: Violations, scheme: str
) -> None:
    page = open_page(demo, color_scheme=scheme, **STILL)
    expect(page.locator(".rungs li")).to_have_count(2)
    assert violations(page) == []
    picture(page, f"start-{scheme}", whole=True)
    phone = open_page(demo, color_scheme=scheme, **PHONE, **STILL)
    assert violations(phone) == []
    picture(phone, f"start-phone-{scheme}")
    assert overflows(phone) == []
