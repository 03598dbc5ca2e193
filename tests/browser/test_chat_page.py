"""The chat page and its line inspector, as visitors see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.demo import ARTIFACTS, running_demo
from tests.browser.pages import OpenPage
from tests.conftest import reserved_port

# Several windows draw and are judged on two cores that others use as well.
pytestmark = pytest.mark.timeout(120)

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
STILL = {"reduced_motion": "reduce"}

HELLO = '{"type":"say","text":"hello"}'  # as the page sends it

Violations = Callable[[Page], list[str]]


def say(page: Page, text: str) -> None:
    box = page.get_by_label("Your line")
    box.fill(text)
    box.press("Enter")
    expect(box).to_have_value("")


def name_of(page: Page) -> str:
    return page.locator(".my-name bdi").inner_text()


def lines(page: Page) -> Locator:
    return page.locator(".said-text")


def ask_for(page: Page, sample: str) -> None:
    page.get_by_role("button", name=sample, exact=True).click()


def frames(page: Page, **data: str) -> Locator:
    return page.locator(".frame-row" + "".join(f"[data-{name}={value}]" for name, value in data.items()))


def picture(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.screenshot(path=ARTIFACTS / f"{name}.png")


def conversation(ada: Page, bob: Page) -> None:
    """Something to be seen in a picture."""
    say(ada, "Hello! Is anyone here?")
    expect(lines(bob)).to_have_count(1)
    say(bob, "Yes. Your line reached me as a TEXT frame, not masked.")
    say(bob, "Mine goes out masked, see the key.")
    expect(lines(ada)).to_have_count(3)
    say(ada, "And <b>HTML</b> stays what it is: text.")
    expect(lines(bob)).to_have_count(4)
    for sample in ("Ping", "Fragments", "Binary"):
        ask_for(ada, sample)
    expect(frames(ada, opcode="BINARY")).to_have_count(1)


# The chat.


def test_what_one_says_the_other_reads_as_text(demo: str, open_page: OpenPage) -> None:
    ada, bob = open_page(demo), open_page(demo)
    say(ada, "<b>hello</b> <img src=x onerror=alert(1)>")
    expect(lines(bob)).to_have_text("<b>hello</b> <img src=x onerror=alert(1)>")
    assert lines(bob).locator("b, img").count() == 0
    expect(bob.locator(".said-by bdi")).to_have_text(name_of(ada))
    expect(ada.locator(".said-by bdi")).to_have_text("You")


def test_typing_is_shown_until_it_ends(demo: str, open_page: OpenPage) -> None:
    ada, bob = open_page(demo), open_page(demo)
    ada.get_by_label("Your line").press_sequentially("hel")
    expect(bob.locator(".typing")).to_have_text(f"{name_of(ada)} is typing")
    expect(ada.locator(".typing")).to_be_empty()
    ada.get_by_label("Your line").fill("")
    expect(bob.locator(".typing")).to_be_empty()


def test_a_newcomer_sees_who_is_here_and_what_was_said(demo: str, open_page: OpenPage) -> None:
    ada = open_page(demo)
    say(ada, "first")
    say(ada, "second")
    bob = open_page(demo)
    expect(lines(bob)).to_have_text(["first", "second"])
    expect(bob.get_by_role("list", name="2 people are here")).to_contain_text(name_of(ada))
    expect(ada.get_by_role("list", name="2 people are here")).to_contain_text(name_of(bob))
    bob.close()
    expect(ada.get_by_role("list", name="You are alone here")).to_be_attached()


def test_a_name_is_changed_by_keyboard_and_kept(demo: str, open_page: OpenPage) -> None:
    ada, bob = open_page(demo), open_page(demo)
    ada.get_by_role("button", name="Change your name").focus()
    ada.keyboard.press("Enter")
    ada.keyboard.type("Ada Lovelace")
    ada.keyboard.press("Enter")
    expect(ada.locator(".my-name bdi")).to_have_text("Ada Lovelace")
    expect(ada.get_by_role("button", name="Change your name")).to_be_focused()
    expect(bob.locator(".avatars")).to_contain_text("Ada Lovelace")
    ada.reload()
    expect(ada.locator(".my-name bdi")).to_have_text("Ada Lovelace")


def test_who_is_too_fast_is_told_so(demo: str, open_page: OpenPage) -> None:
    ada = open_page(demo)
    # In one go: what one may say comes back with time, and a busy machine presses keys slowly.
    ada.get_by_label("Your line").evaluate(
        "box => { for (let n = 0; n < 20; n++) { box.value = `line ${n}`; box.form.requestSubmit(); } }"
    )
    expect(ada.get_by_role("alert")).to_contain_text("Not so fast")


# The inspector.


def test_the_handshake_is_this_pages_own(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    asked, agreed = page.get_by_label("This page asks"), page.get_by_label("The server agrees")
    expect(asked).to_contain_text("GET /lines/chat?inspect=")
    expect(asked).to_contain_text(f"Origin: {demo.rstrip('/')}")
    expect(asked).to_contain_text("Sec-WebSocket-Key:")
    expect(agreed).to_contain_text("HTTP/1.1 101 Switching Protocols")
    expect(agreed).to_contain_text("the same, so the server speaks WebSocket")
    expect(asked).not_to_contain_text("User-Agent:")
    page.get_by_role("button", name="Show the other").click()
    expect(asked).to_contain_text(f"User-Agent: {page.evaluate('navigator.userAgent')}")
    # Not one line without a word on what it is for.
    assert all(note.strip() for note in page.locator(".head-line dd").all_inner_texts())


def test_frames_are_shown_as_they_pass(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    expect(frames(page, opcode="TEXT")).to_have_count(2)  # enter, welcome
    say(page, "hello")
    sent = frames(page, opcode="TEXT", **{"from": "page"}).filter(has_text='"say"')
    expect(sent.locator(".flag.on")).to_contain_text(["FIN", "MASK"])
    expect(sent.locator(".rsv")).to_contain_text("000")
    expect(sent.locator(".length")).to_have_text(f"{len(HELLO)} bytes")
    received = frames(page, opcode="TEXT", **{"from": "server"}).filter(has_text='"said"')
    expect(received.locator(".flag.on")).to_contain_text(["FIN"])


def test_each_kind_of_frame_can_be_asked_for(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    ask_for(page, "Ping")
    expect(frames(page, opcode="PING", **{"from": "server"})).to_have_count(1)
    expect(frames(page, opcode="PONG", **{"from": "page"})).to_have_count(1)
    ask_for(page, "Fragments")
    last = frames(page, opcode="CONT").first  # the newest stands on top
    expect(last.locator(".flag").first).to_have_class("flag on")
    expect(
        frames(page, opcode="TEXT").filter(has_text='{"type":"sample",').locator(".flag.on")
    ).to_have_count(0)
    ask_for(page, "Binary")
    expect(frames(page, opcode="BINARY").locator(".length")).to_have_text("24 bytes")
    ask_for(page, "300 bytes")
    expect(frames(page).first.locator(".length")).to_have_text("300 bytes")
    ask_for(page, "70,000 bytes")
    expect(frames(page).first.locator(".length")).to_have_text("70,000 bytes")
    page.get_by_text("Control", exact=True).click()
    expect(frames(page)).to_have_count(2)


def bits(page: Page) -> str:
    """The bits that are drawn, without their labels."""
    return page.locator(".bits").evaluate(
        "drawing => [...drawing.children].map(bit => bit.lastChild.textContent).join('')"
    )


def test_the_bits_of_a_frame_open_by_keyboard(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    say(page, "hello")
    sent = frames(page, **{"from": "page"}).filter(has_text='"say"')
    expect(sent).to_be_visible()
    sent.focus()
    page.keyboard.press("Enter")
    expect(sent).to_have_attribute("aria-expanded", "true")
    # FIN, RSV, opcode 1, MASK, the length in seven bits, and 32 bits of key (RFC 6455 section 5.2).
    drawn = bits(page)
    assert drawn[:16] == "1000" + "0001" + "1" + f"{len(HELLO):07b}"
    assert len(drawn) == 48
    key = page.locator(".field-key dt code").first.inner_text()
    assert f"{int(drawn[16:], 2):08x}" == key.replace(" ", "")
    rows = {
        row.locator("th").inner_text(): [int(byte, 16) for byte in row.locator("td").all_inner_texts()]
        for row in page.locator(".payload tr").all()[:3]
    }
    assert [a ^ b for a, b in zip(rows["on the wire"], rows["XOR key"], strict=True)] == rows["= payload"]
    assert bytes(rows["= payload"]).decode() == HELLO[:16]
    page.keyboard.press("ArrowDown")
    expect(sent).not_to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(sent).to_be_focused()
    page.keyboard.press("Enter")
    expect(sent).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize(("sample", "count", "short"), [("300 bytes", 32, 126), ("70,000 bytes", 80, 127)])
def test_longer_lengths_take_more_bits_section_5_2(
    demo: str, open_page: OpenPage, sample: str, count: int, short: int
) -> None:
    page = open_page(demo)
    ask_for(page, sample)
    frames(page).filter(has_text="padding").click()
    drawn = bits(page)
    assert len(drawn) == count
    assert int(drawn[9:16], 2) == short
    assert f"{int(drawn[16:], 2):,} bytes" == sample


def test_the_list_stands_still_while_a_frame_is_looked_at(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    expect(frames(page)).to_have_count(2)
    frames(page).first.click()
    ask_for(page, "Binary")
    more = page.get_by_role("button", name="The list stands still")
    expect(more).to_contain_text("what is new")
    expect(frames(page)).to_have_count(2)
    more.click()
    expect(frames(page)).to_have_count(3)
    expect(page.locator(".detail")).to_be_visible()


def test_a_line_that_is_closed_is_followed_by_a_new_one(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    name, accept = name_of(page), page.get_by_label("The server agrees").locator("dt").last.inner_text()
    ask_for(page, "Close")
    expect(frames(page, opcode="CLOSE", **{"from": "server"})).to_contain_text("1000 You asked for it")
    expect(frames(page, opcode="CLOSE", **{"from": "page"})).to_contain_text("1000")
    expect(page.get_by_text("The line ended with code 1000 (You asked for it)")).to_be_visible()
    expect(page.get_by_text("The line is open")).to_be_visible()
    expect(page.get_by_label("The server agrees").locator("dt").last).not_to_have_text(accept)
    expect(page.locator(".my-name bdi")).to_have_text(name)
    say(page, "still here")
    expect(lines(page)).to_have_text("still here")


def test_a_server_that_returns_finds_its_visitors_again(open_page: OpenPage) -> None:
    with reserved_port() as port:
        with running_demo(port) as address:
            page = open_page(address)
            open_page.expect_refusals(address)
        expect(page.get_by_text("The line is lost")).to_be_visible()
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
        with running_demo(port):
            expect(page.get_by_text("The line is open")).to_be_visible(timeout=20_000)
            say(page, "here again")
            expect(lines(page)).to_have_text("here again")


# How it looks, and for whom it works.


def lightness(page: Page) -> float:
    """0 for a black page, 255 for a white one."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")) / 3


