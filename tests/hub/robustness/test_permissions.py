"""Who gets where he must not."""

from __future__ import annotations

import pytest

from openline.hub import Hub, Session

from ..conformance.wire import connected, named_hub, opened, serving


async def test_a_channel_of_two_is_closed_to_others_whatever_is_open_to_anyone() -> None:
    hub = named_hub()
    hub.namespace(
        "dialog",
        history=10,
        ttl=60.0,
        presence=True,
        subscribe="anyone",
        publish="anyone",
        read_history="anyone",
        read_presence="anyone",
    )
    async with serving(hub) as address, connected(address, "json", "44") as wire:
        channel = "dialog:a#42,43"
        await hub.publish(channel, "secret")
        assert await wire.error(subscribe={"channel": channel}) == 103
        assert await wire.error(history={"channel": channel, "limit": 9}) == 103
        assert await wire.error(presence={"channel": channel}) == 103
        assert await wire.error(presence_stats={"channel": channel}) == 103
        assert await wire.error(publish={"channel": channel, "data": 1}) == 103
    async with serving(hub) as address, connected(address, "json", "43") as wire:
        assert len((await wire.result(history={"channel": channel, "limit": 9}))["publications"]) == 1


@pytest.mark.parametrize("user", ["x#y", "x,y", "y,", ",y"])
async def test_a_personal_channel_is_its_users_alone(user: str) -> None:
    hub = named_hub(user_personal_channel=True)
    async with serving(hub) as address, connected(address, "json", user):
        personal = f"#{user}"
        async with connected(address, "json", "y") as other:
            reply = await other.ask(subscribe={"channel": personal})
            alone = hub.table.get(personal)
            assert "error" in reply or alone is None or len(alone.subscriptions) == 1


async def test_what_a_hook_is_not_asked_for_stays_closed() -> None:
    """A publish to another namespace's channel, to one that was only named alike, or without a subscription."""
    hub = named_hub()
    hub.namespace("open", publish="anyone", subscribe="anyone")
    hub.namespace("shut", publish="nobody", subscribe="nobody")

    @hub.rpc("channels")
    def channels(session: Session) -> list[str]:
        return list(session.subscriptions)

    async with serving(hub) as address, connected(address, "json", "42") as wire:
        for channel in ("shut:a", "shut:open:a", "shut:#42", "shut:a#", "shut:a#43"):
            assert await wire.error(publish={"channel": channel, "data": 1}) == 103
        for channel in ("shut:a", "shut:open:a", "shut:a#", "shut:a#43"):
            assert await wire.error(subscribe={"channel": channel}) == 103
        for channel in ("Open:a", "open\u0000:a", " open:a", "open"):
            assert await wire.error(publish={"channel": channel, "data": 1}) == 102
        assert await wire.error(publish={"channel": "", "data": 1}) == 107
        assert await wire.result(rpc={"method": "channels"}) == {"data": []}


async def test_a_client_cannot_say_who_it_is_without_a_hook_that_believes_it() -> None:
    hub = Hub()
    async with serving(hub) as address, opened(address, "json") as wire:
        assert await wire.error(connect={"data": {"user": "42"}, "token": "x.y.z"}) == 101
