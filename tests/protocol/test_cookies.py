"""Cookies: found among others, and read in time that their bytes bound."""

from __future__ import annotations

import pytest

from openline.protocol.cookies import cookie_values


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ([], []),
        ([""], []),
        (["a=1"], ["1"]),
        (["b=2; a=1; c=3"], ["1"]),
        (["b=2;a=1;c=3"], ["1"]),
        ([" a = 1 "], ["1"]),
        (["a=1=2"], ["1=2"]),
        (['a="1"'], ['"1"']),
        (["a=1; a=2", "a=3"], ["1", "2", "3"]),
        (["a", "=1", ";;", "aa=1", "A=1"], []),
        (["a="], [""]),
    ],
)
def test_a_cookie_is_found_by_its_name(fields: list[str], values: list[str]) -> None:
    assert cookie_values(fields, "a") == values


def test_what_takes_the_standard_library_seconds_is_a_value_like_any_other() -> None:
    # Longer than any header may be: read in quadratic time, it would take minutes, and fail by the tests' timeout.
    value = '"' + "\\\\" * 100_000 + '"'
    assert cookie_values([f"a={value}"], "a") == [value]
