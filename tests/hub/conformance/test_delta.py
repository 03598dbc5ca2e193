"""Fossil deltas: the first publication full, the next ones as patches, and whole characters in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from centrifuge.fossil import apply_delta

from .wire import Wire, connected, named_hub, serving

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 4


class Reader:
    """What an SDK makes of the data of publications."""

    def __init__(self, encoding: str) -> None:
        self._json = encoding == "json"
        self._base: bytes | None = None

    def read(self, pub: dict[str, Any]) -> Any:
        data = pub["data"]
        if self._json:
            assert isinstance(data, str), "data is a JSON string, full or patch"
            raw = data.encode()
        else:
            raw = (
                data
                if isinstance(data, bytes)
                else json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
            )
        if pub.get("delta"):
            assert self._base is not None, "a patch without anything before it"
            raw = apply_delta(self._base, raw)
        self._base = raw
        return json.loads(raw)


def delta_hub(**more: Any) -> Any:
    hub = named_hub()
    hub.namespace("", delta=True, history=100, ttl=60.0, **more)
    return hub


def edits() -> list[dict[str, str]]:
    """One letter after the other changes, so that bytes of characters are shared and differ."""
    texts = [RUSSIAN]
    for at, letter in enumerate("абвгдежзийклмнопрстуфхцчшщъыьэюяё🚀é"):
        text = texts[-1]
        texts.append(text[: at * 5] + letter + text[at * 5 + 1 :])
    return [{"text": text} for text in texts]


async def next_pub(wire: Wire) -> dict[str, Any]:
    return await wire.push("pub", "a")


async def test_patches_of_russian_text(encoding: str) -> None:
    hub = delta_hub()
    reader = Reader(encoding)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert (await wire.subscribe("a", delta="fossil"))["delta"] is True
        patches = 0
        for number, data in enumerate(edits()):
            await hub.publish("a", data)
            pub = await next_pub(wire)
            assert number or "delta" not in pub
            patches += pub.get("delta", False)
            assert reader.read(pub) == data
        assert patches > 10


async def test_not_asked_for(encoding: str) -> None:
    hub = delta_hub()
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as plain,
        connected(address, encoding, "43") as delta,
    ):
        assert "delta" not in await plain.subscribe("a")
        await delta.subscribe("a", delta="fossil")
        reader = Reader(encoding)
        for data in edits()[:5]:
            await hub.publish("a", data)
            pub = await next_pub(plain)
            assert pub["data"] == data
            assert "delta" not in pub
            assert reader.read(await next_pub(delta)) == data


@pytest.mark.parametrize("kind", ["fossil", "vcdiff"])
async def test_not_available(encoding: str, kind: str) -> None:
    hub = named_hub()
    hub.namespace("", delta=kind == "vcdiff", history=10, ttl=60.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert "delta" not in await wire.subscribe("a", delta=kind)
        await hub.publish("a", {"x": 1})
        assert (await next_pub(wire))["data"] == {"x": 1}


async def test_each_subscriber_is_patched_from_what_it_got_last(encoding: str) -> None:
    """Who comes later gets the first in full, though others get patches."""
    hub = delta_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as early:
        readers = [(early, Reader(encoding))]
        await early.subscribe("a", delta="fossil")
        data = edits()
        for number in range(4):
            async with connected(address, encoding, f"{50 + number}") as late:
                await late.subscribe("a", delta="fossil")
                reader = Reader(encoding)
                for step in range(3):
                    one = data[number * 3 + step]
                    await hub.publish("a", one)
                    pub = await next_pub(late)
                    assert step or "delta" not in pub
                    assert reader.read(pub) == one
                    for wire, known in readers:
                        assert known.read(await next_pub(wire)) == one


async def test_after_a_recovery(encoding: str) -> None:
    hub = delta_hub(recovery=True)
    data = edits()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        epoch = (await wire.subscribe("a", delta="fossil"))["epoch"]
        await hub.publish("a", data[0])
        await next_pub(wire)
        await wire.result(unsubscribe={"channel": "a"})
        for one in data[1:4]:
            await hub.publish("a", one)
        result = await wire.subscribe("a", delta="fossil", recover=True, offset=1, epoch=epoch)
        reader = Reader(encoding)
        assert [reader.read(one) for one in result["publications"]] == data[1:4]
        for one in data[4:8]:
            await hub.publish("a", one)
            assert reader.read(await next_pub(wire)) == one


async def test_excluded_sender_has_no_base_for_what_it_did_not_get(encoding: str) -> None:
    hub = delta_hub(exclude_sender=True)
    data = edits()
    async with (
        serving(hub) as address,
        connected(address, encoding, "42") as sender,
        connected(address, encoding, "43") as other,
    ):
        await sender.subscribe("a", delta="fossil")
        await other.subscribe("a", delta="fossil")
        mine, theirs = Reader(encoding), Reader(encoding)
        for at, one in enumerate(data[:12]):
            if at % 3 == 1:
                await sender.result(publish={"channel": "a", "data": one})
            else:
                await hub.publish("a", one)
                assert mine.read(await next_pub(sender)) == one
            assert theirs.read(await next_pub(other)) == one


async def test_small_or_unlike_payloads_are_sent_in_full(encoding: str) -> None:
    hub = delta_hub()
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a", delta="fossil")
        reader = Reader(encoding)
        for data in (1, 2, "а", {"x": "б"}, [], {"y": RUSSIAN}, {"z": "q" * 50}):
            await hub.publish("a", data)
            assert reader.read(await next_pub(wire)) == data
