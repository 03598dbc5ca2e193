"""The server API over HTTP: the key, the form of requests and answers, batches; and `cent`, Centrifugo's own client."""

from __future__ import annotations

import asyncio
from typing import Any

import cent
import pytest

from openline.hub import Hub
from openline.hub.transports.api import MAX_API_BODY, MAX_BATCH
from tests.hub.transports.speaking import CONNECT, Answer, ask, open_hub, served, streaming

KEY = {"X-API-Key": "the key"}
SUBSCRIBE = {"id": 2, "subscribe": {"channel": "chat:a"}}


def api_hub() -> Hub:
    return open_hub(api_key="the key")


async def call(port: int, method: str, body: Any, headers: dict[str, str] = KEY) -> Answer:
    return await ask(port, "POST", f"/api/{method}", body, headers)


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": "the key"}, {"Authorization": "apikey the key"}, {"Authorization": "ApiKey the key"}],
)
async def test_the_key_opens(headers: dict[str, str]) -> None:
    async with served(api_hub()) as port:
        answer = await call(port, "info", {}, headers)
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "the ke"},
        {"X-API-Key": "\xe9"},
        {"Authorization": "Bearer the key"},
        {"X-API-Key": "the key", "Authorization": "apikey other"},
    ],
)
async def test_anything_else_does_not(headers: dict[str, str]) -> None:
    async with served(api_hub()) as port:
        for method in ("info", "batch", "nothing"):
            assert (await call(port, method, {}, headers)).status == 401


async def test_a_key_in_other_letters() -> None:
    async with served(open_hub(api_key="schlüssel")) as port:
        key = "schlüssel".encode().decode("latin-1")
        assert (await call(port, "info", {}, {"X-API-Key": key})).status == 200


async def test_only_posts_of_known_methods() -> None:
    async with served(api_hub()) as port:
        assert (await ask(port, "GET", "/api/info", headers=KEY)).status == 405
        for method in ("nothing", "", "publish/"):
            assert (await call(port, method, {})).status == 404


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"channel": 5}', b"\xff", b"[" * 100_000, b'{"channel":"a"} {}']
)
async def test_a_malformed_body_is_400(body: bytes) -> None:
    async with served(api_hub()) as port:
        assert (await call(port, "publish", body)).status == 400


async def test_a_body_has_a_bound() -> None:
    async with served(api_hub()) as port:
        assert (await call(port, "publish", b" " * (MAX_API_BODY + 1))).status == 413


async def test_errors_have_status_200() -> None:
    async with served(api_hub()) as port:
        answer = await call(port, "publish", {"channel": "unknown:a", "data": 1})
        assert (answer.status, answer.json) == (200, {"error": {"code": 102, "message": "unknown channel"}})


@pytest.mark.parametrize("parallel", [False, True])
async def test_a_batch_answers_each_command_in_its_place(parallel: bool) -> None:
    commands = [
        {"publish": {"channel": "chat:a", "data": 1}},
        {"publish": {"channel": "unknown:a", "data": 1}},
        {"history": {"channel": "chat:b", "limit": "five"}},
        {"fly": {}},
        {},
        {"presence_stats": {"channel": "chat:a"}},
    ]
    async with served(api_hub()) as port:
        answer = await call(port, "batch", {"commands": commands, "parallel": parallel})
        first, *errors, last = answer.json["replies"]
        assert first["publish"]["offset"] == 1
        assert [error["error"]["code"] for error in errors] == [102, 107, 104, 104]
        assert last == {"presence_stats": {"num_clients": 0, "num_users": 0}}


async def test_a_batch_has_a_bound() -> None:
    async with served(api_hub()) as port:
        answer = await call(port, "batch", {"commands": [{"info": {}}] * (MAX_BATCH + 1)})
        assert answer.json["error"]["code"] == 106
        assert (await call(port, "batch", {})).json == {"replies": []}


async def test_cent() -> None:
    hub = api_hub()
    async with served(hub) as port, streaming(port, CONNECT, SUBSCRIBE) as stream:
        connected, _ = await stream.line(), await stream.line()
        client = cent.AsyncClient(f"http://127.0.0.1:{port}/api", api_key="the key")
        try:
            published = await client.publish(
                cent.PublishRequest(channel="chat:a", data={"n": 1}, tags={"a": "b"})
            )
            assert published.offset == 1
            assert published.epoch
            pub = (await stream.line())["push"]["pub"]
            assert (pub["data"], pub["tags"]) == ({"n": 1}, {"a": "b"})
            wide = await client.broadcast(cent.BroadcastRequest(channels=["chat:a", "unknown:a"], data=2))
            assert wide.responses[0].result.offset == 2
            assert wide.responses[1].error.code == 102
            await stream.line()
            presence = await client.presence(cent.PresenceRequest(channel="chat:a"))
            assert [info.user for info in presence.presence.values()] == ["ann"]
            stats = await client.presence_stats(cent.PresenceStatsRequest(channel="chat:a"))
            assert (stats.num_clients, stats.num_users) == (1, 1)
            history = await client.history(cent.HistoryRequest(channel="chat:a", limit=1, reverse=True))
            assert [(one.offset, one.data) for one in history.publications] == [(2, 2)]
            since = cent.StreamPosition(offset=1, epoch=history.epoch)
            later = await client.history(cent.HistoryRequest(channel="chat:a", limit=5, since=since))
            assert [one.offset for one in later.publications] == [2]
            await client.history_remove(cent.HistoryRemoveRequest(channel="chat:a"))
            assert (await client.history(cent.HistoryRequest(channel="chat:a", limit=5))).publications == []
            await client.subscribe(cent.SubscribeRequest(user="ann", channel="plain:b"))
            assert "subscribe" in (await stream.line())["push"]
            channels = await client.channels(cent.ChannelsRequest(pattern="plain:*"))
            assert {name: info.num_clients for name, info in channels.channels.items()} == {"plain:b": 1}
            await client.unsubscribe(cent.UnsubscribeRequest(user="ann", channel="plain:b"))
            assert "unsubscribe" in (await stream.line())["push"]
            await client.refresh(cent.RefreshRequest(user="ann", expire_at=4_000_000_000))
            assert (await stream.line())["push"]["refresh"]["expires"] is True
            info = await client.info(cent.InfoRequest())
            assert [(node.uid, node.num_clients) for node in info.nodes] == [(hub.node, 1)]
            replies = await client.batch(
                cent.BatchRequest(
                    requests=[
                        cent.PublishRequest(channel="chat:a", data="in a batch"),
                        cent.PresenceStatsRequest(channel="chat:a"),
                    ]
                )
            )
            assert replies.replies[0].offset == 3
            await stream.line()
            with pytest.raises(cent.CentApiResponseError) as refused:
                await client.presence(cent.PresenceRequest(channel="plain:a"))
            assert refused.value.code == 108
            await client.disconnect(
                cent.DisconnectRequest(user="ann", disconnect=cent.Disconnect(code=4500, reason="bye"))
            )
            assert (await stream.line())["push"]["disconnect"]["code"] == 4500
            wrong = cent.AsyncClient(f"http://127.0.0.1:{port}/api", api_key="a key")
            with pytest.raises(cent.CentUnauthorizedError):
                await wrong.info(cent.InfoRequest())
            await wrong.close()
        finally:
            await client.close()
        assert connected["connect"]["client"]
    await asyncio.sleep(0)
