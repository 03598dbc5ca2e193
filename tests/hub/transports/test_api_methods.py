"""Each method of the server API, beyond what `cent` asks for."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from openline.hub import ClientInfo, Hub, Publication
from openline.hub.publication import Payload
from openline.hub.transports.api_methods import METHODS, shown_client, shown_publication
from openline.hub.transports.api_records import REQUESTS
from tests.hub.transports.speaking import CONNECT, ask, open_hub, served, streaming

KEY = {"X-API-Key": "key"}


async def call(port: int, method: str, **parameters: Any) -> Any:
    return (await ask(port, "POST", f"/api/{method}", parameters, KEY)).json


def api_hub() -> Hub:
    return open_hub(api_key="key")


def test_every_method_has_its_record() -> None:
    assert METHODS.keys() == REQUESTS.keys()


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("publish", {"data": 1}),
        ("publish", {"channel": "chat:a"}),
        ("publish", {"channel": "chat:a", "b64data": "not base64!"}),
        ("broadcast", {"data": 1}),
        ("broadcast", {"channels": ["chat:a"]}),
        ("subscribe", {"user": "ann"}),
        ("subscribe", {"channel": "chat:a"}),
        ("unsubscribe", {"user": "ann"}),
        ("unsubscribe", {"channel": "chat:a"}),
        ("disconnect", {}),
        ("disconnect", {"user": "ann", "disconnect": {"code": 1000}}),
        ("disconnect", {"user": "ann", "disconnect": {"code": 4000, "reason": "x" * 124}}),
        ("refresh", {}),
        ("presence", {}),
        ("presence_stats", {}),
        ("history", {}),
        ("history_remove", {}),
    ],
)
async def test_what_is_missing_or_malformed_is_107(method: str, parameters: dict[str, Any]) -> None:
    async with served(api_hub()) as port:
        assert (await call(port, method, **parameters))["error"]["code"] == 107


async def test_an_override_is_refused_since_ignoring_it_would_mislead() -> None:
    async with served(api_hub()) as port:
        answer = await call(
            port, "subscribe", user="a", channel="chat:a", override={"presence": {"value": True}}
        )
        assert answer["error"]["code"] == 108


async def test_data_are_one_json_value_without_line_breaks() -> None:
    hub = api_hub()
    async with (
        served(hub) as port,
        streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}}) as stream,
    ):
        await stream.line()
        await stream.line()
        body = b'{"channel": "chat:a", "data": {\n"a":\r\n 1}}'
        answer = await ask(port, "POST", "/api/publish", body, KEY)
        assert answer.json["result"]["offset"] == 1
        assert (await stream.line())["push"]["pub"]["data"] == {"a": 1}
        deep = b'{"channel": "chat:a", "data": ' + b"[" * 600 + b"]" * 600 + b"}"
        assert (await ask(port, "POST", "/api/publish", deep, KEY)).json["error"]["code"] == 107


async def test_bytes_come_and_go_in_base64() -> None:
    async with served(api_hub()) as port:
        raw = base64.b64encode(b"\x00\xff").decode()
        assert "result" in await call(port, "publish", channel="chat:a", b64data=raw, data={"ignored": True})
        await call(port, "publish", channel="chat:a", b64data=base64.b64encode(b"[1]").decode())
        shown = (await call(port, "history", channel="chat:a", limit=-1))["result"]["publications"]
        assert (shown[0]["data"], shown[0]["b64data"]) == (None, raw)
        assert (shown[1]["data"], "b64data" in shown[1]) == ([1], False)


async def test_an_idempotent_publication_is_made_once() -> None:
    async with served(api_hub()) as port:
        results = [
            await call(port, "publish", channel="chat:a", data=1, idempotency_key="once") for _ in range(2)
        ]
        assert results[0] == results[1]
        assert len((await call(port, "history", channel="chat:a", limit=-1))["result"]["publications"]) == 1


async def test_what_is_not_kept_has_no_position() -> None:
    async with served(api_hub()) as port:
        assert await call(port, "publish", channel="plain:a", data=1) == {"result": {}}
        assert await call(port, "publish", channel="chat:a", data=1, skip_history=True) == {"result": {}}


async def test_a_foreign_epoch_is_112() -> None:
    async with served(api_hub()) as port:
        await call(port, "publish", channel="chat:a", data=1)
        answer = await call(port, "history", channel="chat:a", limit=1, since={"offset": 1, "epoch": "other"})
        assert answer["error"]["code"] == 112


async def test_a_session_is_told_by_its_client_id() -> None:
    hub = api_hub()
    async with served(hub) as port, streaming(port) as one, streaming(port) as two:
        client = (await one.line())["connect"]["client"]
        other = (await two.line())["connect"]["client"]
        await call(
            port, "subscribe", user="ann", client=client, channel="plain:x", data={"hello": 1}, info={"i": 1}
        )
        assert (await one.line())["push"]["subscribe"]["data"] == {"hello": 1}
        await call(port, "disconnect", user="ann", whitelist=[client])
        assert (await two.line())["push"]["disconnect"]["code"] == 3503
        assert list(hub.sessions) == [client]
        await call(port, "refresh", user="ann", client=client, expired=True)
        assert (await one.line())["push"]["disconnect"]["code"] == 3005
        assert other != client


def test_what_is_shown_of_a_client_and_a_publication() -> None:
    info = ClientInfo("ann", "c1", Payload(b'{"a":1}'), Payload(b"\xff"))
    shown = shown_client(info)
    assert (shown["user"], shown["client"], bytes(shown["conn_info"])) == ("ann", "c1", b'{"a":1}')
    assert (shown["chan_info"], shown["b64chan_info"]) == (None, "/w==")
    whole = shown_publication(Publication(Payload(b"1"), info, 7, {"t": "u"}, key="k", time=5))
    assert (whole["offset"], whole["tags"], whole["key"], whole["time"]) == (7, {"t": "u"}, "k", 5)
    assert whole["info"]["user"] == "ann"
    assert set(shown_publication(Publication(Payload(b"1")))) == {"data"}
