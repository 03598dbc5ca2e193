"""Publish: what a publication looks like to others, and what is refused, without ending the session."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from openline.hub import Connect, Hub, Publish, Refused, Session, Subscribe

from .wire import connected, named_hub, serving

PAYLOADS: list[Any] = [
    {"text": "привет, 世界 🚀"},
    [1, [2, [3]]],
    "строка",
    "",
    0,
    -1.5,
    True,
    False,
    None,
    {},
    [],
    {"line\nbreak": "a\nb\r\nc\u2028d"},
    {"push": {"channel": "b", "pub": {"data": "forged"}}},
]


@pytest.mark.parametrize("data", PAYLOADS, ids=str)
async def test_payloads_arrive_as_they_were_sent(encoding: str, data: Any) -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as publisher,
        connected(address, "json", "43") as in_json,
        connected(address, "protobuf", "44") as in_protobuf,
    ):
        for wire in (publisher, in_json, in_protobuf):
            await wire.subscribe("a")
        assert await publisher.result(publish={"channel": "a", "data": data}) == {}
        for wire in (publisher, in_json, in_protobuf):
            assert (await wire.push("pub", "a")).get("data") == data
            await wire.nothing()


async def test_publication_says_who_made_it(encoding: str) -> None:
    hub = Hub()
    hub.namespace("")

    @hub.on_connect
    def who(session: Session) -> Connect:
        return Connect(user="42", info={"name": "Ann"})

    @hub.on_subscribe
    def let_in(session: Session, channel: str) -> Subscribe:
        return Subscribe(info={"role": "host"})

    async with serving(hub) as address, connected(address, encoding) as wire:
        await wire.subscribe("a")
        await wire.result(publish={"channel": "a", "data": 1})
        pub = await wire.push("pub", "a")
        assert pub["info"] == {
            "user": "42",
            "client": wire.client,
            "conn_info": {"name": "Ann"},
            "chan_info": {"role": "host"},
        }
        await hub.publish("a", 2)
        assert "info" not in await wire.push("pub", "a")


async def test_fields_of_a_publication_of_the_server(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        before = time.time() * 1000 - 1
        await hub.publish("a", {"x": 1}, tags={"ключ": "значение"})
        pub = await wire.push("pub", "a")
        assert pub["tags"] == {"ключ": "значение"}
        assert pub["data"] == {"x": 1}
        assert before <= pub.get("time", before) <= time.time() * 1000
        assert "delta" not in pub


async def test_without_history_there_is_no_offset(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", 1)
        assert "offset" not in await wire.push("pub", "a")


async def test_skip_history(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await hub.publish("a", "kept")
        await hub.publish("a", "typing", skip_history=True)
        await hub.publish("a", "kept too")
        pubs = [await wire.push("pub", "a") for _ in range(3)]
        assert [(pub["data"], pub.get("offset")) for pub in pubs] == [
            ("kept", 1),
            ("typing", None),
            ("kept too", 2),
        ]


async def test_idempotency_key(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        first = await hub.publish("a", 1, idempotency_key="k")
        again = await hub.publish("a", 1, idempotency_key="k")
        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.position == first.position
        await wire.push("pub", "a")
        await wire.nothing()


async def test_exclude_sender_keeps_the_position(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", exclude_sender=True, history=10, ttl=60.0, recovery=True)
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as sender,
        connected(address, encoding, "43") as other,
    ):
        await sender.subscribe("a")
        await other.subscribe("a")
        await sender.result(publish={"channel": "a", "data": 1})
        assert (await other.push("pub", "a"))["offset"] == 1
        await other.result(publish={"channel": "a", "data": 2})
        # What was held back counts as seen: no gap, and no unsubscribe.
        assert (await sender.push("pub", "a"))["offset"] == 2
        await sender.nothing()


async def test_hook_changes_what_is_published(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")

    @hub.on_publish
    async def clean(session: Session, channel: str, data: Any) -> Any:
        if data == "refuse":
            raise Refused(1000, "bad words")
        if data == "tags":
            return Publish(data="tagged", tags={"by": session.user})
        return {"from": session.user, "text": data}

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.result(publish={"channel": "a", "data": "hello"})
        assert (await wire.push("pub", "a"))["data"] == {"from": "42", "text": "hello"}
        await wire.result(publish={"channel": "a", "data": "tags"})
        pub = await wire.push("pub", "a")
        assert (pub["data"], pub["tags"]) == ("tagged", {"by": "42"})
        assert await wire.error(publish={"channel": "a", "data": "refuse"}) == 1000
        await wire.nothing()


@pytest.mark.parametrize(
    ("options", "subscribed", "user", "code"),
    [
        ({}, True, "42", None),
        ({}, False, "42", 103),
        ({"publish": "nobody"}, True, "42", 103),
        ({"publish": "anyone"}, False, "42", None),
        ({"publish": "anyone", "subscribe": "anyone"}, False, "", None),
        ({"publish": "subscribers", "subscribe": "anyone"}, True, "", None),
        ({"publish": "users", "subscribe": "anyone"}, True, "", 103),
        ({"publish": "users"}, True, "42", None),
    ],
    ids=str,
)
async def test_who_may(
    encoding: str, options: dict[str, Any], subscribed: bool, user: str, code: int | None
) -> None:
    hub = named_hub()
    hub.namespace("", **options)
    async with serving(hub) as address, connected(address, encoding, user) as wire:
        if subscribed:
            await wire.subscribe("a")
        reply = await wire.ask(publish={"channel": "a", "data": 1})
        assert reply.get("error", {}).get("code") == code


async def test_unknown_channel_102_and_no_channel_107(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(publish={"channel": "other:a", "data": 1}) == 102
        assert await wire.error(publish={"channel": "", "data": 1}) == 107


async def test_oversized_publication_is_an_error_not_the_end(encoding: str) -> None:
    hub = named_hub(max_publication_size=1000)
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(publish={"channel": "a", "data": "x" * 999}) == 106
        await wire.nothing()
        await wire.result(publish={"channel": "a", "data": "x" * 998})
        assert len((await wire.push("pub", "a"))["data"]) == 998


async def test_publication_at_the_default_limit_is_an_error_not_the_end(encoding: str) -> None:
    """A publication of 64 KiB does not fit; its frame, which is a little longer, must not end the session (1009)."""
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(publish={"channel": "a", "data": "x" * 65_535}) == 106
        await wire.result(publish={"channel": "a", "data": "x" * 65_000})


async def test_rate_111(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", publish_rate=0.001)
    hub.namespace("free")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.subscribe("b")
        await wire.subscribe("free:a")
        await wire.result(publish={"channel": "a", "data": 1})
        reply = await wire.ask(publish={"channel": "a", "data": 2})
        assert reply["error"] == {"code": 111, "message": "too many requests", "temporary": True}
        await wire.result(publish={"channel": "b", "data": 1})
        for _ in range(20):
            await wire.result(publish={"channel": "free:a", "data": 1})


async def test_publications_of_one_channel_come_in_their_order(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", history=1000, ttl=60.0, recovery=True)
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as one,
        connected(address, encoding, "43") as other,
    ):
        await one.subscribe("a")
        await other.subscribe("a")

        async def publish(wire: Any, name: str) -> None:
            for number in range(50):
                await wire.send({"id": wire.number(), "publish": {"channel": "a", "data": [name, number]}})

        await asyncio.gather(publish(one, "one"), publish(other, "other"))
        for wire in (one, other):
            pubs: list[dict[str, Any]] = []
            while len(pubs) < 100:
                reply = await wire.next()
                if "push" in reply:
                    pubs.append(reply["push"]["pub"])
            assert [pub["offset"] for pub in pubs] == list(range(1, 101))
            for name in ("one", "other"):
                assert [pub["data"][1] for pub in pubs if pub["data"][0] == name] == list(range(50))


async def test_bytes_that_are_not_json_reach_protobuf_and_close_json_3506() -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "protobuf", "42") as binary,
        connected(address, "json", "43") as text,
    ):
        await binary.subscribe("a")
        await text.subscribe("a")
        await hub.publish("a", b"\x00\xff\n")
        assert (await binary.push("pub", "a"))["data"] == b"\x00\xff\n"
        assert await text.closed() == 3506


async def test_what_a_client_publishes_that_is_not_json_closes_json_3506() -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "protobuf", "42") as binary,
        connected(address, "json", "43") as text,
    ):
        await binary.subscribe("a")
        await text.subscribe("a")
        # publish=7 {channel=1 "a", data=2 "{}\n{}"}: two JSON values, the second of which would be a push
        await binary.send_raw(b"\x0e\x08\x4d\x3a\x0a\x0a\x01a\x12\x05{}\n{}")
        await binary.reply(77)
        assert await text.closed() == 3506
