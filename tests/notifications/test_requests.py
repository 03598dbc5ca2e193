"""What clients ask, over the wire."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from openline.hub.stores.base import StoreDown
from openline.hub.stores.memory import MemoryStore
from openline.notifications import Inbox
from openline.notifications.push import VapidKeys, WebPush
from tests.hub.conformance.wire import Wire, connected, named_hub, serving
from tests.notifications.push.test_endpoints import subscription


@contextlib.asynccontextmanager
async def asked(user: str = "ada", **options: Any) -> AsyncIterator[tuple[Inbox, Wire]]:
    hub = named_hub()
    inbox = Inbox(hub, MemoryStore(), **options)
    async with serving(hub) as address, connected(address, "json", user) as wire:
        yield inbox, wire


async def call(wire: Wire, method: str, data: Any = None) -> Any:
    request: dict[str, Any] = {"method": f"inbox.{method}"}
    if data is not None:
        request["data"] = data
    return (await wire.result(rpc=request))["data"]


async def refused(wire: Wire, method: str, data: Any = None) -> int:
    return await wire.error(rpc={"method": f"inbox.{method}", "data": data})


async def test_a_client_reads_marks_and_removes() -> None:
    async with asked() as (inbox, wire):
        for number in range(5):
            await inbox.send(
                "ada", {"n": number}, id=f"n{number}", topic="even" if number % 2 == 0 else "odd"
            )
        page = await call(wire, "list", {"limit": 2})
        assert page["channel"] == "inbox:#ada"
        assert [item["data"] for item in page["items"]] == [{"n": 4}, {"n": 3}]
        assert (page["unread"], page["revision"], page["acknowledged"]) == (5, 5, 0)
        rest = await call(wire, "list", {"before": page["more"]})
        assert [item["id"] for item in rest["items"]] == ["n2", "n1", "n0"]
        assert rest["more"] is None
        assert await call(wire, "read", {"ids": ["n4", "n4", "nothing"]}) == {"changed": 1}
        assert await call(wire, "read", {"ids": ["n4"]}) == {"changed": 0}
        assert await call(wire, "read", {"ids": ["n4"], "read": False}) == {"changed": 1}
        assert await call(wire, "remove", {"ids": ["n0", "n1"]}) == {"changed": 2}
        assert await call(wire, "read_all", {"through": 4}) == {"changed": 2}
        unread = await call(wire, "list", {"unread": True})
        assert [item["id"] for item in unread["items"]] == ["n4"]
        assert [item["id"] for item in (await call(wire, "list", {"topic": "odd"}))["items"]] == ["n3"]
        await call(wire, "ack", {"number": 5})
        assert (await call(wire, "list", {"limit": 0}))["acknowledged"] == 5
        assert (await inbox.list("ada")).items[0]["id"] == "n4"


async def test_a_client_says_what_it_wants() -> None:
    async with asked(open_topics={"news"}, max_topics=1) as (inbox, wire):
        await call(wire, "prefer", {"topic": "ads", "mode": "off"})
        await call(wire, "follow", {"topic": "news"})
        assert await call(wire, "preferences") == {
            "preferences": {"ads": "off"},
            "default": "push",
            "topics": ["news"],
            "open_topics": ["news"],
        }
        assert await refused(wire, "prefer", {"topic": "more", "mode": "off"}) == 106
        await call(wire, "prefer", {"topic": "ads", "mode": None})
        assert await refused(wire, "follow", {"topic": "secrets"}) == 103
        assert (await inbox.publish("news", 1)).done == 1
        await call(wire, "follow", {"topic": "news", "on": False})
        assert (await inbox.publish("news", 1)).done == 0
        await inbox.follow("ada", "other")
        assert await refused(wire, "follow", {"topic": "news"}) == 106


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("list", []),
        ("list", {"limit": -1}),
        ("list", {"before": "x"}),
        ("list", {"topic": "x" * 129}),
        ("read", None),
        ("read", {"ids": "n1"}),
        ("read", {"ids": [1]}),
        ("read", {"ids": ["x" * 129]}),
        ("read", {"ids": ["x"] * 1001}),
        ("read_all", {"through": 1.5}),
        ("ack", {"number": 2**60}),
        ("ack", {"number": None}),
        ("ack", 7),
        ("prefer", {"topic": "x", "mode": "loud"}),
        ("prefer", {"topic": "a\nb", "mode": "off"}),
        ("follow", {"topic": ""}),
        ("remove", {}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_counted(method: str, data: Any) -> None:
    async with asked() as (inbox, wire):
        await inbox.send("ada", 1, id="n1")
        assert await refused(wire, method, data) == 107
        assert inbox.counters.malformed == 1
        page = await call(wire, "list")
        assert (page["unread"], page["revision"], len(page["items"])) == (1, 1, 1)


async def test_an_acknowledgement_of_the_future_acknowledges_what_there_is() -> None:
    async with asked() as (inbox, wire):
        await inbox.send("ada", 1)
        await call(wire, "ack", {"number": 1000})
        assert (await inbox.list("ada")).acknowledged == 1


async def test_nobody_has_no_inbox() -> None:
    for user in ("", "a,b", "a#b", "x" * 129):
        async with asked(user) as (inbox, wire):
            assert await refused(wire, "list", {}) == 103
            assert inbox.counters.refused == 1


async def test_no_request_names_a_user() -> None:
    async with asked() as (inbox, wire):
        await inbox.send("bob", 1, id="b")
        assert (await call(wire, "list", {"user": "bob"}))["items"] == []
        assert await call(wire, "read", {"user": "bob", "ids": ["b"]}) == {"changed": 0}
        assert await inbox.unread("bob") == 1
        assert await wire.error(subscribe={"channel": "inbox:#bob"}) == 103
        assert await wire.error(publish={"channel": "inbox:#ada", "data": 1}) == 103
        assert await wire.error(history={"channel": "inbox:#ada", "limit": 1}) == 103
        assert await wire.error(presence={"channel": "inbox:#ada"}) == 103


async def test_a_flood_is_refused_and_writes_nothing() -> None:
    async with asked(client_rate=5) as (inbox, wire):
        await inbox.send("ada", 1, id="n")
        answers = [await wire.ask(rpc={"method": "inbox.read", "data": {"ids": ["n"]}}) for _ in range(30)]
        codes = [answer["error"]["code"] for answer in answers if "error" in answer]
        assert set(codes) == {111}
        assert inbox.counters.refused == len(codes) >= 15
        assert await inbox.store.length("inbox:ada") == 2


async def test_a_page_is_no_longer_than_it_may_be() -> None:
    async with asked(page=3) as (inbox, wire):
        for number in range(5):
            await inbox.send("ada", number)
        assert len((await call(wire, "list", {"limit": 1000}))["items"]) == 3


async def test_a_store_that_is_down_is_an_error_that_may_pass() -> None:
    class Down(MemoryStore):
        async def read(self, *args: Any, **kwargs: Any) -> Any:
            raise StoreDown("gone")

    hub = named_hub()
    Inbox(hub, Down())
    async with serving(hub) as address, connected(address, "json", "ada") as wire:
        reply = await wire.ask(rpc={"method": "inbox.list"})
        assert reply["error"]["code"] == 100


async def test_devices_are_registered_shown_and_removed() -> None:
    push = WebPush("mailto:ops@example.com")
    async with asked(push=push) as (inbox, wire):
        added = await call(wire, "devices.add", {"subscription": subscription(), "name": "Firefox"})
        shown = await call(wire, "devices")
        assert shown["key"] == (await VapidKeys.from_store(inbox.store)).public_key
        assert [(one["id"], one["name"]) for one in shown["devices"]] == [(added["id"], "Firefox")]
        assert "push.example" not in str(shown)
        bad = subscription(endpoint="https://127.0.0.1/push")
        assert await refused(wire, "devices.add", {"subscription": bad}) == 107
        assert await refused(wire, "devices.add", {"subscription": {"endpoint": 1}}) == 107
        assert await call(wire, "devices.remove", added) == {"changed": 1}
        assert await call(wire, "devices.remove", added) == {"changed": 0}
        assert (await call(wire, "devices"))["devices"] == []


async def test_without_push_there_are_no_devices() -> None:
    async with asked() as (inbox, wire):
        assert await refused(wire, "devices") == 104
        with pytest.raises(RuntimeError, match="push"):
            await inbox.add_device("ada", subscription())
