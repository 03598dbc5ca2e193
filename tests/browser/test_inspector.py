"""What stands around every page: the line inspector, the scissors, the server code. Looked at on the chat's page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from openline.playground.pages import chat
from tests.browser.demo import running_demo
from tests.browser.pages import STILL, OpenPage, ask_for, comes_back, cut, frames, picture
from tests.conftest import reserved_port

# Several windows draw and are judged on two cores that others use as well.
pytestmark = pytest.mark.timeout(120)

Violations = Callable[[Page], list[str]]

CONNECT = '{"connect":'  # how the first frame of a page begins


def test_the_handshake_is_this_pages_own(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    asked, agreed = page.get_by_label("This page asks"), page.get_by_label("The server agrees")
    expect(asked).to_contain_text("GET /connection/websocket?inspect=")
    expect(asked).to_contain_text(f"Origin: {demo.rstrip('/')}")
    expect(asked).to_contain_text("Sec-WebSocket-Key:")
    expect(agreed).to_contain_text("HTTP/1.1 101 Switching Protocols")
    expect(agreed).to_contain_text("the same, so the server speaks WebSocket")
    expect(asked).not_to_contain_text("User-Agent:")
    page.get_by_role("button", name="Show the other").click()
    expect(asked).to_contain_text(f"User-Agent: {page.evaluate('navigator.userAgent')}")
    expect(asked).to_contain_text("Cookie: (kept from scripts)")
    # Not one line without a word on what it is for.
    assert all(note.strip() for note in page.locator(".head-line dd").all_inner_texts())


def test_frames_are_shown_as_they_pass(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    sent = frames(page, opcode="TEXT", **{"from": "page"}).filter(has_text=CONNECT)
    expect(sent.locator(".flag.on")).to_contain_text(["FIN", "MASK"])
    expect(sent.locator(".rsv")).to_contain_text("000")
    received = frames(page, opcode="TEXT", **{"from": "server"}).filter(has_text='"client"')
    expect(received.locator(".flag.on")).to_contain_text(["FIN"])


def test_each_kind_of_frame_can_be_asked_for(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    ask_for(page, "Ping")
    expect(frames(page, opcode="PING", **{"from": "server"})).to_have_count(1)
    expect(frames(page, opcode="PONG", **{"from": "page"})).to_have_count(1)
    ask_for(page, "Fragments")
    last = frames(page, opcode="CONT").first  # the newest stands on top
    expect(last.locator(".flag").first).to_have_class("flag on")
    first = frames(page, opcode="TEXT").filter(has_text='{"push":{"message":').filter(has_not_text='"data"')
    expect(first.locator(".flag.on")).to_have_count(0)
    for sample in ("300 bytes", "70,000 bytes"):
        ask_for(page, sample)
        expect(frames(page).filter(has_text="....").first.locator(".length")).to_have_text(sample)
    page.get_by_text("Control", exact=True).click()
    expect(frames(page)).to_have_count(2)


def bits(page: Page) -> str:
    """The bits that are drawn, without their labels."""
    return page.locator(".bits").evaluate(
        "drawing => [...drawing.children].map(bit => bit.lastChild.textContent).join('')"
    )


def test_the_bits_of_a_frame_open_by_keyboard(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    sent = frames(page, **{"from": "page"}).filter(has_text=CONNECT)
    expect(sent).to_be_visible()
    sent.focus()
    page.keyboard.press("Enter")
    expect(sent).to_have_attribute("aria-expanded", "true")
    # FIN, RSV, opcode 1, MASK, the length in seven bits, and 32 bits of key (RFC 6455 section 5.2).
    drawn = bits(page)
    size = int(sent.locator(".length").inner_text().split()[0])
    assert size < 126
    assert drawn[:16] == "1000" + "0001" + "1" + f"{size:07b}"
    assert len(drawn) == 48
    key = page.locator(".field-key dt code").first.inner_text()
    assert f"{int(drawn[16:], 2):08x}" == key.replace(" ", "")
    rows = {
        row.locator("th").inner_text(): [int(byte, 16) for byte in row.locator("td").all_inner_texts()]
        for row in page.locator(".payload tr").all()[:3]
    }
    assert [a ^ b for a, b in zip(rows["on the wire"], rows["XOR key"], strict=True)] == rows["= payload"]
    assert bytes(rows["= payload"]).decode().startswith(CONNECT)
    page.keyboard.press("ArrowDown")
    expect(sent).to_have_attribute("aria-expanded", "true")
    sent.focus()
    page.keyboard.press("Enter")
    expect(sent).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize(("sample", "count", "short"), [("300 bytes", 32, 126), ("70,000 bytes", 80, 127)])
def test_longer_lengths_take_more_bits_section_5_2(
    demo: str, open_page: OpenPage, sample: str, count: int, short: int
) -> None:
    page = open_page(demo + "chat")
    ask_for(page, sample)
    frames(page).filter(has_text="....").click()
    drawn = bits(page)
    assert len(drawn) == count
    assert int(drawn[9:16], 2) == short
    assert f"{int(drawn[16:], 2):,} bytes" == sample


def test_the_list_stands_still_while_a_frame_is_looked_at(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    first = frames(page).filter(has_text=CONNECT)
    first.click()
    before = frames(page, opcode="PING").count()
    ask_for(page, "Ping")
    more = page.get_by_role("button", name="The list stands still")
    expect(more).to_be_visible()
    assert frames(page, opcode="PING").count() == before
    more.click()
    expect(frames(page, opcode="PING")).to_have_count(before + 1)
    expect(page.locator(".detail")).to_be_visible()


def test_a_line_that_is_closed_is_followed_by_a_new_one(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    accept = page.get_by_label("The server agrees").locator("dt").last
    before = accept.inner_text()
    ask_for(page, "Close")
    expect(frames(page, opcode="CLOSE", **{"from": "server"})).to_contain_text("1000 You asked for it")
    expect(page.get_by_text("The line ended with code 1000 (You asked for it)")).to_be_visible()
    expect(accept).not_to_have_text(before)
    comes_back(page)


def test_a_cut_line_breaks_without_a_frame_is_refused_and_comes_back(demo: str, open_page: OpenPage) -> None:
    page, other = open_page(demo + "chat"), open_page(demo + "chat")
    open_page.expect_cuts(demo)
    cut(page)
    expect(page.get_by_role("button", name="Cut: ")).to_be_disabled()
    expect(page.get_by_text("The line ended with code 1006")).to_be_visible()
    expect(page.get_by_text("The server answered a handshake with 503").first).to_be_visible()
    expect(frames(page, opcode="CLOSE")).to_have_count(0)
    expect(other.get_by_text("The line is open")).to_be_visible()
    comes_back(page)
    expect(page.get_by_role("button", name="Cut the line")).to_be_enabled()


def test_the_server_code_is_the_file_that_runs(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo + "chat")
    page.get_by_role("button", name="Server code").click()
    code = page.locator(".code pre")
    assert chat.__file__ is not None
    with open(chat.__file__) as file:
        text = file.read().rstrip()
    expect(code).to_be_visible()
    assert code.inner_text() == text
    expect(page.locator(".code")).to_contain_text(f"{len(text.splitlines())} lines")
    page.get_by_role("button", name=re.compile("^Line")).click()
    expect(page.locator(".inspector")).to_be_visible()


def test_a_server_that_returns_finds_its_visitors_again(open_page: OpenPage) -> None:
    with reserved_port() as port:
        with running_demo(port) as address:
            page = open_page(address + "chat")
            open_page.expect_refusals(address)
        expect(page.get_by_text("The line is lost")).to_be_visible()
        with running_demo(port):
            comes_back(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    demo: str, open_page: OpenPage, violations: Violations, scheme: str
) -> None:
    page = open_page(demo + "chat", color_scheme=scheme, **STILL)
    frames(page).filter(has_text=CONNECT).click()
    page.get_by_role("button", name="Show the other").click()
    assert violations(page) == []
    page.locator(".detail").scroll_into_view_if_needed()
    picture(page, f"frame-{scheme}")
    page.get_by_role("button", name="Server code").click()
    expect(page.locator(".code pre")).to_be_visible()
    assert violations(page) == []
    picture(page, f"code-{scheme}")
