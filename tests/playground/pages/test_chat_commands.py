"""The chat's commands: what is read, and what is made of text."""

from __future__ import annotations

import pytest

from openline.hub import Refused
from openline.playground.pages.chat_commands import (
    MAX_ROWS,
    MAX_TEXT,
    Edit,
    Message,
    Read,
    Typing,
    action_of,
    clean,
    notice_of,
)


def test_commands_are_read() -> None:
    assert action_of({"type": "message", "key": "12345678", "text": " hello "}) == Message(
        "12345678", "hello"
    )
    assert action_of({"type": "edit", "key": "12345678", "of": "abcdefgh", "text": ""}) == Edit(
        "12345678", "abcdefgh", ""
    )
    assert notice_of({"type": "typing", "on": False}) == Typing(on=False)
    assert notice_of({"type": "read", "at": 5}) == Read(5)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"\x00",
        {"type": "typing", "on": True},
        {"type": "message", "key": "12345678", "text": "x", "by": "somebody else"},
        {"type": "mute", "key": "12345678", "user": "x", "minutes": -1},
        {"type": "mute", "key": "12345678", "user": "x", "minutes": True},
    ],
    ids=repr,
)
def test_what_is_no_action_is_refused(data: object) -> None:
    with pytest.raises(Refused) as refusal:
        action_of(data)
    assert refusal.value.code == 400


@pytest.mark.parametrize("data", [[], {"type": "read", "at": -1}, {"type": "read", "at": 1.5}], ids=repr)
def test_what_is_no_notice_is_refused(data: object) -> None:
    with pytest.raises(Refused):
        notice_of(data)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  two   spaces ", "two spaces"),
        ("two\nrows", "two\nrows"),
        ("a\tb\u2028c", "a b\u2028c".replace("\u2028", " ")),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("bell\x07 and null\x00", "bell and null"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("turned \u202egnorw", "turned gnorw"),
        ("a\u0301\u0301\u0301\u0301", "\u00e1\u0301\u0301"),
        ("e\u0301", "\u00e9"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
        (" \n ", ""),
    ],
    ids=repr,
)
def test_text_is_made_fit_to_be_shown(said: str, shown: str) -> None:
    assert clean(said) == shown


def test_text_is_bounded() -> None:
    assert clean("x" * (MAX_TEXT + 1)) == "x" * MAX_TEXT
    assert clean("x\n" * 2 * MAX_ROWS).count("\n") == MAX_ROWS - 1
