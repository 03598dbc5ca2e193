"""Many edit at random, their lines are cut at random, and in the end all see the same."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest
from pycrdt import Array, Map

import openline
from openline.hub.stores.memory import MemoryStore
from openline.testing.waiting import until

from .editing import Peer, editor, made, serving, writable


def content(peer: Peer) -> Any:
    return (
        str(peer.text),
        sorted((peer.doc.get("m", type=Map).to_py() or {}).items()),
        peer.doc.get("a", type=Array).to_py(),
    )


async def edit(peer: Peer, url: str, chance: random.Random, rounds: int) -> None:
    things, items = peer.doc.get("m", type=Map), peer.doc.get("a", type=Array)
    for _ in range(rounds):
        match chance.randrange(6):
            case 0 | 1:
                peer.text.insert(chance.randrange(len(peer.text) + 1), chance.choice("abcdefgh"))
            case 2 if len(peer.text) > 3:
                at = chance.randrange(len(peer.text) - 2)
                del peer.text[at : at + 2]
            case 3:
                things[chance.choice("klm")] = chance.randrange(100)
            case 4:
                items.insert(chance.randrange(len(items) + 1), chance.random())
            case _ if len(items):
                del items[chance.randrange(len(items))]
        if peer.closed is None and chance.random() < 0.08:
            await peer.cut()
        if peer.closed is not None and chance.random() < 0.3:
            await peer.connect(url)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.004)
    if peer.closed is not None:
        await peer.connect(url)


@pytest.mark.parametrize("seed", range(4))
async def test_all_see_the_same_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    store = MemoryStore()
    # Everything that can happen on the way happens: compaction, unloading, loading.
    documents = writable(made(store, compact_entries=5, idle_timeout=0, update_rate=None, byte_rate=None))
    async with serving(documents) as address:
        url = f"{address}/a"
        peers = [Peer(client_id=number + 1) for number in range(8)]
        for peer in peers:
            await peer.connect(url)
        await asyncio.gather(*(edit(peer, url, random.Random(chance.random()), 60) for peer in peers))
        async with editor(url) as last:
            for peer in (*peers, last):
                await peer.until(lambda peer=peer: peer.synced)

            async def are_equal() -> bool:
                return all(content(peer) == content(last) for peer in peers)

            await until(are_equal, "what each has done is there for all")
        for peer in peers:
            with contextlib.suppress(openline.ConnectionClosed):
                await peer.close()
        assert documents.counters.closes == {}
    again = writable(made(store))
    async with serving(again) as address, editor(f"{address}/a") as late:
        await late.until(lambda: late.synced)
        assert content(late) == content(peers[0])
