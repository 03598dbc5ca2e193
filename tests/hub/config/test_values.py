"""Values against the types of options."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from openline.hub.config.values import checked, describe, from_text

ORIGINS = Sequence[str | re.Pattern[str] | None] | None
CHOICE = Literal["a", "b"]


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        (True, bool, True),
        (5, int, 5),
        (5, float, 5.0),
        (0.5, float | None, 0.5),
        ("x", str | None, "x"),
        ("a", CHOICE, "a"),
        (7, int | None, 7),
    ],
)
def test_a_value_of_the_right_type(value: object, kind: Any, result: object) -> None:
    assert checked(value, kind) == result
    assert type(checked(value, kind)) is type(result)


@pytest.mark.parametrize(
    ("value", "kind", "complaint"),
    [
        (1, bool, "must be true or false, not a whole number"),
        ("true", bool, "must be true or false, not this string"),
        (True, int, "must be a whole number, not true or false"),
        (1.0, int, "must be a whole number, not this number"),
        (True, float, "must be a number, not true or false"),
        (float("nan"), float, "must be a number, not this number"),
        ("5", float | None, "must be a number, not this string"),
        (5, str, "must be a string, not a whole number"),
        ([], str, "must be a string, not this list"),
        ({}, str, "must be a string, not a table"),
        (datetime.date(2026, 1, 1), str, "must be a string, not a date or time"),
        ("c", CHOICE, "must be one of 'a', 'b', not this string"),
        (1, CHOICE, "must be one of 'a', 'b', not a whole number"),
        ("x", ORIGINS, "must be a list of strings, not this string"),
        ([1], ORIGINS, "must be a list of strings, not this list"),
    ],
)
def test_a_value_of_a_wrong_type_is_named_but_not_shown(value: object, kind: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(complaint)}$"):
        checked(value, kind)


@pytest.mark.parametrize(
    ("text", "kind", "result"),
    [
        ("true", bool, True),
        (" Off ", bool, False),
        ("1", bool, True),
        ("5", int, 5),
        ("0.5", float, 0.5),
        ("5", float | None, 5.0),
        (" x ", str, " x "),
        ("b", CHOICE, "b"),
        ("https://a.example, https://b.example/,", ORIGINS, ("https://a.example", "https://b.example", None)),
        ("", ORIGINS, (None,)),
    ],
)
def test_a_variable_of_the_environment(text: str, kind: Any, result: object) -> None:
    assert from_text(text, kind) == result


@pytest.mark.parametrize(
    ("text", "kind"), [("maybe", bool), ("", int), ("0x5", int), ("five", float), ("c", CHOICE)]
)
def test_a_variable_of_a_wrong_type(text: str, kind: Any) -> None:
    with pytest.raises(ValueError, match=r"must be .*, not this string"):
        from_text(text, kind)


def test_a_star_in_an_origin_stands_for_a_part_of_the_host_or_port() -> None:
    pattern, port, everything, none = checked(["https://*.a.example", "http://localhost:*", "*"], ORIGINS)
    assert pattern.fullmatch("https://x.y.a.example")
    assert not pattern.fullmatch("https://a.example")
    assert not pattern.fullmatch("https://x.a.example.evil.example")
    assert not pattern.fullmatch("https://evil.example/x.a.example")
    assert not pattern.fullmatch("https://xxa.example")
    assert port.fullmatch("http://localhost:5173")
    assert everything.fullmatch("null")
    assert none is None


def test_every_type_has_words() -> None:
    assert describe(int | None) == "a whole number"
    assert describe(ORIGINS) == "a list of strings"
    assert describe(CHOICE) == "one of 'a', 'b'"
