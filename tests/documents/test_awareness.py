"""Who is here."""

from __future__ import annotations

from collections.abc import Hashable

from openline.documents.awareness import Awareness
from openline.documents.messages import AwarenessEntry
from openline.testing import FakeClock


def made(most: int = 2) -> Awareness:
    return Awareness(most, lambda before, now: str(before)[0] == str(now)[0])


def said(client: int, clock: int, state: bytes = b"{}") -> list[AwarenessEntry]:
    return [AwarenessEntry(client, clock, state)]


def gone(client: int, clock: int) -> list[AwarenessEntry]:
    return said(client, clock, b"null")


def test_what_is_newer_is_news() -> None:
    people = made()
    assert people.hear("a", said(1, 1)).news == said(1, 1)
    assert people.hear("a", said(1, 1)).news == []
    assert people.hear("a", said(1, 3, b"[]")).news == said(1, 3, b"[]")
    assert people.hear("a", said(1, 2)).news == []
    assert people.entries() == said(1, 3, b"[]")


def test_what_is_known_is_told_apart_before_it_is_looked_at() -> None:
    people = made()
    people.hear("a", said(1, 3))
    assert all(people.is_known(*one) for one in (said(1, 3), said(1, 2), gone(1, 2), gone(2, 9)))
    assert not any(people.is_known(*one) for one in (said(1, 4), gone(1, 3), said(2, 1)))


def test_it_belongs_to_who_said_it_first() -> None:
    people = made()
    people.hear("a", said(1, 5))
    heard = people.hear("b", said(1, 6) + gone(1, 7))
    assert (heard.news, heard.refused) == ([], 2)
    assert people.hear("b", said(1, 5) + gone(1, 5)).refused == 0, "what providers repeat is no theft"
    assert people.entries() == said(1, 5)


def test_who_comes_back_has_his_own_again() -> None:
    people = made()
    people.hear("a1", said(1, 5))
    assert people.hear("a2", gone(1, 6)).refused == 1, "but the old line does not end it"
    assert people.hear("a2", said(1, 6)).news == said(1, 6)
    assert people.remove("a1") == []
    assert people.remove("a2") == gone(1, 6)
    assert len(people) == 0


def test_one_has_no_more_than_he_may() -> None:
    people = made()
    heard = people.hear("a", said(1, 1) + said(2, 1) + said(3, 1))
    assert (len(heard.news), heard.refused) == (2, 1)
    people.hear("a", gone(1, 1))
    assert people.hear("a", said(3, 1)).news == said(3, 1)


def test_who_goes_takes_his_entries_along() -> None:
    people = made()
    people.hear("a", said(1, 4) + said(2, 7))
    people.hear("b", said(3, 1))
    assert people.remove("a") == gone(1, 4) + gone(2, 7)
    assert people.remove("a") == []
    assert people.entries() == said(3, 1)


def test_whose_clock_stands_still_is_told_to_say_it_again() -> None:
    people = made()
    people.hear("a", said(1, 4))
    people.remove("a")
    heard = people.hear("b", said(1, 4))
    # A client that is told that it is gone says the contrary, with the next clock.
    assert (heard.news, heard.stale) == ([], gone(1, 4))
    assert people.hear("b", said(1, 5)).news == said(1, 5)
    assert people.hear("b", gone(9, 1)).news == []


def test_the_clocks_of_those_who_left_are_not_kept_for_ever() -> None:
    people = made()
    for client in range(5000):
        people.hear("a", said(client, 1))
        people.remove("a")
    assert len(people._gone) == 1000


def test_what_is_not_renewed_fades() -> None:
    clock = FakeClock()
    people = Awareness(5, lambda before, now: False, clock=clock)
    people.hear("node/1", said(1, 1))
    people.hear(object(), said(2, 1))
    clock.advance(30.0)
    people.hear("node/3", said(3, 1))
    clock.advance(20.0)

    def is_remote(owner: Hashable) -> bool:
        return isinstance(owner, str)

    assert people.remove_old(is_remote, 45.0) == gone(1, 1)
    assert people.entries(is_remote) == said(3, 1)