def test_it_is_as_dark_as_the_system_or_as_one_chooses(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo, color_scheme="dark")
    assert lightness(page) < 40
    page.get_by_role("group", name="Colours").get_by_title("Light").click()
    assert lightness(page) > 200
    page.reload()
    expect(page.get_by_text("The line is open")).to_be_visible()
    assert lightness(page) > 200
    page.get_by_role("group", name="Colours").get_by_title("As the system").click()
    assert lightness(page) < 40


def test_a_phone_shows_the_chat_or_the_line(demo: str, open_page: OpenPage) -> None:
    bob = open_page(demo)
    phone = open_page(demo, **PHONE)
    conversation(bob, phone)
    expect(phone.locator(".inspector")).to_be_hidden()
    picture(phone, "phone-chat")
    phone.get_by_role("button", name="Line").click()
    expect(phone.locator(".chat")).to_be_hidden()
    frames(phone, **{"from": "page"}).first.click()
    phone.locator(".detail").scroll_into_view_if_needed()
    picture(phone, "phone-line")
    for width in (320, 390, 768):
        phone.set_viewport_size({"width": width, "height": 844})
        assert phone.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    demo: str, open_page: OpenPage, violations: Violations, scheme: str
) -> None:
    ada = open_page(demo, color_scheme=scheme, **STILL)
    bob = open_page(demo, color_scheme=scheme, **PHONE, **STILL)
    assert violations(ada) == []
    conversation(ada, bob)
    bob.get_by_label("Your line").press_sequentially("And")
    expect(ada.locator(".typing")).not_to_be_empty()
    ada.evaluate("scrollTo(0, 0)")
    picture(ada, f"chat-{scheme}")
    frames(ada, **{"from": "page"}).filter(has_text='"say"').first.click()
    ada.get_by_role("button", name="Show the other").click()
    assert violations(ada) == []
    ada.locator(".detail").scroll_into_view_if_needed()
    picture(ada, f"frame-{scheme}")
    assert violations(bob) == []
    bob.get_by_role("button", name="Line").click()
    assert violations(bob) == []


# The name of what has the focus, and whether one sees that it has: by an outline, its own or that of its icon.
FOCUSED = """(() => {
    const it = document.activeElement;
    const outlined = [it, it.nextElementSibling].some((one) => one && getComputedStyle(one).outlineStyle !== "none");
    return [it.getAttribute("aria-label") ?? it.innerText, outlined];
})()"""


def test_the_page_can_be_walked_by_keyboard(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    visited: list[str] = []
    while not page.evaluate("document.activeElement === document.body"):
        name, outlined = page.evaluate(FOCUSED)
        visited.append(name)
        assert outlined, name
        page.keyboard.press("Tab")
    for stop in ("What was said", "Your line", "Ping", "Clear"):
        assert stop in visited
    assert any('{"type":"enter"' in stop for stop in visited)
