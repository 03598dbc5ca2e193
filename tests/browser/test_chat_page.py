"""The chat, as visitors see it: two or more pages at once, and lines that are cut."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.cable import cable
from tests.browser.crowd import crowd_says
from tests.browser.demo import running_demo
from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture
from tests.conftest import reserved_port

# Several windows draw and are judged on two cores that others use as well.
pytestmark = pytest.mark.timeout(180)

Violations = Callable[[Page], list[str]]


@pytest.fixture
def chat(demo: str) -> str:
    """Returns the address of the chat."""
    return f"{demo}chat"


@pytest.fixture
def enter(open_page: OpenPage) -> Callable[..., Page]:
    """Returns what opens the chat in a window of its own, and waits until one can write."""

    def enter(address: str, **options: object) -> Page:
        page = open_page(address, **options)
        expect(box(page)).to_be_editable()
        expect(page.locator(".beginning").first).not_to_have_text("Loading …")
        return page

    return enter


Enter = Callable[..., Page]


def box(page: Page) -> Locator:
    return page.locator(".composer textarea")


def say(page: Page, text: str) -> None:
    box(page).fill(text)
    box(page).press("Enter")
    expect(box(page)).to_have_value("")


def said(page: Page) -> Locator:
    """Messages of people, in the order in which they stand; bots may speak in between."""
    return page.locator(".said:not(.by-bot)")


def texts(page: Page) -> Locator:
    return page.locator(".said:not(.by-bot) .said-text")


def people(page: Page) -> Locator:
    return page.get_by_role("button", name="Show who")


def who(page: Page) -> Locator:
    """The list of who is here, opened."""
    if people(page).get_attribute("aria-expanded") == "false":
        people(page).click()
    return page.get_by_role("group", name="Who is here")


def name_of(page: Page) -> str:
    name = who(page).locator(".my-name").inner_text()
    people(page).click()
    return name


def go_to(page: Page, room: str) -> None:
    page.get_by_role("navigation", name="Rooms").get_by_role("button", name=re.compile(room)).click()
    expect(page.get_by_role("heading", name=room, exact=True)).to_be_visible()


def conversation(ada: Page, bob: Page) -> None:
    """Something to be seen in a picture."""
    say(ada, "Hello! Is anyone here?")
    expect(texts(bob)).to_have_count(1)
    say(bob, "Yes. I write, and you see that I am writing before it is there.")
    say(bob, "And <b>HTML</b> stays what it is: text.")
    expect(texts(ada)).to_have_count(3)
    react(ada, "HTML", "Like")
    react(ada, "Yes", "Love")
    say(ada, "Nothing gets lost when the line is cut, they say.")
    expect(texts(bob)).to_have_count(4)


def react(page: Page, text: str, sign: str) -> None:
    row = said(page).filter(has_text=text)
    row.hover()
    row.get_by_role("button", name="React").click()
    row.get_by_role("button", name=sign, exact=True).click()
    expect(row.get_by_role("button", name=f"{sign}: you")).to_be_visible()


# What one says.


def test_what_one_says_the_other_reads_as_text(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    say(ada, "<b>hello</b> <img src=x onerror=alert(1)>")
    expect(texts(bob)).to_have_text("<b>hello</b> <img src=x onerror=alert(1)>")
    assert texts(bob).locator("b, img").count() == 0
    expect(said(bob).locator("bdi")).to_have_text(name_of(ada))
    expect(said(ada).locator("bdi")).to_have_text("You")
    expect(bob.locator("[aria-live=polite]")).to_contain_text("<b>hello</b>")


def test_typing_is_shown_until_it_ends(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    expect(people(ada)).to_contain_text("2")
    box(ada).press_sequentially("hel")
    expect(bob.locator(".typing")).to_have_text(f"{name_of(ada)} is typing")
    expect(ada.locator(".typing")).to_be_empty()
    box(ada).fill("")
    expect(bob.locator(".typing")).to_be_empty()


def test_a_newcomer_sees_who_is_here_and_what_was_said(chat: str, enter: Enter) -> None:
    ada = enter(chat)
    say(ada, "first")
    say(ada, "second")
    bob = enter(chat)
    expect(texts(bob)).to_have_text(["first", "second"])
    expect(who(bob)).to_contain_text(name_of(ada))
    expect(who(ada)).to_contain_text(name_of(bob))
    expect(people(ada)).to_have_accessible_name("2 people are here. Show who")
    bob.close()
    expect(people(ada)).to_have_accessible_name("1 person is here. Show who")


def test_who_is_alone_is_answered_by_a_bot(chat: str, enter: Enter) -> None:
    ada = enter(chat)
    say(ada, "Is that a bot?")
    expect(ada.locator(".by-bot").filter(has_text="hundred lines of Python")).to_be_visible()


def test_a_name_is_changed_by_keyboard_and_kept(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    say(ada, "by my old name")
    people(ada).focus()
    ada.keyboard.press("Enter")
    who(ada).get_by_role("button", name="Rename").press("Enter")
    ada.keyboard.type("Ada Lovelace")
    ada.keyboard.press("Enter")
    expect(who(bob)).to_contain_text("Ada Lovelace")
    say(ada, "by my new name")
    expect(said(bob).last.locator("bdi")).to_have_text("Ada Lovelace")
    ada.reload()
    expect(who(ada).locator(".my-name")).to_have_text("Ada Lovelace")
    expect(said(ada).filter(has_text="by my old name").locator("bdi")).to_have_text("You")


def test_one_edits_and_takes_back_what_one_has_written(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    say(ada, "helo")
    expect(texts(bob)).to_have_text("helo")
    box(ada).press("ArrowUp")
    expect(box(ada)).to_have_value("helo")
    expect(box(ada)).to_have_accessible_name("Edit your message")
    box(ada).fill("hello")
    box(ada).press("Enter")
    for page in (ada, bob):
        expect(texts(page)).to_have_text("hello edited")
    expect(said(bob).get_by_role("button", name="Edit")).to_have_count(0)
    said(ada).hover()
    said(ada).get_by_role("button", name="Take back").click()
    expect(texts(ada)).to_have_text("You took this message back")
    expect(texts(bob)).to_have_text("This message was taken back")


def test_an_edit_that_is_given_up_changes_nothing(chat: str, enter: Enter) -> None:
    ada = enter(chat)
    say(ada, "as it is")
    expect(said(ada).locator(".delivery")).to_have_count(0)
    box(ada).press("ArrowUp")
    box(ada).fill("otherwise")
    box(ada).press("Escape")
    expect(box(ada)).to_have_value("")
    expect(texts(ada)).to_have_text("as it is")


def test_signs_are_put_and_taken_away(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    say(ada, "nice, is it not?")
    react(bob, "nice", "Like")
    seen = said(ada).locator(".reaction")
    expect(seen).to_have_accessible_name(f"Like: {name_of(bob)}")
    seen.click()
    expect(said(bob).locator(".reaction-count")).to_have_text("2")
    said(bob).locator(".reaction").click()
    expect(said(ada).locator(".reaction-count")).to_have_text("1")
    expect(said(ada).locator(".reaction")).to_have_attribute("aria-pressed", "true")
    seen.click()
    expect(said(bob).locator(".reaction")).to_have_count(0)


def test_all_of_it_can_be_done_by_keyboard(chat: str, enter: Enter) -> None:
    ada = enter(chat)
    expect(ada.locator(".by-bot")).to_have_count(1)  # the greeting
    say(ada, "one")
    say(ada, "two")
    expect(said(ada).locator(".delivery")).to_have_count(0)
    ada.locator(".conversation").focus()
    ada.keyboard.press("ArrowUp")
    while not said(ada).filter(has_text="one").evaluate("row => row === document.activeElement"):
        ada.keyboard.press("ArrowUp")
    ada.keyboard.press("Tab")
    expect(said(ada).filter(has_text="one").get_by_role("button", name="React")).to_be_focused()
    ada.keyboard.press("Enter")
    expect(said(ada).filter(has_text="one").get_by_role("button", name="Like")).to_be_focused()
    ada.keyboard.press("Tab")
    ada.keyboard.press("Enter")
    expect(said(ada).filter(has_text="one").get_by_role("button", name="Love: you")).to_be_visible()
    expect(said(ada).filter(has_text="one")).to_be_focused()


# Rooms, and what is read.


def test_what_is_new_in_other_rooms_is_counted_until_it_is_read(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    go_to(bob, "Workshop")
    say(bob, "one")
    say(bob, "two")
    workshop = ada.get_by_role("navigation", name="Rooms").get_by_role("button", name=re.compile("Workshop"))
    expect(workshop.locator(".badge")).to_have_text("2 new")
    expect(ada).to_have_title(re.compile(r"^\(\d+\) Chat"))
    go_to(ada, "Workshop")
    expect(texts(ada)).to_have_text(["one", "two"])
    expect(workshop.locator(".badge")).to_have_count(0)
    expect(said(bob).last.locator(".readers")).to_contain_text(name_of(ada))
    ada.reload()
    expect(texts(ada)).to_have_text(["one", "two"])
    expect(ada.get_by_role("heading", name="Workshop", exact=True)).to_be_visible()
    go_to(ada, "Lobby")
    expect(workshop.locator(".badge")).to_have_count(0)


def test_a_line_stands_before_what_is_new(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    go_to(ada, "Garden")
    go_to(bob, "Garden")
    say(bob, "you have read this")
    expect(said(bob).last.locator(".readers")).to_contain_text(name_of(ada))
    go_to(ada, "Lobby")
    expect(people(bob)).to_have_accessible_name("1 person is here. Show who")
    say(bob, "and this is new")
    go_to(ada, "Garden")
    expect(ada.locator("li").filter(has=ada.locator(".unread-line"))).to_contain_text("and this is new")


def test_who_scrolls_back_gets_older_pages_and_keeps_his_place(demo: str, chat: str, enter: Enter) -> None:
    lines = [f"line {number}" for number in range(160)]
    crowd_says(demo, "workshop", lines)
    ada = enter(f"{chat}#workshop")
    expect(texts(ada).last).to_have_text("line 159")
    assert texts(ada).count() == 50
    scroller = ada.locator(".conversation")
    first = texts(ada).first
    scroller.evaluate("box => box.scrollTop = 0")
    expect(first).not_to_have_text("line 110")
    # What one looked at is still in sight.
    expect(texts(ada).filter(has_text="line 110")).to_be_in_viewport()
    for _ in range(6):
        if ada.get_by_text("Here the room begins.").count():
            break
        known = texts(ada).count()
        scroller.evaluate("box => box.scrollTop = 0")
        expect(ada.get_by_text("Here the room begins.").or_(texts(ada).nth(known)).first).to_be_attached()
    expect(texts(ada)).to_have_text(lines)


def test_who_looks_back_is_told_of_what_is_new_and_taken_there(demo: str, chat: str, enter: Enter) -> None:
    crowd_says(demo, "workshop", [f"line {number}" for number in range(40)])
    ada, bob = enter(f"{chat}#workshop"), enter(f"{chat}#workshop")
    expect(texts(ada)).to_have_count(40)
    ada.locator(".conversation").evaluate("box => box.scrollTop = 0")
    say(bob, "one more")
    pill = ada.get_by_role("button", name="One new message")
    expect(pill).to_be_visible()
    expect(texts(ada).filter(has_text="one more")).not_to_be_in_viewport()
    pill.click()
    expect(texts(ada).filter(has_text="one more")).to_be_in_viewport()
    expect(pill).to_have_count(0)


# Who is too much.


def test_who_is_too_fast_is_told_so_and_all_of_it_arrives_once(chat: str, enter: Enter) -> None:
    ada, bob = enter(chat), enter(chat)
    # In one go: what one may say comes back with time, and a busy machine presses keys slowly.
    box(ada).evaluate(
        "box => { for (let n = 0; n < 10; n++) { box.value = `line ${n}`; box.form.requestSubmit(); } }"
    )
    expect(ada.get_by_text("Not so fast")).to_be_visible()
    expect(texts(bob)).to_have_text([f"line {number}" for number in range(10)])
    expect(texts(ada)).to_have_text([f"line {number}" for number in range(10)])


def test_the_first_in_a_room_may_mute_others(chat: str, enter: Enter) -> None:
    ada = enter(chat)
    bob = enter(chat)
    name = name_of(bob)
    expect(who(bob).get_by_role("button", name=re.compile("^Mute"))).to_have_count(0)
    who(ada).get_by_role("button", name=f"Mute {name}").click()
    expect(bob.locator(".hint")).to_contain_text("has muted you here")
    expect(box(bob)).not_to_be_editable()
    expect(bob.locator(".happened")).to_contain_text("muted you for a minute")
    expect(ada.locator(".happened")).to_contain_text(f"You muted {name} for a minute")
    who(ada).get_by_role("button", name=f"Unmute {name}").click()
    expect(box(bob)).to_be_editable()
    say(bob, "thank you")
    expect(texts(ada)).to_have_text("thank you")


# The line is cut.


def test_what_is_written_while_the_line_is_cut_goes_out_once(
    demo: str, chat: str, enter: Enter, open_page: OpenPage
) -> None:
    ada, bob = enter(chat, **STILL), enter(chat)
    say(ada, "before")
    expect(texts(bob)).to_have_text("before")
    open_page.expect_cuts(demo)
    cut(ada)
    for text in ("one, while it is cut", "two, while it is cut"):
        say(ada, text)
    expect(said(ada).locator(".delivery")).to_have_text(["Waits for the line"] * 2)
    expect(ada.locator(".banner")).to_contain_text("What you wrote waits (2)")
    for text in ("meanwhile, one", "meanwhile, two"):
        say(bob, text)
    picture(ada, "chat-cut")
    comes_back(ada)
    both = ["before", "meanwhile, one", "meanwhile, two", "one, while it is cut", "two, while it is cut"]
    for page in (ada, bob):
        expect(texts(page)).to_have_text(both)
    expect(ada.locator(".banner")).to_contain_text("messages that you missed are here")
    expect(said(ada).locator(".delivery")).to_have_count(0)
    picture(ada, "chat-back")


def test_a_message_whose_answer_was_lost_with_the_line_comes_once(
    demo: str, chat: str, enter: Enter, open_page: OpenPage
) -> None:
    with cable(demo) as laid:
        bob = enter(chat)
        ada = enter(f"{laid.address}chat")
        open_page.expect_cuts(laid.address)
        expect(people(ada)).to_contain_text("2")
        laid.hold()
        say(ada, "Did you get this?")
        expect(texts(bob)).to_have_text("Did you get this?")
        expect(said(ada).locator(".delivery")).to_have_text("Sending …")
        laid.cut()
        expect(said(ada).locator(".delivery")).to_have_count(0, timeout=20_000)
        say(bob, "Yes, once.")
        for page in (ada, bob, enter(chat)):
            expect(texts(page)).to_have_text(["Did you get this?", "Yes, once."])
        ada.close()


def test_a_server_that_has_forgotten_all_finds_its_visitors_again(enter: Enter, open_page: OpenPage) -> None:
    with reserved_port() as port:
        with running_demo(port) as address:
            page = enter(f"{address}chat")
            say(page, "before")
            expect(said(page).locator(".delivery")).to_have_count(0)
            open_page.expect_refusals(address)
        expect(page.get_by_text("The line is lost")).to_be_visible()
        say(page, "written while it was away")
        with running_demo(port):
            # It signs its cookies by another key: whoever it knew is a stranger, until he loads the page anew.
            comes_back(page)
            expect(texts(page)).to_have_text("written while it was away")


# How it looks, and for whom it works.


def test_a_phone_has_the_rooms_in_a_drawer(chat: str, enter: Enter) -> None:
    ada, phone = enter(chat), enter(chat, **PHONE)
    conversation(ada, phone)
    expect(phone.get_by_role("navigation", name="Rooms")).to_be_hidden()
    picture(phone, "chat-phone")
    go_to(ada, "Garden")
    say(ada, "over here")
    phone.get_by_role("button", name="Rooms").tap()
    drawer = phone.get_by_role("dialog", name="Rooms")
    expect(drawer).to_be_visible()
    picture(phone, "chat-phone-rooms")
    drawer.get_by_role("button", name=re.compile("Garden")).tap()
    expect(drawer).to_be_hidden()
    expect(texts(phone)).to_have_text("over here")
    said(phone).first.tap()
    expect(said(phone).first.get_by_role("button", name="React")).to_be_visible()
    assert overflows(phone, 320, 360, 390, 768) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(
    chat: str, enter: Enter, violations: Violations, scheme: str
) -> None:
    ada = enter(chat, color_scheme=scheme, **STILL)
    phone = enter(chat, color_scheme=scheme, **PHONE, **STILL)
    assert violations(ada) == []
    conversation(ada, phone)
    box(phone).press_sequentially("And")
    expect(ada.locator(".typing")).not_to_be_empty()
    ada.evaluate("scrollTo(0, 0)")
    picture(ada, f"chat-{scheme}")
    who(ada)
    assert violations(ada) == []
    picture(ada, f"chat-people-{scheme}")
    assert violations(phone) == []
    picture(phone, f"chat-phone-{scheme}")
    phone.get_by_role("button", name="Rooms").tap()
    assert violations(phone) == []
