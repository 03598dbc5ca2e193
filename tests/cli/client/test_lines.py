"""The standard input, line by line."""

from __future__ import annotations

import asyncio
import os

import pytest

from openline.cli.client.lines import READ_AHEAD, Unsendable, read_lines
from tests.cli.peers import peer
from tests.cli.terminal import run


def test_line_ends_of_windows_are_no_part_of_the_message() -> None:
    with peer(lambda ws: ws.send(repr(ws.recv()))) as url:
        result = run("connect", "-1", url, stdin=b"hi\r\n")
    assert result.stdout.decode() == "'hi'\n"


def test_a_last_line_without_its_end_is_sent() -> None:
    with peer() as url:
        assert run("connect", "-1", url, stdin=b"hi").stdout == b"hi\n"


def test_input_that_is_no_utf_8_is_named_with_its_line() -> None:
    with peer() as url:
        result = run("connect", url, stdin=b"hi\n\xff\n")
    assert "error: line 2 of the input is not UTF-8; --binary sends it as it is" in result.stderr.decode()
    assert result.returncode == 1


def test_a_line_over_max_size_is_refused_before_it_is_stored() -> None:
    with peer() as url:
        result = run("connect", "--max-size", "10", url, stdin=b"x" * 1000)
    assert "longer than 10 bytes" in result.stderr.decode()
    assert result.returncode == 1


async def collect(data: bytes, limit: int | None = None) -> list[bytes]:
    """What `read_lines` makes of a pipe that holds this."""
    reading, writing = os.pipe()
    feeding = asyncio.create_task(asyncio.to_thread(feed, writing, data))
    try:
        return [line async for line in read_lines(reading, limit)]
    finally:
        await feeding
        os.close(reading)


def feed(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


async def test_ends_of_lines_are_left_out_wherever_a_read_cuts_them() -> None:
    assert await collect(b"") == []
    assert await collect(b"\n\r\n\n") == [b"", b"", b""]
    assert await collect(b"one\r\ntwo\rthree\n\r") == [b"one", b"two\rthree", b"\r"]
    long = b"x" * 200_000
    assert await collect(long + b"\r\n" + long) == [long, long]


async def test_more_lines_than_are_read_ahead_come_in_order() -> None:
    wanted = [b"%d" % number for number in range(10 * READ_AHEAD)]
    assert await collect(b"\n".join(wanted)) == wanted


async def test_the_limit_holds_for_lines_that_end_and_for_those_that_do_not() -> None:
    assert await collect(b"12345\n12345", 5) == [b"12345", b"12345"]
    for data in (b"123456\n", b"123456"):
        with pytest.raises(Unsendable, match="longer than 5 bytes"):
            await collect(data, 5)
