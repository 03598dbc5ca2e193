"""Inboxes: what is sent, to whom, how often, and what is told of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openline.hub.brokers.base import BrokerDown
from openline.hub.brokers.memory import MemoryBroker
from openline.hub.stores.base import Store, StoreDown
from openline.hub.stores.memory import MemoryStore
from openline.hub.stores.redis import RedisStore
from openline.hub.stores.sqlite import SQLiteStore
from openline.notifications import Inbox
from openline.notifications.push import VapidKeys, WebPush
from openline.testing import FakeClock
from tests.hub.conformance.wire import Wire, connected, named_hub, serving
from tests.hub.redis_server import needs_redis, redis_server
from tests.notifications import send_until_killed
from tests.notifications.push.push_service import CONTACT, PushService, push_service


@contextlib.asynccontextmanager
async def an_inbox(store: Store | None = None, broker: Any = None, **options: Any) -> AsyncIterator[Inbox]:
    hub = named_hub(broker)
    inbox = Inbox(hub, store or MemoryStore(), **options)
    async with hub:
        try:
            yield inbox
        finally:
            await inbox.store.close()


async def ids(inbox: Inbox, user: str = "ada", **which: Any) -> list[str]:
    return [item["id"] for item in (await inbox.list(user, **which)).items]


# Sending.


def deep() -> Any:
    """Nested deeper than clients can read."""
    value: Any = 1
    for _ in range(600):
        value = [value]
    return value


async def test_an_id_is_taken_once() -> None:
    async with an_inbox() as inbox:
        first = await inbox.send("ada", {"n": 1}, id="n")
        again = await inbox.send("ada", {"n": 2}, id="n")
        assert (first.verdict, again.verdict, again.number) == ("done", "duplicate", first.number)
        assert await inbox.unread("ada") == 1
        assert bytes((await inbox.list("ada")).items[0]["data"]) == b'{"n":1}'
        assert (await inbox.send("bob", 1, id="n")).verdict == "done"
        assert (await inbox.send("ada", 1)).id != (await inbox.send("ada", 1)).id
        assert (inbox.counters.sent, inbox.counters.duplicates) == (4, 1)


async def test_a_log_stays_short_whatever_changes() -> None:
    async with an_inbox(compact_after=8) as inbox:
        for number in range(50):
            await inbox.send("ada", number, id=str(number))
            await inbox.mark("ada", [str(number)])
            assert await inbox.store.length("inbox:ada") <= 8
        assert await inbox.unread("ada") == 0
        assert len(await ids(inbox, limit=100)) == 50


async def test_what_expires_goes_by_itself() -> None:
    clock = FakeClock()
    async with an_inbox(clock=clock, ttl=100) as inbox:
        await inbox.send("ada", 1, id="short", ttl=10)
        await inbox.send("ada", 1, id="usual")
        clock.advance(10)
        assert await ids(inbox) == ["usual"]
        assert await inbox.unread("ada") == 1
        assert (await inbox.send("ada", 1, id="short")).verdict == "duplicate"
        clock.advance(90)
        assert await inbox.unread("ada") == 0


async def test_a_topic_that_is_off_is_not_kept() -> None:
    async with an_inbox() as inbox:
        assert await inbox.prefer("ada", "ads", "off")
        assert (await inbox.send("ada", 1, topic="ads")).verdict == "unwanted"
        assert (await inbox.send("ada", 1, topic="news")).verdict == "done"
        assert await inbox.preferences("ada") == {"ads": "off"}
        await inbox.prefer("ada", "ads", None)
        assert (await inbox.send("ada", 1, topic="ads")).verdict == "done"


@pytest.mark.parametrize(
    ("user", "data", "options"),
    [
        ("", 1, {}),
        ("a#b", 1, {}),
        ("a,b", 1, {}),
        ("x" * 129, 1, {}),
        ("a\nb", 1, {}),
        ("\ud800", 1, {}),
        ("ada", "x" * 5000, {}),
        ("ada", deep(), {}),
        ("ada", 1, {"id": ""}),
        ("ada", 1, {"id": "x" * 129}),
        ("ada", 1, {"topic": "\x00"}),
        ("ada", 1, {"ttl": 0}),
        ("ada", 1, {"ttl": float("nan")}),
        ("ada", 1, {"ttl": 1e12}),
        ("ada", 1, {"urgency": "now"}),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_not_stored(
    user: str, data: Any, options: dict[str, Any]
) -> None:
    async with an_inbox() as inbox:
        with pytest.raises(ValueError, match=r"."):
            await inbox.send(user, data, **options)
        assert inbox.store._logs == {}  # type: ignore[attr-defined]


async def test_what_is_no_json_is_a_type_error() -> None:
    async with an_inbox() as inbox:
        with pytest.raises(TypeError):
            await inbox.send("ada", object())
        with pytest.raises(TypeError, match="colour"):
            await inbox.send_many(["ada"], 1, colour="red")


async def test_many_are_sent_to_and_each_that_fails_is_named() -> None:
    async with an_inbox() as inbox:
        await inbox.prefer("u3", "news", "off")
        await inbox.send("u4", 1, id="n")
        users = [f"u{number}" for number in range(1200)] + ["a#b"]
        tally = await inbox.send_many(users, {"n": 1}, id="n", topic="news")
        assert (tally.done, tally.duplicate, tally.unwanted, tally.failures) == (1198, 1, 1, 1)
        assert tally.failed[0][0] == "a#b"
        again = await inbox.send_many(users, {"n": 1}, id="n", topic="news")
        assert (again.done, again.duplicate) == (0, 1199)


async def test_a_topic_s_followers_get_what_is_published() -> None:
    async with an_inbox() as inbox:
        for user in ("ada", "bob", "eve"):
            assert await inbox.follow(user, "news")
            assert await inbox.follow(user, "news")
        await inbox.unfollow("eve", "news")
        await inbox.prefer("bob", "news", "off")
        tally = await inbox.publish("news", {"n": 1}, id="n")
        assert (tally.done, tally.unwanted, tally.failures) == (1, 1, 0)
        assert await ids(inbox, "ada") == ["n"]
        assert await ids(inbox, "eve") == []
        assert await inbox.topics("ada") == ["news"]
        assert (await inbox.publish("silence", 1)).done == 0


async def test_who_follows_too_much_is_not_put_down() -> None:
    async with an_inbox(max_topics=1) as inbox:
        assert await inbox.follow("ada", "a")
        assert not await inbox.follow("ada", "b")
        assert (await inbox.publish("b", 1)).done == 0
        assert await inbox.store.get("inbox-followers:b", "ada") is None


async def test_all_of_a_user_can_be_forgotten() -> None:
    async with an_inbox() as inbox:
        await inbox.send("ada", 1, id="n")
        await inbox.follow("ada", "news")
        await inbox.prefer("ada", "news", "inbox")
        await inbox.forget("ada")
        assert (await ids(inbox), await inbox.topics("ada"), await inbox.preferences("ada")) == ([], [], {})
        assert await inbox.store.get("inbox-followers:news", "ada") is None
        assert b"n" not in [one.data for one in await inbox.store.read("inbox:ada")]
        assert (await inbox.send("ada", 1, id="n")).verdict == "done"


# What is told.


async def listening(wire: Wire, user: str = "ada") -> None:
    await wire.subscribe(f"inbox:#{user}")


async def event(wire: Wire, user: str = "ada") -> Any:
    return (await wire.push("pub", f"inbox:#{user}"))["data"]


async def test_read_on_one_device_and_gone_on_the_other() -> None:
    hub = named_hub()
    inbox = Inbox(hub, MemoryStore())
    async with (
        serving(hub) as address,
        connected(address, "json", "ada") as phone,
        connected(address, "protobuf", "ada") as laptop,
    ):
        await listening(phone)
        await listening(laptop)
        await inbox.send("ada", {"n": 1}, id="a")
        await inbox.send("ada", {"n": 2}, id="b")
        for wire in (phone, laptop):
            first, second = await event(wire), await event(wire)
            assert (first["event"], first["item"]["data"], first["unread"], first["revision"]) == (
                "new",
                {"n": 1},
                1,
                1,
            )
            assert (second["unread"], second["revision"]) == (2, 2)
        await phone.result(rpc={"method": "inbox.read", "data": {"ids": ["a"]}})
        told = {"event": "read", "read": True, "ids": ["a"], "unread": 1, "revision": 3}
        assert await event(phone) == await event(laptop) == told
        await laptop.result(rpc={"method": "inbox.remove", "data": {"ids": ["b"]}})
        assert await event(phone) == {"event": "removed", "ids": ["b"], "unread": 0, "revision": 4}


async def test_who_was_away_gets_what_came_once() -> None:
    hub = named_hub()
    inbox = Inbox(hub, MemoryStore())
    async with serving(hub) as address:
        async with connected(address, "json", "ada") as wire:
            position = await wire.subscribe("inbox:#ada")
        await inbox.send("ada", 1, id="a")
        await inbox.send("ada", 1, id="a")
        async with connected(address, "json", "ada") as wire:
            back = await wire.subscribe(
                "inbox:#ada", recover=True, offset=position.get("offset", 0), epoch=position["epoch"]
            )
            assert back["recovered"]
            assert [one["data"]["item"]["id"] for one in back["publications"]] == ["a"]


async def test_two_devices_that_read_at_once_count_once(tmp_path: Path) -> None:
    async with an_inbox(SQLiteStore(str(tmp_path / "inbox.db"))) as inbox:
        for number in range(20):
            await inbox.send("ada", number, id=str(number))
        every = [str(number) for number in range(20)]
        changed = await asyncio.gather(*(inbox.mark("ada", every) for _ in range(10)))
        assert sum(changed) == 20
        page = await inbox.list("ada")
        assert (page.unread, page.revision) == (0, 21)


async def test_what_the_broker_does_not_take_is_stored_all_the_same() -> None:
    class Mute(MemoryBroker):
        async def publish(self, *args: Any, **kwargs: Any) -> Any:
            raise BrokerDown("away")

    async with an_inbox(broker=Mute()) as inbox:
        assert (await inbox.send("ada", 1)).verdict == "done"
        assert (await inbox.unread("ada"), inbox.counters.unannounced) == (1, 1)


async def test_what_the_store_does_not_take_is_not_told() -> None:
    class Full(MemoryStore):
        async def append(self, *args: Any, **kwargs: Any) -> int:
            raise StoreDown("full")

    async with an_inbox(Full()) as inbox:
        with pytest.raises(StoreDown):
            await inbox.send("ada", 1)
        assert (await inbox.hub.history("inbox:#ada", limit=-1))[0] == []
        tally = await inbox.send_many(["ada", "bob"], 1)
        assert tally.failures == 2


async def test_a_hub_has_several_inboxes() -> None:
    hub, store = named_hub(), MemoryStore()
    mail, alarms = Inbox(hub, store), Inbox(hub, store, name="alarms")
    with pytest.raises(ValueError, match="inbox"):
        Inbox(hub, store)
    async with hub:
        await mail.send("ada", 1)
        assert (await mail.unread("ada"), await alarms.unread("ada")) == (1, 0)


# Many nodes.


@needs_redis
@pytest.mark.timeout(60)
async def test_two_nodes_on_one_redis_agree(tmp_path: Path) -> None:
    """Both send the same ids and mark the same notifications at once, and fold the log all the time."""
    with redis_server(tmp_path) as server:

        def node() -> Any:
            store = RedisStore(server.url, start_wait=10.0)
            return an_inbox(store, server.url, compact_after=4, limit=100)

        async with node() as one, node() as two:
            for turn in range(25):
                receipts = await asyncio.gather(
                    *(node.send("ada", turn, id=f"n{turn}") for node in (one, two)),
                    *(node.mark("ada", [f"n{turn - 1}"]) for node in (one, two)),
                )
                assert sorted(receipt.verdict for receipt in receipts[:2]) == ["done", "duplicate"]  # type: ignore[union-attr]
                if turn:
                    assert sorted(receipts[2:]) == [0, 1]  # type: ignore[type-var]
            pages = [await node.list("ada") for node in (one, two)]
            assert [page.revision for page in pages] == [49, 49]
            assert [page.unread for page in pages] == [1, 1]
            assert [len(page.items) for page in pages] == [25, 25]
            # The events carry every revision once, whoever told them.
            told, _ = await one.hub.history("inbox:#ada", limit=-1)
            revisions = [json.loads(bytes(publication.data))["revision"] for publication in told]
            assert sorted(revisions) == list(range(1, 50))


@needs_redis
async def test_who_is_connected_to_another_node_is_live(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        async with contextlib.AsyncExitStack() as stack:
            inboxes: list[Inbox] = []
            for _ in range(2):
                hub = named_hub(server.url)
                inboxes.append(Inbox(hub, MemoryStore()))
                address = await stack.enter_async_context(serving(hub))
            assert not await inboxes[0].is_live("ada")
            wire = await stack.enter_async_context(connected(address, "json", "ada"))
            assert not await inboxes[0].is_live("ada")  # it does not listen
            await listening(wire)
            assert await inboxes[0].is_live("ada")
            assert await inboxes[1].is_live("ada")


# Endings.


def killed_in_the_middle(path: Path, run: str, lines: int) -> list[tuple[str, str, str]]:
    """Run a sender, kill it with -9 after so many acknowledgements; return all that it got."""
    program = Path(send_until_killed.__file__)
    environment = {**os.environ, "PYTHONPATH": str(program.parents[2])}
    with subprocess.Popen(
        [sys.executable, str(program), str(path), run], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    words = [line.decode().split() for line in said if line.endswith(b"\n")]
    return [(what, user, id_) for what, user, id_ in words]


@pytest.mark.timeout(90)
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    acknowledged: set[tuple[str, str]] = set()
    read: set[tuple[str, str]] = set()
    for run, lines in enumerate((1, 400, 700)):
        for what, user, id_ in killed_in_the_middle(path, f"run{run}", lines):
            (acknowledged if what == "sent" else read).add((user, id_))
    async with an_inbox(SQLiteStore(str(path)), limit=1000) as inbox:
        kept: dict[tuple[str, str], bool] = {}
        for user in send_until_killed.USERS:
            page = await inbox.list(user, limit=1000)
            names = [item["id"] for item in page.items]
            assert len(set(names)) == len(names)
            kept |= {(user, item["id"]): item["read"] for item in page.items}
            assert page.unread == sum(not item["read"] for item in page.items)
        assert acknowledged <= kept.keys()
        assert read <= {name for name, is_read in kept.items() if is_read}
        user, id_ = next(iter(acknowledged))
        assert (await inbox.send(user, 1, id=id_)).verdict == "duplicate"


async def test_who_gives_up_waiting_may_have_sent_it(tmp_path: Path) -> None:
    async with an_inbox(SQLiteStore(str(tmp_path / "inbox.db"))) as inbox:
        await inbox.start()
        task = asyncio.create_task(inbox.send("ada", 1, id="n"))
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await inbox.send("ada", 1, id="n")
        assert await ids(inbox) == ["n"]
        assert await inbox.unread("ada") == 1


# Web Push.


@contextlib.asynccontextmanager
async def pushing(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, **options: Any
) -> AsyncIterator[tuple[Inbox, PushService, str]]:
    keys = VapidKeys.generate()
    push = WebPush(CONTACT, keys=keys, allow_private_endpoints=True, tls=client_tls, **options)
    hub = named_hub()
    inbox = Inbox(hub, MemoryStore(), push=push)
    async with push_service(keys.public_key, server_tls) as service, serving(hub) as address:
        try:
            yield inbox, service, address
        finally:
            await push.close()


async def test_a_closed_browser_is_woken_and_an_open_one_is_not(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls) as (inbox, service, address):
        left = asyncio.Event()
        inbox.hub.on_disconnect(lambda: left.set())
        await inbox.add_device("ada", service.browser("ada").subscription(), name="phone")
        await inbox.send("ada", {"n": 1}, id="a", topic="news", ttl=600)
        (item,) = await service.got(1)
        assert (item["id"], item["data"], item["topic"], item["number"]) == ("a", {"n": 1}, "news", 1)
        assert 595 <= int(service.received[0].headers["TTL"]) <= 600
        async with connected(address, "json", "ada") as wire:
            await listening(wire)
            await inbox.send("ada", {"n": 2}, id="b")
            assert (await event(wire))["item"]["id"] == "b"
        await left.wait()
        await inbox.send("ada", {"n": 3}, id="c")
        assert [item["id"] for item in await service.got(2)] == ["a", "c"]


async def test_who_does_not_acknowledge_in_time_is_woken(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, unacknowledged_after=1.0) as (inbox, service, address):
        assert inbox.push is not None
        await inbox.add_device("ada", service.browser("ada").subscription())
        async with connected(address, "json", "ada") as wire:
            await listening(wire)
            for name in ("seen", "read", "removed", "missed"):
                receipt = await inbox.send("ada", 1, id=name)
                if name == "seen":
                    await wire.result(rpc={"method": "inbox.ack", "data": {"number": receipt.number}})
            await inbox.mark("ada", ["read"])
            await inbox.remove("ada", ["removed"])
            assert service.received == []
            await inbox.push.drained()
            assert [item["id"] for item in await service.got(1)] == ["missed"]
            assert inbox.push.counters.needless == 3


async def test_push_can_be_for_those_who_are_there_too(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls, only_offline=False) as (inbox, service, address):
        await inbox.add_device("ada", service.browser("ada").subscription())
        async with connected(address, "json", "ada") as wire:
            await listening(wire)
            await inbox.send("ada", 1, id="a")
            assert len(await service.got(1)) == 1


async def test_preferences_and_ids_hold_for_push(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with pushing(server_tls, client_tls) as (inbox, service, _):
        await inbox.add_device("ada", service.browser("ada").subscription())
        await inbox.prefer("ada", "quiet", "inbox")
        await inbox.prefer("ada", "ads", "off")
        await inbox.send("ada", 1, id="a", topic="quiet")
        await inbox.send("ada", 1, id="b", topic="ads")
        await inbox.send("ada", 1, id="c")
        await inbox.send("ada", 1, id="c")
        await inbox.send("ada", "x" * 4000, id="large")
        assert inbox.push is not None
        await inbox.push.drained()
        items = {item["id"]: item for item in await service.got(2)}
        assert items.keys() == {"c", "large"}
        assert "data" not in items["large"]  # the page shows it


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_is_gone_is_deleted(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, status: int
) -> None:
    async with pushing(server_tls, client_tls) as (inbox, service, _):
        await inbox.add_device("ada", service.browser("old").subscription())
        await inbox.add_device("ada", service.browser("new").subscription())
        service.answer("old", status)
        await inbox.send("ada", 1)
        assert inbox.push is not None
        assert inbox.devices is not None
        await inbox.push.drained()
        assert [one.endpoint for one in await inbox.devices.of("ada")] == [service.browser("new").endpoint]
        await inbox.forget("ada")
        assert await inbox.devices.of("ada") == []
