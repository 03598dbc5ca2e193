"""Who may do what."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from openline.hub.codes import Refused
from openline.hub.namespace import Access, ChannelOptions
from openline.hub.permissions import check_access, may_subscribe


def client(user: str = "", *channels: str, insecure: bool = False) -> Any:
    hub = SimpleNamespace(options=SimpleNamespace(insecure=insecure))
    return SimpleNamespace(user=user, subscriptions=dict.fromkeys(channels), hub=hub)


@pytest.mark.parametrize(
    ("access", "anonymous", "signed_in"),
    [("nobody", False, False), ("users", False, True), ("anyone", True, True)],
)
def test_who_may_subscribe(access: Access, anonymous: bool, signed_in: bool) -> None:
    options = ChannelOptions(subscribe=access)
    assert may_subscribe(client(), "a", options) is anonymous
    assert may_subscribe(client("42"), "a", options) is signed_in
    assert may_subscribe(client(insecure=True), "a", options)


def test_such_a_name_opens_nothing_in_a_namespace_that_is_closed() -> None:
    assert not may_subscribe(client("42"), "d#42,43", ChannelOptions(subscribe="nobody"))


@pytest.mark.parametrize("access", ["users", "anyone"])
def test_a_name_with_users_in_it_is_theirs_alone(access: Access) -> None:
    options = ChannelOptions(subscribe=access)
    assert may_subscribe(client("42"), "d#42,43", options)
    assert not may_subscribe(client("4"), "d#42,43", options)
    assert not may_subscribe(client(""), "d#", options), "an empty name in the list is nobody's"
    assert not may_subscribe(client(""), "d#42,", options)


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        ("nobody", []),
        ("users", ["member"]),
        ("subscribers", ["member", "anonymous member"]),
        ("anyone", ["member", "anonymous member", "user", "stranger"]),
    ],
)
def test_who_may_publish_and_look(access: Access, allowed: list[str]) -> None:
    clients = {
        "member": client("42", "a"),
        "anonymous member": client("", "a"),
        "user": client("42", "b"),
        "stranger": client(),
    }
    may: list[str] = []
    codes: set[int] = set()
    for name, session in clients.items():
        try:
            check_access(session, "a", access)
        except Refused as refusal:
            codes.add(refusal.code)
        else:
            may.append(name)
    assert codes <= {103}
    assert may == allowed


def test_insecure_lifts_all_of_it() -> None:
    check_access(client(insecure=True), "a", "nobody")
