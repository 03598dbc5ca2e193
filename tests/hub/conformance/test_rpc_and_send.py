"""Remote calls and messages without an answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub import Disconnect, Hub, Refused, Session, Unauthorized

from .wire import connected, named_hub, serving


def rpc_hub() -> Hub:
    hub = named_hub()

    @hub.rpc("echo")
    async def echo(session: Session, data: Any) -> Any:
        await asyncio.sleep(0)
        return data

    @hub.rpc("nothing")
    def nothing(session: Session) -> None:
        pass

    @hub.rpc("who")
    def who(session: Session) -> Any:
        return {"user": session.user}

    @hub.rpc("refuse")
    def refuse(session: Session, data: Any) -> None:
        raise Refused(data["code"], data.get("message"), temporary=data.get("temporary"))

    @hub.rpc("unauthorized")
    def unauthorized(session: Session) -> None:
        raise Unauthorized

    @hub.rpc("fail")
    async def fail(session: Session) -> None:
        await asyncio.sleep(0)
        raise ValueError("a secret of the application")

    @hub.rpc("away")
    def away(session: Session, data: Any) -> None:
        raise Disconnect(data, "away")

    return hub


@pytest.mark.parametrize("data", [{"a": [1, "два"]}, None, 0, False, "", [], "🚀" * 100], ids=str)
async def test_answer(encoding: str, data: Any) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        result = await wire.result(rpc={"method": "echo", "data": data})
        assert result.get("data") == data


async def test_answers_of_all_kinds(encoding: str) -> None:
    values = [{"bytes": b"\x00\xff"}, ["a\nb\u2028", {}], "a\r\n", 7, 1.5, float("nan"), True, "", []]
    same = [{"bytes": "AP8="}, ["a\nb\u2028", {}], "a\r\n", 7, 1.5, None, True, "", []]
    hub = named_hub()

    @hub.rpc("plain")
    def plain(session: Session, at: int) -> Any:
        return values[at]

    @hub.rpc("async")
    async def at_once(session: Session, at: int) -> Any:
        return values[at]

    @hub.rpc("strange")
    def strange(session: Session) -> Any:
        return {"strange": object()}

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        for method in ("plain", "async"):
            for at, value in enumerate(same):
                assert await wire.result(rpc={"method": method, "data": at}) == {"data": value}
        assert await wire.error(rpc={"method": "strange"}) == 100
        assert await wire.result(rpc={"method": "plain", "data": 3}) == {"data": 7}


async def test_empty_result_is_there(encoding: str) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        reply = await wire.ask(rpc={"method": "nothing"})
        assert set(reply) == {"rpc"}
        assert reply["rpc"].get("data") is None


async def test_session_is_known(encoding: str) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        assert await wire.result(rpc={"method": "who"}) == {"data": {"user": "42"}}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"code": 400}, {"code": 400, "message": "refused"}),
        ({"code": 1999, "message": "нет"}, {"code": 1999, "message": "нет"}),
        (
            {"code": 500, "message": "later", "temporary": True},
            {"code": 500, "message": "later", "temporary": True},
        ),
        ({"code": 103}, {"code": 103, "message": "permission denied"}),
        ({"code": 111}, {"code": 111, "message": "too many requests", "temporary": True}),
    ],
    ids=str,
)
async def test_refusals(encoding: str, data: dict[str, Any], error: dict[str, Any]) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        assert await wire.ask(rpc={"method": "refuse", "data": data}) == {"error": error}
        assert await wire.error(rpc={"method": "unauthorized"}) == 101


async def test_fault_is_100_and_tells_nothing(encoding: str) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        reply = await wire.ask(rpc={"method": "fail"})
        assert reply == {"error": {"code": 100, "message": "internal server error", "temporary": True}}
        await wire.result(rpc={"method": "echo", "data": 1})


async def test_disconnect(encoding: str) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": wire.number(), "rpc": {"method": "away", "data": 4400}})
        assert await wire.closed() == 4400


async def test_unknown_method_104(encoding: str) -> None:
    async with serving(rpc_hub()) as address, connected(address, encoding, "42") as wire:
        for method in ("unknown", ""):
            assert await wire.error(rpc={"method": method, "data": 1}) == 104


async def test_no_methods_at_all_108(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(rpc={"method": "any", "data": 1}) == 108


async def test_answers_that_are_not_json(encoding: str) -> None:
    """To a client that speaks JSON they cannot be told: 3506."""
    hub = rpc_hub()

    @hub.rpc("bytes")
    def some(session: Session) -> bytes:
        return b"\xff\x00"

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"id": 99, "rpc": {"method": "bytes"}})
        if encoding == "json":
            assert await wire.closed() == 3506
        else:
            assert await wire.reply(99) == {"rpc": {"data": b"\xff\x00"}}


async def test_send_has_no_reply(encoding: str) -> None:
    hub = rpc_hub()
    heard: list[Any] = []

    @hub.on_message
    def note(session: Session, data: Any) -> None:
        heard.append(data)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"send": {"data": {"a": "б"}}})
        await wire.send({"send": {"data": 2}}, {"send": {"data": 3}})
        await wire.nothing()
    assert heard == [{"a": "б"}, 2, 3]


async def test_refused_send_is_not_answered(encoding: str) -> None:
    hub = rpc_hub()

    @hub.on_message
    def refuse(session: Session, data: Any) -> None:
        raise Refused(400)

    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.send({"send": {"data": 1}})
        await wire.nothing()


async def test_send_where_nobody_listens_3508(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding, "42") as wire:
        await wire.send({"send": {"data": 1}})
        assert await wire.closed() == 3508


async def test_session_send(encoding: str) -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        hub.sessions[wire.client].send({"for": "тебя"})
        assert await wire.push("message") == {"data": {"for": "тебя"}}


async def test_what_a_client_began_ends_with_it(encoding: str) -> None:
    hub = named_hub()
    entered, cancelled = asyncio.Event(), asyncio.Event()

    @hub.rpc("long")
    async def long(session: Session) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(hub) as address:
        async with connected(address, encoding, "42") as wire:
            await wire.send({"id": 5, "rpc": {"method": "long"}})
            await entered.wait()
        await cancelled.wait()
