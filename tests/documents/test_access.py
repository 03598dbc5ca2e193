"""Who may open a document."""

from __future__ import annotations

from typing import Any

import pytest

from openline.documents.access import Access, access_of, name_in
from openline.documents.lib0 import Malformed
from openline.hub import Hub, Refused, Subscribe


class Somebody:
    """A session, as far as it is asked for."""

    def __init__(self, hub: Hub, user: str = "") -> None:
        self.hub = hub
        self.user = user
        self.subscriptions: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/documents/a", "a"),
        ("/documents/a/b?x=1", "a/b"),
        ("/documents/a%20%C3%A9", "a é"),
        ("/documents/" + "a" * 20, "a" * 20),
    ],
)
def test_the_name_stands_in_the_path(path: str, name: str) -> None:
    assert name_in(path, "/documents/", 20) == name


@pytest.mark.parametrize(
    "path",
    [
        "/documents/",
        "/documents/?a",
        "/other/a",
        "/documents/%ff",
        "/documents/a%00",
        "/documents/" + "a" * 21,
    ],
)
def test_what_no_document_has_is_malformed(path: str) -> None:
    with pytest.raises(Malformed):
        name_in(path, "/documents/", 20)


async def test_the_hook_says_who_may() -> None:
    asked: list[str] = []

    async def hook(session: Any, name: str) -> Access:
        asked.append(name)
        if name == "secret":
            raise Refused
        return "read"

    somebody: Any = Somebody(Hub())
    assert await access_of(somebody, "a", hook) == "read"
    with pytest.raises(Refused):
        await access_of(somebody, "secret", hook)
    assert asked == ["a", "secret"]
    with pytest.raises(TypeError, match="on_open must return"):
        await access_of(somebody, "a", lambda session, name: True)


@pytest.mark.parametrize(
    ("options", "user", "access"),
    [
        ({"subscribe": "users", "publish": "subscribers"}, "1", "write"),
        ({"subscribe": "users", "publish": "subscribers"}, "", None),
        ({"subscribe": "anyone", "publish": "users"}, "", "read"),
        ({"subscribe": "anyone", "publish": "users"}, "1", "write"),
        ({"subscribe": "anyone", "publish": "nobody"}, "1", "read"),
        ({"subscribe": "anyone", "publish": "anyone"}, "", "write"),
        ({"subscribe": "nobody", "publish": "anyone"}, "1", None),
    ],
)
async def test_else_the_namespace_does(options: Any, user: str, access: Access | None) -> None:
    hub = Hub()
    hub.namespace("documents", **options)
    somebody: Any = Somebody(hub, user)
    if access is None:
        with pytest.raises(Refused):
            await access_of(somebody, "a", None)
    else:
        assert await access_of(somebody, "a", None) == access


async def test_the_hook_of_the_namespace_is_asked_too() -> None:
    hub = Hub()
    namespace = hub.namespace("documents", subscribe="nobody")

    @namespace.on_subscribe
    def may(session: Any, channel: str) -> Subscribe | None:
        if channel == "documents:secret":
            raise Refused
        return Subscribe() if channel == "documents:open" else None

    somebody: Any = Somebody(hub, "1")
    assert await access_of(somebody, "open", None) == "write"
    for name in ("secret", "other"):
        with pytest.raises(Refused):
            await access_of(somebody, name, None)


async def test_without_a_word_nobody_may_but_in_an_insecure_hub() -> None:
    closed: Any = Somebody(Hub(), "1")
    with pytest.raises(Refused):
        await access_of(closed, "a", None)
    insecure: Any = Somebody(Hub(insecure=True))
    assert await access_of(insecure, "a", None) == "write"
