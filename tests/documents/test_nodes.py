"""Several nodes, on one Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text

from openline.documents import Documents
from openline.documents.messages import AwarenessEntry
from openline.hub.brokers.redis import RedisBroker
from openline.hub.stores.redis import RedisStore
from tests.hub.redis_server import needs_redis, redis_server

from .editing import editor, made, serving, writable

pytestmark = needs_redis


@contextlib.asynccontextmanager
async def nodes(path: Path, **options: Any) -> AsyncIterator[list[tuple[Documents, str]]]:
    """Two nodes that share a broker and a store."""
    with redis_server(path) as server:
        async with contextlib.AsyncExitStack() as stack:
            both: list[tuple[Documents, str]] = []
            for _ in range(2):
                broker = RedisBroker(server.url, start_wait=10.0)
                documents = writable(made(RedisStore(server.url, start_wait=10.0), broker=broker, **options))
                both.append((documents, await stack.enter_async_context(serving(documents))))
            yield both


async def test_what_is_typed_on_one_node_is_seen_on_the_other(tmp_path: Path) -> None:
    async with (
        nodes(tmp_path) as [(here, one_address), (there, two_address)],
        editor(f"{one_address}/a") as one,
        editor(f"{two_address}/a") as two,
    ):
        one.text += "hello"
        await two.until(lambda: str(two.text) == "hello")
        for _ in range(30):
            one.text.insert(0, "a")
            two.text += "b"
        for peer in (one, two):
            await peer.until(lambda peer=peer: len(str(peer.text)) == 65)
        assert str(one.text) == str(two.text)
        version = await here.save_version("a")
        two.text.clear()
        await one.until(lambda: str(one.text) == "")
        await there.restore("a", version.number)
        await one.until(lambda: len(str(one.text)) == 65)


async def test_people_of_both_nodes_see_each_other(tmp_path: Path) -> None:
    async with nodes(tmp_path) as [(_, one_address), (there, two_address)], editor(f"{one_address}/a") as one:
        await one.say(b'"one"')
        await one.until(lambda: one.people)
        async with editor(f"{two_address}/a") as two:
            # Whoever opens a document asks who is there.
            await two.until(lambda: one.doc.client_id in two.people)
            await two.say(b'"two"')
            await one.until(lambda: two.doc.client_id in one.people)
            # What another node has said does not stay, when that does not say it again.
            (document,) = there._open.values()
            document.look_around(0.0)
            await two.until(lambda: one.doc.client_id not in two.people)
            assert two.doc.client_id in two.people
            await one.say(b'"one"', clock=2)
            await two.until(lambda: one.doc.client_id in two.people)
        await one.until(lambda: len(one.people) == 1)


async def test_what_was_missed_is_read_from_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        nodes(tmp_path) as [(here, one_address), (there, two_address)],
        editor(f"{one_address}/a") as one,
        editor(f"{two_address}/a") as two,
    ):
        one.text += "a"
        await two.until(lambda: str(two.text) == "a")
        # The other node hears nothing for a while.
        with monkeypatch.context() as deaf:
            deaf.setattr(there.hub.table, "_ears", {})
            one.text += "b"
            del one.text[0:1]
            await one.until(lambda: here.counters.stored >= 2)
            async with editor(f"{one_address}/a") as witness:
                await witness.until(lambda: str(witness.text) == "b")
            await asyncio.sleep(0.1)  # what is on its way arrives, and is not heard
        assert str(two.text) == "a"
        one.text += "c"
        await two.until(lambda: str(two.text) == "bc")
        assert there.counters.gaps >= 1


async def test_a_lost_connection_to_the_broker_is_a_gap(tmp_path: Path) -> None:
    async with (
        nodes(tmp_path) as [(_, one_address), (there, two_address)],
        editor(f"{one_address}/a") as one,
        editor(f"{two_address}/a") as two,
    ):
        one.text += "a"
        await two.until(lambda: str(two.text) == "a")
        before = there.counters.gaps
        there.hub.table.on_restored(["/documents:a"])
        assert there.counters.gaps == before + 1
        one.text += "b"
        await two.until(lambda: str(two.text) == "ab")


async def test_both_nodes_compact_the_log_and_lose_nothing(tmp_path: Path) -> None:
    async with nodes(tmp_path, compact_entries=5) as [(here, one_address), (there, two_address)]:
        async with editor(f"{one_address}/a") as one, editor(f"{two_address}/a") as two:
            await one.until(lambda: one.synced)
            await two.until(lambda: two.synced)
            for number in range(30):
                one.text += "1"
                two.text.insert(0, "2")
                await one.until(lambda number=number: len(str(one.text)) == 2 * number + 2)
                await two.until(lambda number=number: len(str(two.text)) == 2 * number + 2)
        assert here.counters.compacted + there.counters.compacted >= 3
        await here.close()
        await there.close()
        for documents in (here, there):
            assert str((await documents.read("a")).get("t", type=Text)) == str(one.text)


async def test_a_node_that_speaks_nonsense_harms_nobody(tmp_path: Path) -> None:
    async with nodes(tmp_path) as [(here, address), _], editor(f"{address}/a") as one:
        await one.until(lambda: one.synced)
        (document,) = here._open.values()
        channel = document._nodes
        assert channel is not None
        for what, body in ((0, b"\xff"), (0, b"\x01\x05a"), (1, b""), (2, b""), (9, b"")):
            with contextlib.suppress(Exception):
                channel._hear("x" * 16, what, body)
        channel.tell_awareness([AwarenessEntry(1, 1, b"{}")])
        one.text += "x"
        async with editor(f"{address}/a") as late:
            await late.until(lambda: str(late.text) == "x")
