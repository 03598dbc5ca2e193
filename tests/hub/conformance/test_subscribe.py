"""Subscribe and unsubscribe: who may, what the reply says, and that it comes before all publications."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest

from openline.hub import ClientInfo, Disconnect, Hub, Refused, Session, Subscribe, TokenOptions
from openline.hub.brokers.memory import MemoryBroker

from .wire import connected, named_hub, serving

KEY = "a key for the tests of conformance, of enough bytes"


def token(key: str = KEY, **claims: Any) -> str:
    return jwt.encode({"sub": "42", "exp": int(time.time()) + 3600, **claims}, key, algorithm="HS256")


def hub_with_tokens(**namespace: Any) -> Hub:
    """Users are believed; channels of ``room`` need a token."""
    hub = named_hub(subscription_token=TokenOptions(hmac_secret=KEY))
    hub.namespace("room", subscribe="nobody", **namespace)
    return hub


async def test_result_of_a_plain_channel_is_empty(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.subscribe("a") == {}


async def test_result_of_a_recoverable_channel(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        first = await wire.subscribe("chat:a")
        assert first["recoverable"] is True
        assert first["positioned"] is True
        assert first["epoch"]
        assert "offset" not in first
        assert "recovered" not in first
        await hub.publish("chat:a", 1)
        assert (await wire.push("pub", "chat:a"))["offset"] == 1
        await wire.result(unsubscribe={"channel": "chat:a"})
        assert (await wire.subscribe("chat:a"))["offset"] == 1


async def test_result_of_a_positioned_channel(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0, positioned=True)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        result = await wire.subscribe("chat:a", recover=True)
        assert result["positioned"] is True
        assert "recoverable" not in result
        assert "recovered" not in result


async def test_history_alone_promises_nothing(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat", history=10, ttl=60.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        result = await wire.subscribe("chat:a", positioned=True, recoverable=True, recover=True)
        assert {"recoverable", "recovered"}.isdisjoint(result)


async def test_twice_105(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(subscribe={"channel": "a"}) == 105
        await hub.publish("a", "still there, once")
        await wire.push("pub", "a")
        await wire.nothing()


async def test_twice_in_one_frame_105(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")

    @hub.on_subscribe
    async def slow(session: Session, channel: str) -> None:
        await asyncio.sleep(0.01)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send(
            {"id": 100, "subscribe": {"channel": "a"}},
            {"id": 101, "subscribe": {"channel": "a"}},
        )
        assert (await wire.next()).keys() == {"id", "subscribe"}
        assert (await wire.next())["error"]["code"] == 105


async def test_unknown_namespace_102(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("chat")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": "other:a"}) == 102
        assert await wire.error(subscribe={"channel": "a"}) == 102


@pytest.mark.parametrize("channel", ["", "a" * 256], ids=["empty", "long"])
async def test_bad_name_107(encoding: str, channel: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": channel}) == 107


async def test_longest_name(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("ж" * 255)


async def test_too_many_channels_106(encoding: str) -> None:
    hub = named_hub(max_channels=2)
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.subscribe("b")
        assert await wire.error(subscribe={"channel": "c"}) == 106
        await wire.result(unsubscribe={"channel": "a"})
        await wire.subscribe("c")


async def test_too_many_subscribers_106(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", max_subscribers=1)
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as one,
        connected(address, encoding, "43") as other,
    ):
        await one.subscribe("a")
        assert await other.error(subscribe={"channel": "a"}) == 106
        await one.result(unsubscribe={"channel": "a"})
        await other.subscribe("a")


async def test_anonymous_103(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    hub.namespace("open", subscribe="anyone")
    async with serving(hub) as address, connected(address, encoding) as wire:
        assert await wire.error(subscribe={"channel": "a"}) == 103
        await wire.subscribe("open:a")


@pytest.mark.parametrize(
    ("channel", "allowed"), [("dm#42", True), ("dm#41,42", True), ("dm#4", False), ("dm#", False)]
)
async def test_channels_of_users(encoding: str, channel: str, allowed: bool) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        reply = await wire.ask(subscribe={"channel": channel})
        assert reply.get("error", {}).get("code") == (None if allowed else 103)


async def test_tags_filter_108(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    condition: dict[str, Any] = {"key": "a", "cmp": "eq", "val": "b"}
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": "a", "tf": condition}) == 108
        await hub.publish("a", "nobody hears this", tags={"a": "c"})
        await wire.nothing()


async def test_map_and_poll_subscriptions_108() -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        for kind in (1, 2, 3):
            assert await wire.error(subscribe={"channel": "a", "type": kind}) == 108


async def test_map_subscriptions_108_in_protobuf() -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, "protobuf", "42") as wire:
        # channel=1 "a", type=15: 1; in command 5 of id 77
        await wire.send_raw(b"\x09\x08\x4d\x2a\x05\x0a\x01a\x78\x01")
        assert (await wire.reply(77))["error"]["code"] == 108


async def test_flags_that_are_not_known_are_ignored(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.subscribe("a", flag=1) == {}


# The application decides.


async def test_data_of_the_hook(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("", subscribe="nobody")

    @hub.on_subscribe
    async def let_in(session: Session, channel: str, data: Any) -> Subscribe:
        return Subscribe(data={"heard": data}, expire_at=time.time() + 50)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        result = await wire.subscribe("a", data=["да"])
        assert result["data"] == {"heard": ["да"]}
        assert result["expires"] is True
        assert 45 <= result["ttl"] <= 50


async def test_refusal_of_the_hook(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")

    @hub.on_subscribe
    def refuse(session: Session, channel: str) -> None:
        raise Refused(777, "no")

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.ask(subscribe={"channel": "a"}) == {"error": {"code": 777, "message": "no"}}
        await hub.publish("a", 1)
        await wire.nothing()


async def test_fault_of_the_hook_is_100_for_the_command_alone(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    hub.namespace("good")

    @hub.namespaces[""].on_subscribe
    def fail(session: Session, channel: str) -> None:
        raise KeyError("secret")

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        reply = await wire.ask(subscribe={"channel": "a"})
        assert reply["error"] == {"code": 100, "message": "internal server error", "temporary": True}
        await wire.subscribe("good:a")


async def test_disconnect_of_the_hook(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")

    @hub.on_subscribe
    def away(session: Session, channel: str) -> None:
        raise Disconnect(4500, "out")

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": wire.number(), "subscribe": {"channel": "a"}})
        assert await wire.closed() == 4500


# Subscription tokens.


async def test_token(encoding: str) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": "room:a"}) == 103
        result = await wire.subscribe("room:a", token=token(channel="room:a"))
        assert result["expires"] is True
        assert 3590 <= result["ttl"] <= 3600


async def test_token_of_another_key_103(encoding: str) -> None:
    other = token("a key that nobody here knows, of as many bytes too", channel="room:a")
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": "room:a", "token": other}) == 103
        assert await wire.error(subscribe={"channel": "room:a", "token": "nonsense"}) == 103


async def test_expired_token_109(encoding: str) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        old = token(channel="room:a", exp=1)
        assert await wire.error(subscribe={"channel": "room:a", "token": old}) == 109


@pytest.mark.parametrize("claims", [{"channel": "room:b"}, {"channel": "room:a", "sub": "43"}])
async def test_token_of_another_channel_or_user_3500(encoding: str, claims: dict[str, Any]) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 9, "subscribe": {"channel": "room:a", "token": token(**claims)}})
        assert await wire.closed() == 3500


async def test_token_without_a_channel_103(encoding: str) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(subscribe={"channel": "room:a", "token": token()}) == 103


async def test_sub_refresh(encoding: str) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("room:a", token=token(channel="room:a", exp=int(time.time()) + 5))
        longer = token(channel="room:a", exp=int(time.time()) + 1000)
        result = await wire.result(sub_refresh={"channel": "room:a", "token": longer})
        assert result["expires"] is True
        assert 990 <= result["ttl"] <= 1000


async def test_sub_refresh_errors(encoding: str) -> None:
    async with serving(hub_with_tokens()) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(sub_refresh={"channel": "room:a", "token": token(channel="room:a")}) == 103
        await wire.subscribe("room:a", token=token(channel="room:a"))
        assert await wire.error(sub_refresh={"channel": "room:a"}) == 107
        assert await wire.error(sub_refresh={"token": token(channel="room:a")}) == 107
        old = token(channel="room:a", exp=1)
        assert await wire.error(sub_refresh={"channel": "room:a", "token": old}) == 109


async def test_expired_subscription_2501(encoding: str) -> None:
    hub = named_hub(
        subscription_token=TokenOptions(hmac_secret=KEY),
        expiry_grace=0.0,
        ping_interval=5.0,
        pong_timeout=4.0,
    )
    hub.namespace("room", subscribe="nobody")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("room:a", token=token(channel="room:a", exp=int(time.time()) + 1))
        told = await wire.push("unsubscribe", "room:a")
        assert told == {"code": 2501, "reason": "subscription expired"}
        await hub.publish("room:a", "too late")
        await wire.nothing()


# The end.


async def test_unsubscribe(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        assert await wire.result(unsubscribe={"channel": "a"}) == {}
        await hub.publish("a", "too late")
        await wire.nothing()


async def test_unsubscribe_from_nothing(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding, "42") as wire:
        assert await wire.result(unsubscribe={"channel": "nowhere"}) == {}


async def test_on_unsubscribe_says_why(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")
    ended: list[tuple[str, int]] = []
    two = asyncio.Event()

    @hub.on_unsubscribe
    def note(session: Session, channel: str, code: int) -> None:
        ended.append((channel, code))
        if len(ended) == 2:
            two.set()

    async with serving(hub) as address:
        async with connected(address, encoding, "42") as wire:
            await wire.subscribe("a")
            await wire.subscribe("b")
            await wire.result(unsubscribe={"channel": "a"})
        await two.wait()
    assert ended == [("a", 0), ("b", 1)]


# The order: the reply first, then every publication once, whatever goes on.


@pytest.mark.parametrize("recovery", [True, False])
async def test_reply_precedes_publications_under_a_publisher_that_never_stops(
    encoding: str, recovery: bool
) -> None:
    hub = named_hub()
    options: dict[str, Any] = {"history": 1000, "ttl": 60.0, "recovery": True} if recovery else {}
    hub.namespace("", **options)
    stop = False

    async def publish() -> None:
        number = 0
        while not stop:
            number += 1
            await hub.publish("a", number)
            await asyncio.sleep(0)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        publishing = asyncio.create_task(publish())
        for _ in range(30):
            number = wire.number()
            await wire.send({"id": number, "subscribe": {"channel": "a"}})
            reply = await wire.next()
            assert reply.get("id") == number, "a publication came before the reply"
            last = reply["subscribe"].get("offset", 0)
            for _ in range(3):
                pub = await wire.push("pub", "a")
                if recovery:
                    assert pub["offset"] == last + 1
                    assert pub["data"] == pub["offset"]
                    last = pub["offset"]
                else:
                    assert last in (0, pub["data"] - 1)
                    last = pub["data"]
            number = wire.number()
            await wire.send({"id": number, "unsubscribe": {"channel": "a"}})
            while "id" not in (reply := await wire.next()):
                assert reply["push"]["pub"]["data"] == last + 1
                last += 1
            assert reply["id"] == number
        stop = True
        await publishing


async def test_what_is_published_while_the_stream_is_read_comes_once(encoding: str) -> None:
    """A hook holds the answer back after the channel is listened to, and before the stream is read."""
    hub = named_hub()
    hub.namespace("", history=100, ttl=60.0, recovery=True)
    entered = asyncio.Event()
    go_on = asyncio.Event()

    @hub.on_occupied
    async def wait(channel: str) -> None:
        entered.set()
        await go_on.wait()

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish("a", 1)
        number = wire.number()
        await wire.send({"id": number, "subscribe": {"channel": "a"}})
        await entered.wait()
        await hub.publish("a", 2)
        go_on.set()
        result = (await wire.next())["subscribe"]
        await hub.publish("a", 3)
        offsets = range(result["offset"] + 1, 4)
        for offset in offsets:
            assert (await wire.push("pub", "a"))["offset"] == offset
        await wire.nothing()


class SlowBroker(MemoryBroker):
    """The broker in memory, which takes its time for presence: after the stream was read, before the reply."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def add_presence(self, channel: str, client: str, info: ClientInfo) -> None:
        self.entered.set()
        await self.go_on.wait()
        await super().add_presence(channel, client, info)


