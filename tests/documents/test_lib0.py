"""Numbers and bytes as lib0 writes them."""

from __future__ import annotations

import pytest

from openline.documents.lib0 import (
    MAX_SAFE_INTEGER,
    Malformed,
    read_bytes,
    read_number,
    write_bytes,
    write_number,
)


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2**32, 2**49 - 1, 2**49, MAX_SAFE_INTEGER])
def test_numbers_are_read_as_they_were_written(number: int) -> None:
    data = b"x" + write_number(number)
    assert read_number(data, 1) == (number, len(data))


def test_numbers_are_written_as_javascript_does() -> None:
    assert write_number(300) == b"\xac\x02"


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 7])
def test_a_number_that_does_not_end_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="does not end"):
        read_number(data, 0)


@pytest.mark.parametrize("data", [write_number(MAX_SAFE_INTEGER + 1), write_number(2**63), b"\xff" * 1000])
def test_a_number_that_javascript_cannot_hold_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="too large"):
        read_number(data, 0)


def test_bytes_are_read_as_they_were_written() -> None:
    data = write_bytes(b"a" * 200) + b"rest"
    assert read_bytes(data, 0) == (b"a" * 200, len(data) - 4)


def test_bytes_that_are_only_announced_are_malformed() -> None:
    with pytest.raises(Malformed, match="announced"):
        read_bytes(write_number(2**40) + b"a", 0)
