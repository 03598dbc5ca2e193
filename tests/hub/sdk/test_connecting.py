"""Connecting: names and tokens, refreshing them, and who is turned away."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest

from openline.hub import Connect, Hub, Refused, Session, TokenOptions, Unauthorized
from tests.hub.conformance.wire import named_hub

from .client import SDK, Address, Settings
from .line import served

KEY = "a key for the tests of the SDKs, of enough bytes"


def token(lifetime: float = 3600.0, **claims: Any) -> str:
    return jwt.encode({"sub": "42", "exp": int(time.time() + lifetime), **claims}, KEY, algorithm="HS256")


def token_hub(**options: Any) -> Hub:
    return Hub(token=TokenOptions(hmac_secret=KEY), **options)


def here(port: int) -> Address:
    return Address(f"127.0.0.1:{port}")


async def test_connect_with_data_both_ways(sdk: SDK) -> None:
    hub = Hub()
    sessions: list[Session] = []

    @hub.on_connect
    async def who(session: Session, data: Any) -> Connect:
        sessions.append(session)
        return Connect(user="42", data={"hello": data["name"]})

    async with (
        served(hub) as port,
        sdk.client(here(port), Settings(data={"name": "Аня"}, name="tester", version="7")) as client,
    ):
        connected = await client.connected()
        assert connected["data"] == {"hello": "Аня"}
        assert connected["client"] == sessions[0].client
        assert (sessions[0].name, sessions[0].version) == ("tester", "7")
        assert sessions[0].encoding == sdk.encoding
        assert sessions[0].transport.name == sdk.transport
        await client.disconnect()
        assert (await client.until("disconnected"))["code"] == 0


@pytest.mark.parametrize("refusal", [Unauthorized(), Refused(1234, "нет")], ids=str)
async def test_refused_by_the_application(sdk: SDK, refusal: Refused) -> None:
    hub = Hub()

    @hub.on_connect
    def who(session: Session) -> str:
        raise refusal

    async with served(hub) as port, sdk.client(here(port), Settings()) as client:
        await client.connect()
        gone = await client.until("disconnected")
        assert (gone["code"], gone["reason"]) == (refusal.code, refusal.message)


async def test_temporary_refusal_is_tried_again(sdk: SDK) -> None:
    hub = Hub()
    tries = 0

    @hub.on_connect
    def who(session: Session) -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Refused(100)
        return "42"

    async with served(hub) as port, sdk.client(here(port), Settings()) as client:
        await client.connected()
        assert tries == 3


async def test_token(sdk: SDK) -> None:
    hub = token_hub()
    async with served(hub) as port, sdk.client(here(port), Settings(token=token())) as client:
        connected = await client.connected()
        assert hub.sessions[connected["client"]].user == "42"


async def test_token_by_function(sdk: SDK) -> None:
    asked = 0

    def get_token() -> str:
        nonlocal asked
        asked += 1
        return token()

    async with served(token_hub()) as port, sdk.client(here(port), Settings(get_token=get_token)) as client:
        await client.connected()
        assert asked == 1


async def test_expired_token_is_replaced(sdk: SDK) -> None:
    settings = Settings(token=token(-10), get_token=token)
    async with served(token_hub()) as port, sdk.client(here(port), settings) as client:
        connected = await client.connected()
        assert connected["client"]
        assert not client.seen("disconnected")


async def test_token_is_refreshed_before_it_expires(sdk: SDK) -> None:
    hub = token_hub(expiry_grace=3.0)
    tokens = [token(2), token(3600)]
    async with (
        served(hub) as port,
        sdk.client(here(port), Settings(get_token=lambda: tokens.pop(0))) as client,
    ):
        connected = await client.connected()
        session = hub.sessions[connected["client"]]
        expire_at = session.expire_at
        while session.expire_at == expire_at:
            assert not session.closed
            await asyncio.sleep(0.02)
        assert session.expire_at > time.time() + 3000
        assert tokens == []
        assert not client.seen("disconnected")


async def test_foreign_token_is_terminal_3500(sdk: SDK) -> None:
    bad = jwt.encode({"sub": "42"}, "another key, of which nobody here has heard anything", algorithm="HS256")
    async with served(token_hub()) as port, sdk.client(here(port), Settings(token=bad)) as client:
        await client.connect()
        gone = await client.until("disconnected")
        assert (gone["code"], gone["reason"]) == (3500, "invalid token")


async def test_two_clients_of_a_user(sdk: SDK) -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        served(hub) as port,
        sdk.client(here(port), Settings(data={"user": "42"})) as one,
        sdk.client(here(port), Settings(data={"user": "42"})) as two,
    ):
        assert (await one.connected())["client"] != (await two.connected())["client"]
        assert len(hub.users.of("42")) == 2
        await one.subscribed("a")
        await two.subscribed("a")
        await one.call("publish", channel="a", data="оба")
        assert await one.publications("a", 1) == await two.publications("a", 1) == ["оба"]


async def test_headers_of_the_request(sdk: SDK) -> None:
    """For applications that have sessions: a cookie says who it is."""
    hub = Hub()

    @hub.on_connect
    def who(session: Session) -> Connect:
        return Connect(user="42", data=session.request.headers.get("Cookie", ""))

    async with (
        served(hub) as port,
        sdk.client(here(port), Settings(headers={"Cookie": "session=xyz"})) as client,
    ):
        cookie = (await client.connected()).get("data")
        # centrifuge-js can set headers on Node's WebSocket alone, and centrifuge-python has its in the connect command.
        if sdk.name in ("node-json", "node-protobuf"):
            assert cookie == "session=xyz"
