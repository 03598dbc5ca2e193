"""Which Host and Origin are the playground's own."""

from __future__ import annotations

import socket

import pytest

from openline.playground.own_host import host_checker, same_origin


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LOCALHOST:8000",
        "play.localhost:8000",
        "127.0.0.1:8000",
        "192.168.1.7:8000",
        "[::1]:8000",
        socket.gethostname(),
    ],
)
def test_an_address_and_a_name_of_this_machine_are_its_own(host: str) -> None:
    assert host_checker()(host)


@pytest.mark.parametrize(
    "host",
    ["", "example.com", "example.com:8000", "127.0.0.1.example.com", "localhost.example.com", "[::1", "a b"],
)
def test_any_other_name_may_be_a_rebound_one(host: str) -> None:
    assert not host_checker()(host)


def test_a_name_that_was_given_counts_as_own() -> None:
    assert host_checker(("Play.example.com",))("play.example.com:443")


@pytest.mark.parametrize(
    "origin", [None, "http://localhost:8000", "https://localhost:8000", "HTTP://LOCALHOST:8000"]
)
def test_own_pages_and_programs_may_open_a_line_section_10_2(origin: str | None) -> None:
    assert same_origin(origin, "localhost:8000")


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://localhost", "http://localhost:8001", "http://evil.example", "file://localhost:8000"],
)
def test_foreign_pages_may_not_section_10_2(origin: str) -> None:
    assert not same_origin(origin, "localhost:8000")
