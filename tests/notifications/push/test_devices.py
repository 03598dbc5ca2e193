"""Whose browser is whose."""

from __future__ import annotations

import asyncio
from pathlib import Path

from openline.hub.stores.memory import MemoryStore
from openline.hub.stores.sqlite import SQLiteStore
from openline.notifications.push.devices import Devices
from openline.notifications.push.endpoints import Device


def device(id_: str, name: str = "") -> Device:
    return Device(id_, f"https://push.example/{id_}", b"p", b"a", name)


async def some() -> Devices:
    store = MemoryStore()
    await store.start()
    return Devices(store, "inbox", 3)


async def ids(devices: Devices, user: str) -> list[str]:
    return [one.id for one in await devices.of(user)]


async def test_devices_come_renew_themselves_and_go() -> None:
    devices = await some()
    await devices.add("ada", device("a"))
    await devices.add("ada", device("b"))
    await devices.add("ada", device("a", "renewed"))
    assert [(one.id, one.name) for one in await devices.of("ada")] == [("b", ""), ("a", "renewed")]
    assert await devices.remove("ada", "b")
    assert not await devices.remove("ada", "b")
    assert await ids(devices, "ada") == ["a"]
    await devices.clear("ada")
    await devices.clear("ada")
    assert await ids(devices, "ada") == []


async def test_the_oldest_gives_way() -> None:
    devices = await some()
    for name in "abcd":
        await devices.add("ada", device(name))
    assert await ids(devices, "ada") == ["b", "c", "d"]


async def test_a_browser_is_of_who_signed_in_last() -> None:
    devices = await some()
    await devices.add("ada", device("shared"))
    await devices.add("ada", device("own"))
    await devices.add("bob", device("shared"))
    assert await ids(devices, "ada") == ["own"]
    assert await ids(devices, "bob") == ["shared"]
    await devices.add("ada", device("shared"))
    assert await ids(devices, "bob") == []


async def test_many_at_once_lose_none(tmp_path: Path) -> None:
    store = SQLiteStore(str(tmp_path / "store.db"))
    await store.start()
    devices = Devices(store, "inbox", 50)
    await asyncio.gather(*(devices.add("ada", device(f"d{number}")) for number in range(30)))
    await asyncio.gather(*(devices.remove("ada", f"d{number}") for number in range(0, 30, 2)))
    assert sorted(await ids(devices, "ada")) == sorted(f"d{number}" for number in range(1, 30, 2))
    await store.close()
