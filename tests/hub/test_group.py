"""Subscribers that share their frames."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openline.hub.group import Group, send_pings, send_to
from openline.hub.subprotocols.centrifuge_json import JSON

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


class Recorder:
    """A transport that is no WebSocket of ours: it gets units one by one."""

    connection = None

    def __init__(self) -> None:
        self.units: list[bytes] = []

    def write(self, unit: bytes) -> None:
        self.units.append(unit)


async def test_websockets_by_broadcast_and_others_one_by_one() -> None:
    hub = named_hub()
    hub.namespace("")
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
    ):
        await one.subscribe("a")
        await two.subscribe("a")
        members: list[Any] = list(hub.table.get("a").subscriptions.values())  # type: ignore[union-attr]
        group = Group(JSON, delta=False, in_step=False)
        for member in members:
            member.group.remove(member)
            group.add(member)
        recorder = Recorder()
        third = members[0].session.transport
        group.send(b'{"push":{"channel":"a","pub":{"data":1}}}')
        for wire in (one, two):
            assert await wire.push("pub", "a") == {"data": 1}
        # Somebody whose transport is another joins, and leaves again.
        members[0].session.transport = recorder
        group.remove(members[0])
        group.add(members[0])
        group.send(b'{"push":{"channel":"a","pub":{"data":2}}}')
        assert json.loads(recorder.units[0])["push"]["pub"] == {"data": 2}
        assert await two.push("pub", "a") == {"data": 2}
        group.remove(members[0])
        group.send(b'{"push":{"channel":"a","pub":{"data":3}}}')
        send_to(JSON, [members[0]], b'{"alone":1}')
        send_pings([members[0].session])
        assert recorder.units[1:] == [b'{"alone":1}', JSON.ping]
        members[0].session.transport = third
        assert await two.push("pub", "a") == {"data": 3}
