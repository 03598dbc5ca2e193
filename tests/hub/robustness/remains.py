"""What a hub must not keep once its clients are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from openline.hub import Hub


def remains(hub: Hub) -> dict[str, Any]:
    """What is left in a hub, by place; empty: nothing."""
    clock: Any = hub._clock
    broker: Any = hub.broker
    places = {
        "sessions": hub.sessions,
        "emulated": hub.emulated,
        "users": hub.users._sessions,
        "open": hub._open,
        "tasks": hub._tasks,
        "channels": hub.table._channels,
        "slots": [session for slot in clock._slots for session in slot],
        "strangers": clock._strangers,
        "expiring": clock._expiring,
        "subscribed": broker._subscribed,
        "present": broker._present,
        "occupied": broker._occupied,
    }
    return {name: what for name, what in places.items() if len(what)}


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until something holds."""
    while not condition():  # noqa: ASYNC110  # what is waited for has no event
        await asyncio.sleep(0)


async def nothing_remains(hub: Hub) -> None:
    """Wait until nothing is left; where something stays, say what."""
    try:
        async with asyncio.timeout(5.0):
            await until(lambda: not remains(hub))
    except TimeoutError:
        raise AssertionError(f"left in {hub!r}: {remains(hub)}") from None
