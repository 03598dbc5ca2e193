"""Connect: who may come in, by when, and what stands in the reply."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import jwt
import pytest

from openline.hub import Connect, Disconnect, Hub, Refused, Session, Subscribe, TokenOptions, Unauthorized

from .wire import Closed, Wire, connected, named_hub, opened, serving

KEY = "a key for the tests of conformance, of enough bytes"
OTHER_KEY = "a key that nobody here knows, of as many bytes too"


def token(key: str = KEY, **claims: Any) -> str:
    return jwt.encode({"sub": "42", "exp": int(time.time()) + 3600, **claims}, key, algorithm="HS256")


def token_hub(**options: Any) -> Hub:
    return Hub(token=TokenOptions(hmac_secret=KEY), **options)


async def test_result_has_all_that_a_client_needs(encoding: str) -> None:
    hub = named_hub(ping_interval=25.0)
    async with serving(hub) as address, opened(address, encoding) as wire:
        before = int(time.time() * 1000)
        result = await wire.connect(data={"user": "42"}, name="js", version="1.2")
        assert set(result) == {"client", "version", "ping", "pong", "time"}
        assert (result["ping"], result["pong"]) == (25, True)
        assert before <= result["time"] <= time.time() * 1000
        assert result["version"]
        session = hub.sessions[result["client"]]
        assert (session.user, session.name, session.version, session.encoding) == (
            "42",
            "js",
            "1.2",
            encoding,
        )


async def test_client_ids_differ(encoding: str) -> None:
    async with (
        serving(named_hub()) as address,
        connected(address, encoding) as one,
        connected(address, encoding) as other,
    ):
        assert one.client != other.client


async def test_data_info_and_expiry_of_the_application(encoding: str) -> None:
    hub = Hub()

    @hub.on_connect
    async def who(session: Session, data: Any) -> Connect:
        assert data == {"hello": "мир"}
        return Connect(user="42", info={"name": "Ann"}, data=[1, "два"], expire_at=time.time() + 60)

    async with serving(hub) as address, opened(address, encoding) as wire:
        result = await wire.connect(data={"hello": "мир"})
        assert result["data"] == [1, "два"]
        assert result["expires"] is True
        assert 55 <= result["ttl"] <= 60


async def test_without_on_connect_and_key_nobody_gets_in_101(encoding: str) -> None:
    async with serving(Hub()) as address, opened(address, encoding) as wire:
        reply = await wire.ask(connect={})
        assert reply == {"error": {"code": 101, "message": "unauthorized"}}


async def test_insecure_lets_in(encoding: str) -> None:
    async with serving(Hub(insecure=True)) as address, connected(address, encoding) as wire:
        await wire.subscribe("any:thing")


@pytest.mark.parametrize(
    ("raised", "code", "temporary"),
    [
        (Unauthorized(), 101, False),
        (Unauthorized("no such user"), 101, False),
        (Refused(1234, "not on Sundays", temporary=True), 1234, True),
        (RuntimeError("a fault of the application"), 100, True),
    ],
    ids=lambda value: str(value),
)
@pytest.mark.filterwarnings("error")
async def test_refusals_of_on_connect(
    encoding: str, raised: Exception, code: int, temporary: bool, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub()

    @hub.on_connect
    async def who(session: Session) -> None:
        raise raised

    async with serving(hub) as address, opened(address, encoding) as wire:
        reply = await wire.ask(connect={})
        assert reply["error"]["code"] == code
        assert reply["error"].get("temporary", False) is temporary
        assert "fault of the application" not in reply["error"]["message"]
    assert not hub.sessions


@pytest.mark.parametrize("code", [3500, 4100, 4999])
async def test_disconnects_of_on_connect(encoding: str, code: int) -> None:
    hub = Hub()

    @hub.on_connect
    def who(session: Session) -> None:
        raise Disconnect(code, "so it is")

    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, "connect": {}})
        with pytest.raises(Closed) as closed:
            await wire.next()
        assert (closed.value.code, closed.value.reason) == (code, "so it is")


async def test_no_connect_in_time_3502(encoding: str) -> None:
    async with (
        serving(named_hub(connect_timeout=0.1, ping_interval=1.0, pong_timeout=0.5)) as address,
        opened(address, encoding) as wire,
    ):
        assert await wire.closed() == 3502


async def test_a_connect_that_takes_too_long_is_stale_3502(encoding: str) -> None:
    hub = Hub(connect_timeout=0.1, ping_interval=1.0, pong_timeout=0.5)
    cancelled = asyncio.Event()

    @hub.on_connect
    async def who(session: Session) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, "connect": {}})
        assert await wire.closed() == 3502
        await cancelled.wait()


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": "a"}},
        {"unsubscribe": {"channel": "a"}},
        {"publish": {"channel": "a", "data": 1}},
        {"presence": {"channel": "a"}},
        {"presence_stats": {"channel": "a"}},
        {"history": {"channel": "a"}},
        {"rpc": {"method": "a", "data": 1}},
        {"refresh": {"token": "a"}},
        {"sub_refresh": {"channel": "a", "token": "b"}},
    ],
    ids=lambda command: next(iter(command)),
)
async def test_anything_before_connect_3501(encoding: str, command: dict[str, Any]) -> None:
    async with serving(named_hub()) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, **command})
        assert await wire.closed() == 3501


async def test_send_before_connect_3501(encoding: str) -> None:
    async with serving(named_hub()) as address, opened(address, encoding) as wire:
        await wire.send({"send": {"data": 1}})
        assert await wire.closed() == 3501


async def test_connect_twice_3501(encoding: str) -> None:
    async with serving(named_hub()) as address, connected(address, encoding) as wire:
        await wire.send({"id": wire.number(), "connect": {}})
        assert await wire.closed() == 3501


# Commands behind a connect that is still running.


async def test_commands_wait_for_the_authentication_in_order(encoding: str) -> None:
    hub = Hub()
    hub.namespace("")
    let_in = asyncio.Event()

    @hub.on_connect
    async def who(session: Session) -> str:
        await let_in.wait()
        return "42"

    @hub.rpc("when")
    def when(session: Session, data: Any) -> Any:
        return data

    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.send(
            {"id": 1, "connect": {}},
            {"id": 2, "subscribe": {"channel": "a"}},
            {"id": 3, "rpc": {"method": "when", "data": 1}},
        )
        await wire.send({"id": 4, "rpc": {"method": "when", "data": 2}})
        while not hub._open:  # noqa: ASYNC110 - there is no event for this
            await asyncio.sleep(0)
        let_in.set()
        assert [(await wire.next())["id"] for _ in range(4)] == [1, 2, 3, 4]


async def test_what_came_with_a_refused_connect_is_discarded(encoding: str) -> None:
    hub = Hub()
    hub.namespace("")
    tries = 0

    @hub.on_connect
    async def who(session: Session) -> str:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0)
        if tries == 1:
            raise Unauthorized
        return "42"

    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "a"}})
        assert (await wire.next())["error"]["code"] == 101
        # The session still stands: the client may say who it is better.
        await wire.send({"id": 3, "connect": {}}, {"id": 4, "subscribe": {"channel": "a"}})
        assert [(await wire.next())["id"] for _ in range(2)] == [3, 4]


async def test_what_came_with_a_connect_refused_at_once_is_discarded(encoding: str) -> None:
    hub = Hub()

    @hub.on_connect
    def who(session: Session) -> None:
        raise Unauthorized

    async with serving(hub) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, "connect": {}}, {"id": 2, "subscribe": {"channel": "a"}})
        assert (await wire.next())["error"]["code"] == 101
        await wire.send({"id": 3, "connect": {}})
        assert (await wire.next())["id"] == 3


# Tokens.


async def test_token(encoding: str) -> None:
    hub = token_hub()
    hub.namespace("")
    async with serving(hub) as address, opened(address, encoding) as wire:
        result = await wire.connect(token=token(info={"name": "Ann"}, meta={"secret": 1}))
        session = hub.sessions[result["client"]]
        assert (session.user, dict(session.meta)) == ("42", {"secret": 1})
        assert result["expires"] is True
        assert 3590 <= result["ttl"] <= 3600
        assert "secret" not in str(wire.log)


async def test_token_without_expiry(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        result = await wire.connect(token=jwt.encode({"sub": "1"}, KEY, algorithm="HS256"))
        assert "expires" not in result
        assert "ttl" not in result


async def test_token_expire_at_zero_means_never(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        assert "expires" not in await wire.connect(token=token(expire_at=0))


async def test_token_expire_at_stands_before_exp(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        result = await wire.connect(token=token(expire_at=int(time.time()) + 100))
        assert 95 <= result["ttl"] <= 100


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "a.b.c",
        token(OTHER_KEY),
        jwt.encode({"sub": "42"}, None, algorithm="none"),
        jwt.encode({"sub": "42"}, KEY + "x" * 40, algorithm="HS512"),
    ],
    ids=["nonsense", "three parts", "foreign key", "none", "another algorithm's"],
)
async def test_bad_token_3500(encoding: str, bad: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        await wire.send({"id": 1, "connect": {"token": bad}})
        assert await wire.closed() == 3500


async def test_expired_token_109(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        assert await wire.error(connect={"token": token(exp=int(time.time()) - 10)}) == 109
        await wire.connect(token=token())


async def test_no_token_where_one_is_needed_101(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        assert await wire.error(connect={}) == 101


async def test_channels_of_the_token(encoding: str) -> None:
    hub = token_hub()
    hub.namespace("news", history=10, ttl=60.0, recovery=True)
    claims = {"channels": ["news:a"], "subs": {"news:b": {"data": {"welcome": True}}}}
    async with serving(hub) as address, opened(address, encoding) as wire:
        result = await wire.connect(token=token(**claims))
        assert set(result["subs"]) == {"news:a", "news:b"}
        assert result["subs"]["news:b"]["data"] == {"welcome": True}
        assert result["subs"]["news:a"]["recoverable"] is True
        await hub.publish("news:a", 1)
        assert (await wire.push("pub", "news:a"))["data"] == 1


# Refresh.


async def test_refresh(encoding: str) -> None:
    async with serving(token_hub()) as address, opened(address, encoding) as wire:
        connected = await wire.connect(token=token(exp=int(time.time()) + 5))
        result = await wire.result(refresh={"token": token(exp=int(time.time()) + 1000)})
        assert result["client"] == connected["client"]
        assert result["version"] == connected["version"]
        assert result["expires"] is True
        assert 990 <= result["ttl"] <= 1000


async def test_refresh_with_an_expired_token_109(encoding: str) -> None:
    async with serving(token_hub()) as address, connected(address, encoding, token=token()) as wire:
        assert await wire.error(refresh={"token": token(exp=1)}) == 109


async def test_refresh_with_a_foreign_token_3500(encoding: str) -> None:
    async with serving(token_hub()) as address, connected(address, encoding, token=token()) as wire:
        await wire.send({"id": wire.number(), "refresh": {"token": token(OTHER_KEY)}})
        assert await wire.closed() == 3500


async def test_refresh_as_another_user_3500(encoding: str) -> None:
    async with serving(token_hub()) as address, connected(address, encoding, token=token()) as wire:
        await wire.send({"id": wire.number(), "refresh": {"token": token(sub="43")}})
        assert await wire.closed() == 3500


async def test_refresh_without_a_token_107(encoding: str) -> None:
    async with serving(token_hub()) as address, connected(address, encoding, token=token()) as wire:
        assert await wire.error(refresh={}) == 107


async def test_expired_connection_3005_after_the_grace(encoding: str) -> None:
    hub = token_hub(expiry_grace=0.0, ping_interval=1.0, pong_timeout=0.5)
    async with (
        serving(hub) as address,
        connected(address, encoding, token=token(exp=int(time.time()) + 2)) as wire,
    ):
        assert await answering_pings(wire) == 3005


async def answering_pings(wire: Wire) -> int:
    """The code with which the server closes, though its pings are answered."""
    try:
        while True:
            if not await wire.any():
                await wire.send_raw("{}" if wire.encoding == "json" else b"\0")
    except Closed as closed:
        return closed.code


# Limits.


async def test_too_many_sessions_3504(encoding: str) -> None:
    async with (
        serving(named_hub(max_sessions=1)) as address,
        connected(address, encoding),
        opened(address, encoding) as late,
    ):
        await late.send({"id": 1, "connect": {}})
        assert await late.closed() == 3504


async def test_too_many_sessions_of_a_user_3504(encoding: str) -> None:
    hub = named_hub(max_sessions_per_user=1)
    async with (
        serving(hub) as address,
        connected(address, encoding, "42"),
        connected(address, encoding, "43"),
        opened(address, encoding) as late,
    ):
        await late.send({"id": 1, "connect": {"data": {"user": "42"}}})
        assert await late.closed() == 3504


async def test_a_draining_hub_lets_nobody_in_3001(encoding: str) -> None:
    hub = named_hub(drain=0.0)
    async with serving(hub) as address, opened(address, encoding) as wire:
        hub.draining = True
        await wire.send({"id": 1, "connect": {}})
        assert await wire.closed() == 3001
        hub.draining = False


async def test_personal_channel(encoding: str) -> None:
    hub = named_hub(user_personal_channel=True)
    async with serving(hub) as address, opened(address, encoding) as wire:
        result = await wire.connect(data={"user": "42"})
        assert set(result["subs"]) == {"#42"}
        await hub.publish("#42", {"for": "you"})
        assert (await wire.push("pub", "#42"))["data"] == {"for": "you"}


async def test_subs_of_on_connect(encoding: str) -> None:
    hub = Hub()
    hub.namespace("news")

    @hub.on_connect
    def who(session: Session) -> Connect:
        return Connect(user="42", subs={"news:a": Subscribe(data={"hello": 1})})

    async with serving(hub) as address, opened(address, encoding) as wire:
        result = await wire.connect()
        assert result["subs"] == {"news:a": {"data": {"hello": 1}}}


async def test_on_disconnect_runs_once_for_each_that_came(encoding: str) -> None:
    hub = named_hub()
    gone: list[str] = []
    told = asyncio.Event()

    @hub.on_disconnect
    def bye(session: Session, code: int, reason: str) -> None:
        gone.append(session.client)
        told.set()

    async with serving(hub) as address:
        async with opened(address, encoding):
            pass  # never said who it is
        async with connected(address, encoding) as wire:
            client = wire.client
        await told.wait()
    assert gone == [client]
