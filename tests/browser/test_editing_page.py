"""The shared document, as visitors see it: two windows that type at once, lines that are cut, and versions."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import PHONE, STILL, OpenPage, comes_back, cut, overflows, picture

# Several windows draw and are judged on two cores that others use as well.
pytestmark = pytest.mark.timeout(180)

Violations = Callable[[Page], list[str]]
Enter = Callable[..., Page]


@pytest.fixture
def enter(demo: str, open_page: OpenPage) -> Enter:
    """Returns what opens the document in a window of its own, and waits until it is there."""

    def enter(query: str = "", **options: object) -> Page:
        page = open_page(f"{demo}editing{query}", **options)
        expect(paper(page)).to_contain_text("Field notes")
        return page

    return enter


def paper(page: Page) -> Locator:
    return page.locator(".cm-content")


def text_of(page: Page) -> str:
    """What is written, without the names at the cursors."""
    lines = page.locator(".cm-line").evaluate_all(
        """(lines) => lines.map((line) => {
            const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            let written = "";
            while (texts.nextNode())
                if (!texts.currentNode.parentElement.closest(".their-caret, .cm-placeholder"))
                    written += texts.currentNode.data;
            return written;
        })"""
    )
    return "\n".join(lines)


def type_at(page: Page, key: str, text: str, delay: float = 0) -> None:
    """Type at the begin (Home) or the end (End) of the document."""
    paper(page).focus()
    page.keyboard.press(f"Control+{key}")
    page.keyboard.type(text, delay=delay)


def agree(one: Page, two: Page) -> str:
    """Wait until both windows show the same; returns it."""
    for _ in range(100):
        here, there = text_of(one), text_of(two)
        if here == there:
            return here
        one.wait_for_timeout(50)
    raise AssertionError(f"{here!r} is not {there!r}")


def status(page: Page) -> Locator:
    return page.locator(".doc-status")


def versions(page: Page) -> Locator:
    return page.locator(".version")


def save(page: Page, label: str) -> None:
    page.get_by_label("Name of the version").fill(label)
    page.get_by_role("button", name="Save a version").click()
    expect(versions(page).first).to_contain_text(label)


def test_two_windows_type_at_once(enter: Enter, violations: Violations) -> None:
    one, two = enter(), enter()
    expect(one.locator(".doc-people li")).to_have_count(2)
    for turn in range(6):
        type_at(one, "Home", f"{turn}")
        type_at(two, "End", f"{turn}")
    text = agree(one, two)
    assert text.endswith("012345")
    assert sorted(re.match(r"\d*", text)[0]) == list("012345")  # type: ignore[index]
    expect(status(one)).to_have_text("Saved")
    # The cursor of the window that types stands in the other one, with its name.
    two.bring_to_front()
    type_at(two, "Home", "")
    two.keyboard.press("Shift+ArrowDown")
    expect(one.locator(".their-caret")).to_have_count(1)
    expect(one.locator(".their-selection").first).to_be_attached()
    assert one.locator(".their-name").inner_text()
    picture(one, "editing")
    assert violations(one) == []
    two.context.close()
    expect(one.locator(".their-caret")).to_have_count(0)
    expect(one.locator(".doc-people li")).to_have_count(1)


def test_what_is_typed_while_the_line_is_cut_merges(demo: str, enter: Enter, open_page: OpenPage) -> None:
    open_page.expect_cuts(demo)
    one, two = enter(), enter()
    cut(one)
    type_at(one, "End", "mine", delay=20)
    type_at(two, "Home", "theirs ", delay=20)
    expect(status(one)).to_have_text(re.compile(r"^\d+ edits waiting for the line$"))
    expect(status(two)).to_have_text("Saved")
    assert "mine" not in text_of(two)
    picture(one, "editing-offline")
    comes_back(one)
    text = agree(one, two)
    assert text.startswith("theirs ")
    assert text.endswith("mine")
    expect(one.locator(".doc-merge")).to_contain_text(
        "of yours went up, and 7 characters of others came down"
    )
    expect(status(one)).to_have_text("Saved")
    picture(one, "editing-merged")
    # Undo takes back what was typed here, and nothing of the others.
    paper(one).focus()
    one.keyboard.press("Control+z")
    assert agree(one, two).startswith("theirs ")
    assert "mine" not in agree(one, two)


def test_a_version_is_restored_before_the_others_eyes(enter: Enter) -> None:
    one, two = enter(), enter()
    before = text_of(one)
    save(one, "As it was")
    expect(versions(two)).to_have_count(1)
    paper(two).focus()
    two.keyboard.press("Control+a")
    two.keyboard.press(
        "Delete"
    )  # Chromium, typing over a styled selection, tries styles that are forbidden here
    two.keyboard.type("spoilt")
    assert agree(one, two) == "spoilt"
    versions(one).first.get_by_role("button", name="Restore").click()
    expect(one.get_by_text("Version 1 is back.")).to_be_visible()
    assert agree(one, two) == before
    expect(versions(two)).to_have_count(2)
    expect(versions(two).first).to_contain_text("Before version 1")
    picture(two, "editing-versions")


def test_who_only_reads_sees_it_and_cannot_write(enter: Enter, violations: Violations) -> None:
    writer, reader = enter(), enter("?view=read")
    expect(status(reader)).to_have_text("Read only")
    expect(paper(reader)).to_have_attribute("contenteditable", "false")
    type_at(writer, "Home", "new ")
    assert agree(writer, reader).startswith("new # Field notes")
    expect(reader.get_by_role("button", name="Save a version")).to_have_count(0)
    assert violations(reader) == []


def test_it_fits_a_phone_and_the_dark(enter: Enter, violations: Violations) -> None:
    phone = enter(**PHONE, **STILL, color_scheme="dark")
    other = enter()
    other.bring_to_front()
    type_at(other, "End", " hello")
    expect(paper(phone)).to_contain_text("hello")
    picture(phone, "editing-phone", whole=True)
    assert violations(phone) == []
    dark = enter(color_scheme="dark")
    save(dark, "In the dark")
    picture(dark, "editing-dark")
    assert violations(dark) == []
    assert overflows(other) == []
