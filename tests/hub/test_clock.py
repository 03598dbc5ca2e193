"""What a hub does by time."""

from __future__ import annotations

import asyncio
import time

import pytest

from openline.hub import Connect, Hub

from .conformance.wire import connected, named_hub, opened, serving

pytestmark = pytest.mark.engine


async def test_who_answers_lives_and_who_does_not_is_ended_with_3012() -> None:
    hub = named_hub(ping_interval=0.5, pong_timeout=0.2)
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as quick,
        connected(address, "json", "2") as silent,
    ):

        async def answer() -> None:
            for _ in range(4):
                while await quick.any():
                    pass
                await quick.send({})

        answering = asyncio.create_task(answer())
        assert await silent.closed() == 3012
        await answering
        assert list(hub.sessions) == [quick.client]


async def test_who_does_not_say_who_he_is_is_ended_with_3502() -> None:
    hub = named_hub(connect_timeout=0.1, ping_interval=0.5, pong_timeout=0.2)
    async with (
        serving(hub) as address,
        connected(address, "json", "1"),
        opened(address, "json") as silent,
    ):
        assert await silent.closed() == 3502
        assert len(hub.sessions) == 1


async def test_a_connection_ends_after_its_time_unless_that_has_moved_on() -> None:
    hub = Hub(ping_interval=0.5, pong_timeout=0.2, expiry_grace=0.1)

    @hub.on_connect
    def who(session: object, data: object) -> Connect:
        return Connect(user=str(data), expire_at=time.time() + 0.1)

    async with (
        serving(hub) as address,
        connected(address, "json", data="short") as short,
        connected(address, "json", data="long") as long,
    ):
        await hub.refresh("long", expire_at=time.time() + 3600)
        assert await short.closed() == 3005
        assert (await long.push("refresh"))["expires"] is True
        assert [session.user for session in hub.sessions.values()] == ["long"]


async def test_sessions_that_have_ended_leave_nothing_in_the_slots() -> None:
    hub = named_hub()
    async with serving(hub) as address:
        for _ in range(3):
            async with connected(address, "json", "1") as wire:
                await wire.synchronous()
        clock = hub._clock
        assert clock is not None
        while hub.sessions:  # noqa: ASYNC110  # it has no event of its own
            await asyncio.sleep(0)
        assert not any(clock._slots)
