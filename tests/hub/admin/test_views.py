"""What the admin page shows."""

from __future__ import annotations

import json

import msgspec
import pytest

from openline.hub import Refused
from openline.hub.admin import views
from tests.hub.transports.speaking import CONNECT, open_hub, served, streaming


def seen(value: object) -> dict:
    return json.loads(msgspec.json.encode(value))


async def test_a_node_at_a_glance() -> None:
    hub = open_hub()
    async with served(hub) as port:
        async with streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "no:a"}}) as stream:
            await stream.line()
            await stream.line()
            await hub.publish("chat:a", 1)
            shown = seen(await views.overview(hub))
        assert (shown["sessions"], shown["users"], shown["transports"]) == (1, 1, {"http_stream": 1})
        assert shown["errors"] == [{"code": 102, "text": "unknown channel", "number": 1}]
        assert shown["commands"] == {"connect": 1, "subscribe": 1}
        assert shown["publish_p50"] == shown["publish_p99"] > 0
        assert [node["uid"] for node in shown["nodes"]] == [hub.node]
        hub.counters.count_disconnect(4321)
        codes = {row["code"]: row["text"] for row in seen(await views.overview(hub))["disconnects"]}
        assert codes[4321] == "of the application"


async def test_channels_by_their_number_and_a_part_of_their_name() -> None:
    hub = open_hub()
    async with served(hub) as port:
        both = [{"id": n + 2, "subscribe": {"channel": name}} for n, name in enumerate(("chat:b", "chat:a"))]
        async with streaming(port, CONNECT, *both) as one, streaming(port, CONNECT, both[0]) as two:
            for stream, lines in ((one, 3), (two, 2)):
                for _ in range(lines):
                    await stream.line()
            everything = await views.channels(hub, "")
            assert [(row["channel"], row["clients"]) for row in everything["rows"]] == [
                ("chat:b", 2),
                ("chat:a", 1),
            ]
            assert (await views.channels(hub, "t:a"))["total"] == 1
            assert (await views.channels(hub, "chat:*"))["total"] == 2
            assert (await views.channels(hub, "a"))["total"] == 2
            assert (await views.channels(hub, "hat:*"))["total"] == 0


async def test_a_channel_with_who_is_there_and_what_was_said() -> None:
    hub = open_hub()
    async with served(hub) as port:
        async with streaming(port, CONNECT, {"id": 2, "subscribe": {"channel": "chat:a"}}) as stream:
            await stream.line()
            await stream.line()
            for number in range(3):
                await hub.publish("chat:a", {"n": number})
            shown = seen(await views.channel(hub, "chat:a"))
        assert shown["clients_here"] == 1
        assert shown["presence"]["users"] == 1
        assert [row["user"] for row in shown["presence"]["rows"]] == ["ann"]
        assert [row["data"] for row in shown["history"]["rows"]] == [{"n": 2}, {"n": 1}, {"n": 0}]
        assert shown["options"]["history"] == 10
        bare = seen(await views.channel(hub, "plain:a"))
        assert (bare["presence"], bare["history"], bare["clients_here"]) == (None, None, 0)
        with pytest.raises(Refused):
            await views.channel(hub, "no:a")


async def test_sessions_newest_first_and_found_by_how_their_names_begin() -> None:
    hub = open_hub()
    async with served(hub) as port:
        bob = {"id": 1, "connect": {"data": {"user": "bob"}, "name": "test", "version": "7"}}
        async with streaming(port) as one, streaming(port, bob) as two:
            ann = (await one.line())["connect"]["client"]
            client = (await two.line())["connect"]["client"]
            everybody = await views.sessions(hub, "")
            assert [row["user"] for row in everybody["rows"]] == ["bob", "ann"]
            assert [row["client"] for row in (await views.sessions(hub, ann[:10]))["rows"]] == [ann]
            assert (await views.sessions(hub, "127.0."))["total"] == 2
            assert (await views.sessions(hub, "ob"))["total"] == 0
            shown = seen(await views.session(hub, client))
            assert (shown["name"], shown["version"], shown["transport"]) == ("test", "7", "http_stream")
            with pytest.raises(Refused):
                await views.session(hub, "nobody")


async def test_nothing_secret_is_shown() -> None:
    hub = open_hub()
    secrets = {"Cookie": "sid=the-cookie", "Authorization": "Bearer the-token"}
    connect = {"id": 1, "connect": {"token": "the-token", "data": {"user": "ann"}}}
    async with served(hub) as port, streaming(port, connect, headers=secrets) as stream:
        result = (await stream.line())["connect"]
        session = next(iter(hub.sessions.values()))
        session.meta = {"private": "the-meta"}
        text = msgspec.json.encode([await views.session(hub, session.client), await views.sessions(hub, "")])
        for word in (b"the-cookie", b"the-token", b"the-meta", result["session"].encode()):
            assert word not in text


async def test_lists_are_cut() -> None:
    hub = open_hub(max_channels=1000)
    number = views.MOST_ROWS + 5
    async with served(hub) as port, streaming(port) as stream:
        await stream.line()
        for name in range(number):
            await hub.subscribe("ann", f"plain:{name}")
        shown = await views.channels(hub, "")
        assert (shown["total"], len(shown["rows"])) == (number, views.MOST_ROWS)
        client = next(iter(hub.sessions))
        session = await views.session(hub, client)
        assert (session["subscriptions"], len(session["channels"])) == (number, views.MOST_ROWS)
