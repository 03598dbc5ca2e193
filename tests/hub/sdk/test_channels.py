"""Subscribing, publishing, presence, history, join and leave, calls, messages, and what is refused."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest

from openline.hub import Connect, Hub, Refused, Session, Subscribe, TokenOptions
from tests.hub.conformance.wire import named_hub

from .client import SDK, Address, Settings
from .line import served

KEY = "a key for the tests of the SDKs, of enough bytes"
AS_42 = Settings(data={"user": "42"})


def token(channel: str, lifetime: float = 3600.0, **claims: Any) -> str:
    claims = {"sub": "42", "channel": channel, "exp": int(time.time() + lifetime), **claims}
    return jwt.encode(claims, KEY, algorithm="HS256")


def here(port: int) -> Address:
    return Address(f"127.0.0.1:{port}")


PAYLOADS: list[Any] = [
    {"text": "привет, 世界 🚀", "lines": "a\nb\r\n"},
    [1, [2.5, None], True],
    "строка",
    0,
    {"push": {"channel": "b"}},
]


@pytest.mark.parametrize("data", PAYLOADS, ids=str)
async def test_publish(sdk: SDK, data: Any) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0)
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        connected = await client.connected()
        await client.subscribed("a")
        await client.call("publish", channel="a", data=data)
        pub = await client.until("publication", "a")
        assert pub["data"] == data
        assert pub["offset"] == 1
        assert (pub["info"]["user"], pub["info"]["client"]) == ("42", connected["client"])
        await hub.publish("a", data, tags={"from": "сервер"})
        pub = await client.until("publication", "a")
        assert pub["data"] == data
        assert pub["tags"] == {"from": "сервер"}
        assert not pub.get("info")


async def test_subscribe_with_data(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("", subscribe="nobody")

    @hub.on_subscribe
    def let_in(session: Session, channel: str, data: Any) -> Subscribe:
        return Subscribe(data={"heard": data})

    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        subscribed = await client.subscribed("a", data=["раз"])
        assert subscribed["data"] == {"heard": ["раз"]}
        assert not subscribed["recoverable"]
        assert not subscribed["was_recovering"]
        await client.unsubscribe("a")
        await client.until("unsubscribed", "a")
        await hub.publish("a", "too late")
        await client.subscribed("a", data=[])
        await hub.publish("a", "in time")
        assert await client.publications("a", 1) == ["in time"]


async def test_subscribing_before_connecting(sdk: SDK) -> None:
    """The SDKs send both in one frame, while authentication takes its time."""
    hub = Hub()
    hub.namespace("")

    @hub.on_connect
    async def who(session: Session) -> str:
        await asyncio.sleep(0.02)
        return "42"

    async with served(hub) as port, sdk.client(here(port), Settings()) as client:
        for channel in ("a", "b", "c"):
            await client.subscribe(channel)
        await client.connected()
        for channel in ("a", "b", "c"):
            await client.until("subscribed", channel)
            await hub.publish(channel, channel)
            assert await client.publications(channel, 1) == [channel]


async def test_presence(sdk: SDK) -> None:
    hub = Hub()
    hub.namespace("", presence=True)

    @hub.on_connect
    def who(session: Session, data: Any) -> Connect:
        return Connect(user=data["user"], info={"имя": data["user"]})

    @hub.on_subscribe
    def let_in(session: Session, channel: str) -> Subscribe:
        return Subscribe(info={"role": "guest"})

    async with (
        served(hub) as port,
        sdk.client(here(port), AS_42) as one,
        sdk.client(here(port), Settings(data={"user": "43"})) as two,
    ):
        ids = [(await client.connected())["client"] for client in (one, two)]
        for client in (one, two):
            await client.subscribed("a")
        clients = (await one.call("presence", channel="a"))["clients"]
        assert set(clients) == set(ids)
        assert clients[ids[1]] == {
            "user": "43",
            "client": ids[1],
            "conn_info": {"имя": "43"},
            "chan_info": {"role": "guest"},
        }
        stats = await one.call("presence_stats", channel="a")
        assert (stats["num_clients"], stats["num_users"]) == (2, 2)
        await two.disconnect()
        while (await one.call("presence_stats", channel="a"))["num_clients"] != 1:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0.01)


async def test_empty_presence_and_history(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("", presence=True, history=5, ttl=60.0, read_presence="anyone", read_history="anyone")
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        assert (await client.call("presence", channel="a"))["clients"] == {}
        stats = await client.call("presence_stats", channel="a")
        assert (stats["num_clients"], stats["num_users"]) == (0, 0)
        history = await client.call("history", channel="a", limit=10)
        assert (history["publications"], history["offset"]) == ([], 0)
        assert history["epoch"]


async def test_history(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0)
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.subscribed("a")
        for number in range(1, 6):
            await hub.publish("a", {"n": number})
        await client.publications("a", 5)
        top = await client.call("history", channel="a", limit=0)
        assert (top["publications"], top["offset"]) == ([], 5)
        whole = await client.call("history", channel="a", limit=-1)
        assert [(one["offset"], one["data"]["n"]) for one in whole["publications"]] == [
            (n, n) for n in range(1, 6)
        ]
        since = {"offset": 2, "epoch": top["epoch"]}
        some = await client.call("history", channel="a", limit=2, since=since)
        assert [one["offset"] for one in some["publications"]] == [3, 4]
        back = await client.call("history", channel="a", limit=2, reverse=True)
        assert [one["offset"] for one in back["publications"]] == [5, 4]
        wrong = {"offset": 2, "epoch": "another"}
        assert await client.error("history", channel="a", limit=2, since=wrong) == 112


async def test_join_and_leave(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("", join_leave=True)
    async with (
        served(hub) as port,
        sdk.client(here(port), AS_42) as one,
        sdk.client(here(port), Settings(data={"user": "43"})) as two,
    ):
        await one.connected()
        other = (await two.connected())["client"]
        await one.subscribed("a")
        assert (await one.until("join", "a"))["info"]["user"] == "42"
        await two.subscribed("a")
        assert (await one.until("join", "a"))["info"]["client"] == other
        await two.unsubscribe("a")
        assert (await one.until("leave", "a"))["info"]["client"] == other
        await two.subscribed("a")
        await one.until("join", "a")
        await two.disconnect()
        assert (await one.until("leave", "a"))["info"]["client"] == other


# Calls.


def rpc_hub() -> Hub:
    hub = named_hub()

    @hub.rpc("echo")
    async def echo(session: Session, data: Any) -> Any:
        return {"user": session.user, "data": data}

    @hub.rpc("nothing")
    def nothing(session: Session) -> None:
        pass

    @hub.rpc("refuse")
    def refuse(session: Session, data: Any) -> None:
        raise Refused(data, "потому")

    @hub.rpc("fail")
    def fail(session: Session) -> None:
        raise RuntimeError("a secret")

    return hub


async def test_rpc(sdk: SDK) -> None:
    async with served(rpc_hub()) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        answer = await client.call("rpc", method="echo", data={"вопрос": [1, 2]})
        assert answer["data"] == {"user": "42", "data": {"вопрос": [1, 2]}}
        answers = await asyncio.gather(*(client.call("rpc", method="echo", data=n) for n in range(50)))
        assert [answer["data"]["data"] for answer in answers] == list(range(50))
        assert (await client.call("rpc", method="nothing", data=0)).get("data") is None
        assert await client.error("rpc", method="refuse", data=1234) == 1234
        assert await client.error("rpc", method="fail", data=0) == 100
        assert await client.error("rpc", method="unknown", data=0) == 104
        assert not client.seen("disconnected")


async def test_rpc_where_there_is_none(sdk: SDK) -> None:
    async with served(named_hub()) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        assert await client.error("rpc", method="any", data=0) == 108


async def test_send_and_messages(sdk: SDK) -> None:
    if sdk.lacks & {"send", "message"}:
        pytest.skip(f"{sdk} knows no messages outside of channels")
    hub = named_hub()

    @hub.on_message
    def back(session: Session, data: Any) -> None:
        session.send({"you said": data})

    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.call("send", data="привет")
        assert (await client.until("message"))["data"] == {"you said": "привет"}


# What is refused.


async def test_error_codes(sdk: SDK) -> None:
    hub = named_hub(max_publication_size=1000)
    hub.namespace("", publish_rate=0.001)
    hub.namespace("shut", publish="nobody", history=5, ttl=60.0, read_history="nobody")
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        assert await client.error("publish", channel="a", data=1) == 103
        assert await client.error("publish", channel="unknown:a", data=1) == 102
        await client.subscribed("a")
        assert await client.error("publish", channel="a", data="x" * 2000) == 106
        await client.call("publish", channel="a", data=1)
        assert await client.error("publish", channel="a", data=1) == 111
        assert await client.error("presence", channel="a") == 108
        assert await client.error("history", channel="a", limit=1) == 108
        await client.subscribed("shut:a")
        assert await client.error("publish", channel="shut:a", data=1) == 103
        assert await client.error("history", channel="shut:a", limit=1) == 103
        assert not client.seen("disconnected")


@pytest.mark.parametrize(("channel", "code"), [("unknown:a", 102), ("shut:a", 103), ("b#41", 103)])
async def test_refused_subscription_is_over(sdk: SDK, channel: str, code: int) -> None:
    hub = named_hub()
    hub.namespace("")
    hub.namespace("shut", subscribe="nobody")
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.subscribe(channel)
        assert (await client.until("unsubscribed", channel))["code"] == code
        await client.subscribed("a")


async def test_temporary_refusal_is_tried_again(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("")
    tries = 0

    @hub.on_subscribe
    def later(session: Session, channel: str) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Refused(100)

    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.subscribed("a")
        assert tries == 3


# Subscription tokens.


def room_hub(**options: Any) -> Hub:
    hub = named_hub(subscription_token=TokenOptions(hmac_secret=KEY), **options)
    hub.namespace("room", subscribe="nobody")
    return hub


async def test_subscription_token(sdk: SDK) -> None:
    async with served(room_hub()) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.subscribed("room:a", token=token("room:a"))
        await client.subscribed("room:b", get_token=lambda: token("room:b"))
        await client.subscribe("room:c", token=token("room:c", sub="43"))
        assert (await client.until("disconnected"))["code"] == 3500


async def test_expired_subscription_token_is_replaced(sdk: SDK) -> None:
    async with served(room_hub()) as port, sdk.client(here(port), AS_42) as client:
        await client.connected()
        await client.subscribed("room:a", token=token("room:a", -10), get_token=lambda: token("room:a"))


async def test_subscription_token_is_refreshed(sdk: SDK) -> None:
    hub = room_hub(expiry_grace=3.0)
    tokens = [token("room:a", 2), token("room:a", 3600)]
    async with served(hub) as port, sdk.client(here(port), AS_42) as client:
        connected = await client.connected()
        await client.subscribed("room:a", get_token=lambda: tokens.pop(0))
        subscription = hub.sessions[connected["client"]].subscriptions["room:a"]
        expire_at = subscription.expire_at
        while subscription.expire_at == expire_at:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0.02)
        assert subscription.expire_at > time.time() + 3000
        assert not client.seen("unsubscribed", "room:a")
        assert not client.seen("subscribing", "room:a")
