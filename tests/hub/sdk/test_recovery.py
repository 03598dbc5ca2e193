"""What was missed while the line was cut, or the server away, comes once and in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openline.hub import Hub
from tests.hub.conformance.wire import named_hub

from .client import SDK, Client, Settings
from .line import Restarting, reachable

AS_42 = Settings(data={"user": "42"})
RUSSIAN = "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. " * 3


def chat_hub(broker: Any = None, **namespace: Any) -> Hub:
    hub = named_hub(broker)
    hub.namespace("chat", **{"history": 1000, "ttl": 60.0, "recovery": True, **namespace})
    return hub


async def test_after_a_cut_line(sdk: SDK) -> None:
    hub = chat_hub()
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        first = await client.subscribed("chat:a")
        assert first["recoverable"]
        assert not first["was_recovering"]
        number = 0
        for _ in range(3):
            for _ in range(5):
                number += 1
                await hub.publish("chat:a", number)
            assert await client.publications("chat:a", 5) == list(range(number - 4, number + 1))
            line.cut(for_good=True)
            await client.until("connecting")
            for _ in range(5):
                number += 1
                await hub.publish("chat:a", number)
            line.up = True
            back = await client.until("subscribed", "chat:a")
            assert back["was_recovering"]
            assert back["recovered"]
            assert await client.publications("chat:a", 5) == list(range(number - 4, number + 1))


async def test_cut_at_any_moment_under_a_publisher_that_never_stops(sdk: SDK) -> None:
    hub = chat_hub()
    count = 400

    async def publish() -> None:
        for number in range(1, count + 1):
            await hub.publish("chat:a", number)
            await asyncio.sleep(0.002)

    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await client.subscribed("chat:a")
        publishing = asyncio.create_task(publish())
        came: list[int] = []
        while len(came) < count:
            came += await client.publications("chat:a", 1)
            if len(came) % 60 == 0 and len(came) < count - 60:
                line.cut()
        await publishing
        assert came == list(range(1, count + 1))


async def test_what_cannot_be_recovered_is_told(sdk: SDK) -> None:
    hub = chat_hub(history=3)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await client.subscribed("chat:a")
        line.cut(for_good=True)
        await client.until("connecting")
        for number in range(5):
            await hub.publish("chat:a", number)
        line.up = True
        back = await client.until("subscribed", "chat:a")
        assert back["was_recovering"]
        assert not back["recovered"]
        await hub.publish("chat:a", "new")
        assert await client.publications("chat:a", 1) == ["new"]


@pytest.mark.parametrize("broker", ["memory", "sqlite"])
async def test_after_a_restart_of_the_server(sdk: SDK, broker: str, tmp_path: Path) -> None:
    """SQLite keeps the stream; with the broker in memory the client is told that it is another."""
    url = "memory://" if broker == "memory" else f"sqlite:///{tmp_path / 'hub.db'}"
    server = Restarting(lambda: chat_hub(url))
    await server.start()
    try:
        async with sdk.client(server.address, AS_42) as client:
            await client.connected()
            await client.subscribed("chat:a")
            for number in range(3):
                await server.hub.publish("chat:a", number)
            assert await client.publications("chat:a", 3) == [0, 1, 2]
            await server.stop()
            again = await client.until("connecting")
            assert again["code"] in (1, 3001)
            await server.start()
            await server.hub.publish("chat:a", "while nobody was there")
            back = await client.until("subscribed", "chat:a")
            assert back["was_recovering"]
            if broker == "sqlite":
                # It may have come back before the publication, which then is live.
                assert back["recovered"]
                assert await client.publications("chat:a", 1) == ["while nobody was there"]
            else:
                assert not back["recovered"]
    finally:
        await server.stop()


async def test_cache_mode_gives_the_newest(sdk: SDK) -> None:
    hub = chat_hub(recovery_mode="cache")
    await_newest: Callable[[Client], Any] = lambda client: client.publications("chat:a", 1)  # noqa: E731
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await hub.start()
        await hub.publish("chat:a", "first")
        await client.connected()
        await client.subscribed("chat:a")
        assert await await_newest(client) == ["first"]
        line.cut(for_good=True)
        await client.until("connecting")
        for number in range(5):
            await hub.publish("chat:a", number)
        line.up = True
        assert (await client.until("subscribed", "chat:a"))["recovered"]
        assert await await_newest(client) == [4]


async def test_positioned_without_recovery(sdk: SDK) -> None:
    hub = chat_hub(recovery=False, positioned=True)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        subscribed = await client.subscribed("chat:a", positioned=True)
        assert subscribed["positioned"]
        assert not subscribed["recoverable"]
        assert subscribed["stream_position"]["epoch"]


# Deltas.


def edits(count: int) -> list[dict[str, str]]:
    """One letter after the other changes; in UTF-8 they share their first bytes, or do not."""
    texts = [RUSSIAN]
    letters = "абвгдежзийклмнопрстуфхцчшщъыьэюяёЁ🚀é"
    while len(texts) < count:
        at = len(texts)
        text = texts[-1]
        place = at * 7 % len(text)
        texts.append(text[:place] + letters[at % len(letters)] + text[place + 1 :])
    return [{"text": text} for text in texts]


async def test_deltas_of_russian_text(sdk: SDK) -> None:
    hub = chat_hub(delta=True)
    texts = edits(60)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await client.subscribed("chat:a", delta=True)
        for text in texts:
            await hub.publish("chat:a", text)
        assert await client.publications("chat:a", len(texts)) == texts
        assert not client.seen("disconnected")


async def test_deltas_across_cut_lines(sdk: SDK) -> None:
    hub = chat_hub(delta=True)
    texts = edits(120)
    async with reachable(hub) as line, sdk.client(line.address, AS_42) as client:
        await client.connected()
        await client.subscribed("chat:a", delta=True)
        for part in range(0, 120, 20):
            for text in texts[part : part + 10]:
                await hub.publish("chat:a", text)
            assert await client.publications("chat:a", 10) == texts[part : part + 10]
            line.cut(for_good=True)
            await client.until("connecting")
            for text in texts[part + 10 : part + 20]:
                await hub.publish("chat:a", text)
            line.up = True
            assert (await client.until("subscribed", "chat:a"))["recovered"]
            assert await client.publications("chat:a", 10) == texts[part + 10 : part + 20]
