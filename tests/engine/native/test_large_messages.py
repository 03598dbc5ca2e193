"""The reactor's memory of large messages: it is used again when nobody has it any more, and never before."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from typing import Any

import pytest

from openline.engine.native.reactor import reactor_of
from tests.engine.native.bare import Bare, frame, opened

pytestmark = [pytest.mark.native, pytest.mark.timeout(15)]

LARGE = 200_000


class Keeping:
    """Keeps what it is told to keep, and knows where each message lay."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.keeps = False
        self.places: list[int] = []
        self.came = asyncio.Event()

    def on_message(self, ws: Any, message: bytes) -> None:
        self.places.append(id(message))
        hash(message)
        if self.keeps:
            self.kept.append(message)
        self.came.set()


async def exchange_large(peer: socket.socket, listener: Keeping, payload: bytes | str) -> None:
    listener.came.clear()
    data = frame(payload)
    await asyncio.get_running_loop().sock_sendall(peer, data)
    await listener.came.wait()


async def test_the_memory_of_a_large_message_serves_the_next() -> None:
    listener = Keeping()
    async with opened(Bare(listener=listener)) as (_, peer):
        for number in range(6):
            await exchange_large(peer, listener, bytes([number]) * LARGE)
    assert len(set(listener.places)) == 1


async def test_a_large_message_that_somebody_has_is_left_alone() -> None:
    listener = Keeping()
    listener.keeps = True
    payloads = [os.urandom(LARGE) for _ in range(6)]
    async with opened(Bare(listener=listener)) as (_, peer):
        for payload in payloads:
            await exchange_large(peer, listener, payload)
        assert listener.kept == payloads
        views = [memoryview(message) for message in listener.kept]
        listener.kept.clear()
        await exchange_large(peer, listener, bytes(LARGE))
        assert [bytes(view) for view in views] == payloads


async def test_a_reused_message_has_a_hash_of_its_own() -> None:
    listener = Keeping()
    first, second = os.urandom(LARGE), os.urandom(LARGE)
    async with opened(Bare(listener=listener)) as (_, peer):
        await exchange_large(peer, listener, first)
        listener.keeps = True
        await exchange_large(peer, listener, second)
        assert listener.places[0] == listener.places[1]
        assert hash(listener.kept[0]) == hash(second)


async def test_a_large_text_is_decoded_from_reused_memory() -> None:
    texts: list[str] = []

    class Taking(Keeping):
        def on_message(self, ws: Any, message: str) -> None:
            texts.append(message)
            self.came.set()

    listener = Taking()
    async with opened(Bare(listener=listener)) as (_, peer):
        for text in ("ä" * LARGE, "ö" * LARGE):
            await exchange_large(peer, listener, text)
    assert texts == ["ä" * LARGE, "ö" * LARGE]


async def test_memory_that_is_not_used_is_let_go() -> None:
    listener = Keeping()
    line = Bare(listener=listener)
    async with opened(line) as (_, peer):
        await exchange_large(peer, listener, bytes(LARGE))
        reactor = reactor_of(asyncio.get_running_loop())
        spares = [
            found
            for found in gc.get_referents(reactor)
            if found and isinstance(found, list) and isinstance(found[0], bytes)
        ]
        assert [len(found) for found in spares] == [1]
        reactor.age_spares()
        assert spares[0]
        reactor.age_spares()
        assert not spares[0]
