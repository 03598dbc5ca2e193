"""Mutes: who may not speak, and who may say so."""

from __future__ import annotations

import msgspec

from openline.hub import ClientInfo
from openline.playground.pages import chat_mutes
from openline.playground.pages.chat_mutes import MAX_MUTES, Mutes, first_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_mute_ends_by_itself() -> None:
    clock = Clock()
    mutes = Mutes(clock)
    assert mutes.mute("lobby", "bob", 60) == 1_060_000
    assert mutes.left("lobby", "bob") == 60
    assert mutes.left("garden", "bob") == 0
    assert mutes.left("lobby", "ada") == 0
    clock.now += 59.5
    assert mutes.left("lobby", "bob") == 1
    clock.now += 0.5
    assert mutes.left("lobby", "bob") == 0


def test_a_mute_of_no_time_ends_one() -> None:
    mutes = Mutes(Clock())
    mutes.mute("lobby", "bob", 60)
    assert mutes.mute("lobby", "bob", 0) == 1_000_000
    assert mutes.left("lobby", "bob") == 0


def test_mutes_are_bounded_and_those_that_are_over_go_first() -> None:
    clock = Clock()
    mutes = Mutes(clock)
    mutes.mute("lobby", "patient", 600)
    for number in range(MAX_MUTES - 1):
        mutes.mute("lobby", f"user{number}", 1)
    clock.now += 2
    mutes.mute("lobby", "next", 60)
    assert mutes.left("lobby", "patient")
    for number in range(MAX_MUTES - 1):
        mutes.mute("lobby", f"user{number}", 60)
    assert not mutes.left("lobby", "patient"), "the one that was muted first makes room"
    assert mutes.left("lobby", "next")


def present(user: str, client: str, since: int | None) -> ClientInfo:
    info = None if since is None else msgspec.Raw(msgspec.json.encode(chat_mutes.Presence(since)))
    return ClientInfo(user=user, client=client, chan_info=info)


def test_the_first_is_who_has_been_here_for_longest() -> None:
    assert first_of({}) is None
    ada, bob, eve = present("ada", "c", 20), present("bob", "b", 10), present("eve", "a", None)
    assert first_of({"c": ada, "b": bob, "a": eve}) == "bob"
    assert first_of({"a": eve}) == "eve"
    # Two who came in the same instant: by the client's id, for all to reckon alike.
    assert first_of({"c": ada, "d": present("zoe", "d", 20)}) == "ada"
