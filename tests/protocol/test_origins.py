"""Origins: one of a list, and the host's own."""

from __future__ import annotations

import re

import pytest

from openline.protocol.origins import is_listed, is_same_origin


def test_an_origin_is_listed_as_a_string_a_whole_pattern_or_none_section_10_2() -> None:
    origins = ["https://a.example", re.compile(r"https://\w+\.b\.example")]
    assert is_listed("https://a.example", origins)
    assert is_listed("https://x.b.example", origins)
    assert not is_listed("https://x.b.example.evil.example", origins)
    assert not is_listed("https://c.example", origins)
    assert not is_listed(None, origins)
    assert is_listed(None, [*origins, None])
    assert not is_listed("https://a.example", [])


@pytest.mark.parametrize(
    "origin", [None, "http://localhost:8000", "https://localhost:8000", "HTTP://LOCALHOST:8000"]
)
def test_own_pages_and_programs_may_connect_section_10_2(origin: str | None) -> None:
    assert is_same_origin(origin, "localhost:8000")


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://localhost", "http://localhost:8001", "http://evil.example", "file://localhost:8000"],
)
def test_foreign_pages_may_not_section_10_2(origin: str) -> None:
    assert not is_same_origin(origin, "localhost:8000")
