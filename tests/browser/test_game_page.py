"""The game page, as visitors see it: they fly, see each other, and come back into their seats."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import DESKTOP, PHONE, STILL, OpenPage, comes_back, cut, frames, overflows, picture

# Several windows draw sixty times a second on two cores that others use as well.
pytestmark = pytest.mark.timeout(120)

Violations = Callable[[Page], list[str]]


def arena(page: Page) -> Locator:
    return page.get_by_label("The arena. Fly with the arrow keys")


def figure(page: Page, name: str) -> Locator:
    return page.locator(".game-figures > div").filter(has=page.get_by_text(name, exact=True)).locator("dd")


def plays(page: Page) -> None:
    expect(page.get_by_text("You are in the arena.")).to_be_attached()
    expect(figure(page, "Seen")).to_have_text(re.compile(r"\d+ of \d+"))


def ticks(page: Page) -> int:
    expect(figure(page, "Tick")).not_to_have_text("–")
    return int(figure(page, "Tick").inner_text().replace(",", ""))


def mine(page: Page) -> Locator:
    return page.locator(".game-scores .is-mine")


# What the canvas shows, as a number: another where something has moved.
SHOWN = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let sum = 0;
    for (let at = 0; at < pixels.length; at += 4 * 97) sum = (sum * 31 + pixels[at] + pixels[at + 1]) % 1000003;
    return sum;
}"""


def test_a_visitor_finds_a_full_arena_and_flies(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "game")
    plays(page)
    expect(page.get_by_text("14 ships, one is yours")).to_be_visible()
    expect(page.locator(".game-scores li")).to_have_count(8)
    first = ticks(page)
    arena(page).focus()
    before = arena(page).evaluate(SHOWN)
    page.keyboard.down("ArrowRight")
    page.wait_for_function(
        f"([canvas, before]) => ({SHOWN})(canvas) !== before", arg=[arena(page).element_handle(), before]
    )
    page.keyboard.press("Space")
    page.keyboard.up("ArrowRight")
    expect(page.get_by_text("Point to fly")).to_have_count(0)
    page.wait_for_function(
        "first => Number(document.querySelectorAll('.game-figures dd')[1].innerText.replace(',', '')) > first + 20",
        arg=first,
    )
    seen, total = map(int, figure(page, "Seen").inner_text().split(" of "))
    assert 0 < seen < total
    expect(figure(page, "Answer")).to_have_text(re.compile(r"\d+ ms"))
    # States and inputs are binary messages of the protobuf encoding.
    expect(frames(page, opcode="BINARY", **{"from": "server"}).first).to_be_visible()
    expect(frames(page, opcode="BINARY", **{"from": "page"}).first).to_be_visible()
    picture(page, "game")


def test_two_visitors_are_in_one_arena(demo: str, open_page: OpenPage) -> None:
    ada, bob = open_page(demo + "game"), open_page(demo + "game")
    plays(ada)
    plays(bob)
    for page in (ada, bob):
        # Two bots have made room.
        expect(page.get_by_text("14 ships, 2 flown by people")).to_be_visible()
        expect(mine(page)).to_have_count(1)
    name = ada.evaluate("localStorage.getItem('openline.name')")
    expect(mine(ada).locator("bdi")).to_have_text(name)
    ada.close()
    # The seat is kept for a while, and so is the ship.
    expect(bob.get_by_text("14 ships, 2 flown by people")).to_be_visible()


def test_the_ship_is_kept_while_the_line_is_cut(demo: str, open_page: OpenPage) -> None:
    page, other = open_page(demo + "game"), open_page(demo + "game")
    open_page.expect_cuts(demo)
    plays(page)
    plays(other)
    before = page.evaluate("sessionStorage.getItem('openline.game.ticket')")
    cut(page)
    expect(page.get_by_role("heading", name="The line is cut")).to_be_visible()
    picture(page, "game-cut")
    first = ticks(other)
    comes_back(page)
    expect(page.get_by_text("You are back in your seat.")).to_be_attached()
    expect(page.get_by_role("heading", name="The line is cut")).to_have_count(0)
    assert page.evaluate("sessionStorage.getItem('openline.game.ticket')") == before
    assert ticks(other) > first
    # Loaded anew, too.
    page.reload()
    expect(page.get_by_text("You are back in your seat.")).to_be_attached()


def test_what_prediction_does_can_be_switched_off_and_the_server_moved_far_away(
    demo: str, open_page: OpenPage
) -> None:
    page = open_page(demo + "game")
    plays(page)
    expect(figure(page, "Answer")).to_have_text(re.compile(r"\d+ ms"))
    page.get_by_role("switch", name="Far away").check(force=True)
    expect(figure(page, "Answer")).to_have_text(re.compile(r"^(1[5-9]\d|[2-9]\d\d) ms$"))
    for name in ("Prediction", "Interpolation"):
        page.get_by_role("switch", name=name).press("Space")
        expect(page.get_by_role("switch", name=name)).not_to_be_checked()
    first = ticks(page)
    page.wait_for_function(
        "first => Number(document.querySelectorAll('.game-figures dd')[1].innerText.replace(',', '')) > first + 20",
        arg=first,
    )


def test_a_thumb_flies_on_a_phone(demo: str, open_page: OpenPage) -> None:
    phone = open_page(demo + "game", **PHONE)
    plays(phone)
    expect(phone.get_by_text("Put a thumb on the arena")).to_be_visible()
    expect(phone.get_by_role("button", name="Dash")).to_be_visible()
    box = arena(phone).bounding_box()
    assert box is not None
    finger = phone.context.new_cdp_session(phone)
    at = {"x": box["x"] + 100, "y": box["y"] + box["height"] - 120}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{**at, "x": at["x"] + 45}]})
    expect(phone.get_by_text("Put a thumb on the arena")).to_have_count(0)
    before = arena(phone).evaluate(SHOWN)
    phone.wait_for_function(
        f"([canvas, before]) => ({SHOWN})(canvas) !== before", arg=[arena(phone).element_handle(), before]
    )
    picture(phone, "game-phone")
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.get_by_role("button", name="Dash").tap()
    assert overflows(phone) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    demo: str, open_page: OpenPage, violations: Violations, scheme: str
) -> None:
    page = open_page(demo + "game", color_scheme=scheme, **STILL)
    plays(page)
    expect(page.locator(".game-scores li")).to_have_count(8)
    picture(page, f"game-{scheme}")
    page.set_viewport_size(DESKTOP)
    assert violations(page) == []
