"""Visitors: cookies that nobody else can make, and names that are fit to be shown."""

from __future__ import annotations

import pytest

from openline.hub.stores.memory import MemoryStore
from openline.playground.visitors import MAX_NAME, NAMELESS, Visitors, person_of, visitors_of
from openline.protocol.headers import Headers

VISITORS = Visitors(b"key")


def cookie_of(visitors: Visitors) -> str:
    return visitors.new_cookie(secure=False).partition(";")[0]


def test_a_cookie_names_its_visitor_among_others() -> None:
    one, other = cookie_of(VISITORS), cookie_of(VISITORS)
    user = VISITORS.user_of(Headers([("Cookie", f"theme=dark; {one}; x=y")]))
    assert user is not None
    assert user == VISITORS.user_of({"Cookie": one})
    assert user != VISITORS.user_of({"Cookie": other})


@pytest.mark.parametrize(
    "cookie", ["", "visitor=", "visitor=me", "visitor=me.", "visitor=.", "visitor=é.é", "a;=b"]
)
def test_what_we_did_not_sign_is_nobody(cookie: str) -> None:
    assert VISITORS.user_of({"Cookie": cookie}) is None


def test_a_changed_cookie_is_nobody() -> None:
    cookie = cookie_of(VISITORS)
    assert VISITORS.user_of({"Cookie": cookie.replace("visitor=", "visitor=0")}) is None
    assert Visitors(b"other key").user_of({"Cookie": cookie}) is None


def test_a_long_cookie_takes_no_longer_than_others() -> None:
    # The standard library's reader takes minutes for it (CVE-2024-7592), and this test fails by its timeout.
    assert VISITORS.user_of({"Cookie": 'visitor="' + "\\\\" * 100_000 + '"'}) is None


def test_two_cookie_headers_are_nobody() -> None:
    cookie = cookie_of(VISITORS)
    assert VISITORS.user_of(Headers([("Cookie", cookie), ("Cookie", cookie)])) is None


def test_over_tls_the_cookie_stays_there() -> None:
    assert "; Secure" in VISITORS.new_cookie(secure=True)
    assert "; HttpOnly; SameSite=Lax" in VISITORS.new_cookie(secure=False)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("A\u202eda\x00", "A da"),
        ("\ud800", NAMELESS),
        ("", NAMELESS),
        (7, NAMELESS),
        ("x" * 1000, "x" * MAX_NAME),
    ],
)
def test_a_name_is_one_legible_line(said: object, name: str) -> None:
    assert person_of({"name": said})["name"] == name


@pytest.mark.parametrize(("said", "color"), [(7, 7), (8, 0), (-1, 0), (True, 0), ("1", 0), (1.0, 0)])
def test_a_color_is_one_of_the_tints(said: object, color: int) -> None:
    assert person_of({"color": said})["color"] == color


@pytest.mark.parametrize("said", [None, [], "Ada", 7])
def test_who_says_nothing_of_himself_is_a_guest(said: object) -> None:
    assert person_of(said) == {"name": NAMELESS, "color": 0}


async def test_the_key_is_made_once_for_a_store() -> None:
    store = MemoryStore()
    await store.start()
    first, second = await visitors_of(store), await visitors_of(store)
    assert second.user_of({"Cookie": cookie_of(first)}) is not None
    await store.close()
