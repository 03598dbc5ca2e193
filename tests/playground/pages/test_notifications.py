"""The notifications page's server code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from openline.hub import Connect, Hub
from openline.hub.stores import open_store
from openline.playground.application import Application
from openline.playground.pages import notifications
from tests.hub.conformance.wire import Wire, connected, serving


@asynccontextmanager
async def visiting() -> AsyncIterator[Wire]:
    hub = Hub()
    hub.on_connect(lambda session, data: Connect(user=data["user"]))
    store = open_store("memory://")
    await store.start()
    app = Application(hub, store)
    notifications.install(app)
    async with serving(hub) as address:
        app.begin()
        async with connected(address, "json", "ada") as wire:
            yield wire
        await app.end()
    await store.close()


async def call(wire: Wire, method: str, data: Any = None) -> Any:
    return (await wire.result(rpc={"method": method, "data": data}))["data"]


ORDER = {"topic": "builds", "title": "<b>It</b> is green", "key": "k1"}


async def test_what_one_sends_oneself_comes_once() -> None:
    async with visiting() as wire:
        assert set((await call(wire, "notifications.topics"))["topics"]) == set(notifications.TOPICS)
        assert (await call(wire, "notifications.send", ORDER))["verdict"] == "done"
        assert (await call(wire, "notifications.send", ORDER))["verdict"] == "duplicate"
        page = await call(wire, "inbox.list", {})
        assert [(item["id"], item["data"]["title"]) for item in page["items"]] == [("own.k1", ORDER["title"])]
        assert page["channel"] == "inbox:#ada"
        assert (await call(wire, "inbox.devices", {}))["key"]


async def test_what_is_for_later_comes_later() -> None:
    async with visiting() as wire:
        page = await call(wire, "inbox.list", {})
        await wire.subscribe(page["channel"])
        assert await call(wire, "notifications.send", {**ORDER, "delay": 1}) == {"verdict": "later"}
        assert (await wire.push("pub", "inbox:#ada"))["data"]["item"]["id"] == "own.k1"


async def test_the_bot_is_turned_on_and_off() -> None:
    async with visiting() as wire:
        assert (await call(wire, "notifications.bot", {"on": True}))["bot"] > 0
        assert (await call(wire, "notifications.topics"))["bot"] > 0
        assert (await call(wire, "notifications.bot", {"on": False}))["bot"] == 0


async def test_nonsense_is_refused() -> None:
    async with visiting() as wire:
        assert await wire.error(rpc={"method": "notifications.send", "data": {"topic": 7}}) == 107
        assert await wire.error(rpc={"method": "notifications.bot", "data": None}) == 107


def test_it_is_short_enough_to_be_read() -> None:
    assert len(Path(notifications.__file__).read_text().splitlines()) < 80
