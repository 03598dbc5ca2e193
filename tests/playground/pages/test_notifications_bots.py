"""The postman."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from openline.hub import Hub, Refused
from openline.hub.stores.base import StoreDown
from openline.hub.stores.memory import MemoryStore
from openline.notifications import Inbox
from openline.playground.pages import notifications_bots as bots
from openline.playground.pages.notifications_bots import MAX_ORDERS_OF_ONE, MAX_VISITED, VISITS, Postman
from openline.playground.pages.notifications_orders import Order


class Told(MemoryStore):
    """Says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Condition()

    async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
        number = await super().append(log, data, keep=keep)
        async with self.written:
            self.written.notify_all()
        return number


@contextlib.asynccontextmanager
async def a_postman(store: MemoryStore | None = None) -> AsyncIterator[tuple[Postman, Inbox]]:
    inbox = Inbox(Hub(insecure=True), store or Told())
    async with inbox.hub:
        postman = Postman(inbox)
        round_ = asyncio.create_task(postman.run())
        try:
            yield postman, inbox
        finally:
            round_.cancel()
            await asyncio.wait([round_])
            assert round_.cancelled(), "he goes round until he is told not to"


async def until(inbox: Inbox, count: int, user: str = "ada") -> list[str]:
    """Wait until so many have come; returns their topics, newest first."""
    assert isinstance(inbox.store, Told)
    async with inbox.store.written:
        while True:
            items = (await inbox.list(user, limit=100)).items
            if len(items) >= count:
                return [item["topic"] for item in items]
            await inbox.store.written.wait()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "BETWEEN", (0.0, 0.01))


async def test_what_was_ordered_comes_later_in_its_order() -> None:
    async with a_postman() as (postman, inbox):
        postman.later(0.2, "ada", Order("mentions", "second", "b"))
        postman.later(0.01, "ada", Order("builds", "first", "a"))
        assert await inbox.unread("ada") == 0
        assert await until(inbox, 2) == ["mentions", "builds"]


@pytest.mark.usefixtures("quick")
async def test_he_calls_so_often_and_goes_home() -> None:
    async with a_postman() as (postman, inbox):
        postman.visit("ada", True)
        postman.visit("ada", True)
        assert postman.left("ada") == VISITS
        await until(inbox, VISITS)
        assert postman.left("ada") == 0
        assert postman._waiting == []


@pytest.mark.usefixtures("quick")
async def test_who_wants_no_more_gets_no_more() -> None:
    async with a_postman() as (postman, inbox):
        postman.visit("ada", True)
        postman.visit("ada", False)
        assert postman.left("ada") == 0
        postman.visit("bob", True)
        await until(inbox, 2, "bob")
        assert await inbox.unread("ada") == 0


async def test_he_carries_only_so_much() -> None:
    async with a_postman() as (postman, _):
        for number in range(MAX_ORDERS_OF_ONE):
            postman.later(60, "ada", Order("builds", "x", str(number)))
        with pytest.raises(Refused, match="106"):
            postman.later(60, "ada", Order("builds", "x", "more"))
        postman.later(60, "bob", Order("builds", "x", "other"))
        for number in range(MAX_VISITED):
            postman.visit(f"user{number}", True)
        with pytest.raises(Refused, match="106"):
            postman.visit("one more", True)


async def test_news_are_for_who_follows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bots, "NEWS_EVERY", 0.01)
    async with a_postman() as (_, inbox):
        await inbox.follow("ada", "news")
        assert (await until(inbox, 2))[:2] == ["news", "news"]
        assert await inbox.unread("bob") == 0


async def test_what_cannot_be_brought_does_not_stop_him(
    quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_postman() as (postman, inbox):
        postman.later(0, "ada", Order("builds", "Lost", "no id\n"))
        postman.later(0, "ada", Order("builds", "Green", "k"))
        assert await until(inbox, 1) == ["builds"]
    assert "could not bring" in caplog.text
    caplog.clear()


async def test_a_store_that_is_down_does_not_stop_him() -> None:
    class Flaky(Told):
        down = True

        async def append(self, log: str, data: bytes, *, keep: int | None = None) -> int:
            if self.down:
                self.down = False
                raise StoreDown("away")
            return await super().append(log, data, keep=keep)

    async with a_postman(Flaky()) as (postman, inbox):
        postman.later(0.0, "ada", Order("builds", "lost", "a"))
        postman.later(0.01, "ada", Order("builds", "comes", "b"))
        assert len(await until(inbox, 1)) == 1
