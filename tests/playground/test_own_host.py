"""Which Host is the playground's own."""

from __future__ import annotations

import socket

import pytest

from openline.playground.own_host import host_checker, is_beside


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


def test_a_page_is_beside_only_on_the_same_host() -> None:
    assert is_beside("https://example.org", "example.org:1", 443)
    assert is_beside("http://[::1]:8000", "[::1]:1", 8000)
    assert not is_beside("http://[::1]:8000", "localhost:1", 8000)
    assert not is_beside("http://[", "localhost:1", 8000)
    assert not is_beside("null", "localhost:1", 8000)