@pytest.mark.parametrize("recovery", [True, False])
async def test_what_is_published_after_the_stream_was_read_comes_behind_the_reply(
    encoding: str, recovery: bool
) -> None:
    broker = SlowBroker()
    hub = named_hub(broker)
    hub.namespace("", history=100, ttl=60.0, presence=True, recovery=recovery)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await hub.publish("a", 1)
        number = wire.number()
        await wire.send({"id": number, "subscribe": {"channel": "a"}})
        await broker.entered.wait()
        await hub.publish("a", 2)
        await hub.publish("a", 3)
        broker.go_on.set()
        reply = await wire.next()
        assert reply.get("id") == number, "a publication came before the reply"
        assert reply["subscribe"].get("offset", 0) == (1 if recovery else 0)
        assert [(await wire.push("pub", "a"))["offset"] for _ in range(2)] == [2, 3]
        await wire.nothing()


async def test_commands_are_answered_in_their_order(encoding: str) -> None:
    hub = named_hub()
    hub.namespace("")

    @hub.rpc("wait")
    async def wait(session: Session, data: float) -> float:
        await asyncio.sleep(data)
        return data

    @hub.rpc("now")
    def now(session: Session, data: float) -> float:
        return data

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        commands: list[dict[str, Any]] = [
            {"id": 100, "rpc": {"method": "wait", "data": 0.02}},
            {"id": 101, "rpc": {"method": "now", "data": 0}},
            {"id": 102, "subscribe": {"channel": "a"}},
            {"id": 103, "publish": {"channel": "a", "data": 1}},
            {"id": 104, "rpc": {"method": "wait", "data": 0.01}},
            {"id": 105, "unsubscribe": {"channel": "a"}},
            {"id": 106, "rpc": {"method": "now", "data": 0}},
        ]
        await wire.send(*commands[:4])
        await wire.send(*commands[4:])
        came = [await wire.next() for _ in range(8)]
        assert [reply["id"] for reply in came if "id" in reply] == [100, 101, 102, 103, 104, 105, 106]


async def test_concurrency_lets_commands_overtake_but_not_in_one_channel(encoding: str) -> None:
    hub = named_hub(concurrency=4)
    hub.namespace("", publish="users")
    order: list[Any] = []

    @hub.on_publish
    async def slow_first(session: Session, channel: str, data: Any) -> None:
        if data == 1:
            await asyncio.sleep(0.02)
        order.append((channel, data))

    @hub.rpc("now")
    def now(session: Session, data: Any) -> None:
        order.append("rpc")

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        await wire.send(
            {"id": 100, "publish": {"channel": "a", "data": 1}},
            {"id": 101, "publish": {"channel": "a", "data": 2}},
            {"id": 102, "rpc": {"method": "now"}},
        )
        for number in (100, 101, 102):
            await wire.reply(number)
    assert order == ["rpc", ("a", 1), ("a", 2)]
