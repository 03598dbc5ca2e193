"""Sessions by user."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from openline.hub.users import Users


class Visitor(SimpleNamespace):
    __hash__ = object.__hash__


def visitor(user: str) -> Any:
    return Visitor(user=user, listed="")


def test_one_and_many_and_none() -> None:
    users = Users()
    one, two, three = visitor("42"), visitor("42"), visitor("43")
    assert users.of("42") == []
    for session in (one, two, three):
        users.add(session)
    assert set(map(id, users.of("42"))) == {id(one), id(two)}
    assert users.of("43") == [three]
    assert len(users) == 2
    for session in (one, three, one, three):
        users.remove(session)
    assert users.of("42") == [two]
    users.remove(two)
    assert (users.of("42"), len(users)) == ([], 0)


def test_a_hook_that_renames_a_session_leaves_nothing_behind() -> None:
    users = Users()
    session = visitor("42")
    users.add(session)
    session.user = "43"
    users.remove(session)
    assert len(users) == 0


def test_nobody_is_no_user() -> None:
    users = Users()
    stranger = visitor("")
    users.add(stranger)
    assert (users.of(""), len(users)) == ([], 0)
    users.remove(stranger)
