"""What a node does to its own sessions."""

from __future__ import annotations

import time

import pytest

from openline.hub import Hub

from .conformance.wire import connected, named_hub, serving

pytestmark = pytest.mark.engine


@pytest.fixture
def hub() -> Hub:
    hub = named_hub()
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    return hub


async def test_a_user_has_several_sessions_and_each_can_be_meant(hub: Hub) -> None:
    async with (
        serving(hub) as address,
        connected(address, "json", "42") as one,
        connected(address, "json", "42") as two,
        connected(address, "json", "43") as other,
    ):
        assert await hub.subscribe("42", "a", client=two.client) == 1
        assert await hub.subscribe("42", "a") == 1, "the other one"
        assert await hub.subscribe("42", "a") == 0
        assert await hub.subscribe("43", "a", client=one.client) == 0, "who is somebody else's"
        for wire in (one, two):
            assert (await wire.push("subscribe", "a"))["recoverable"] is True
        assert await hub.unsubscribe("42", "a", client=one.client, code=2500) == 1
        assert await one.push("unsubscribe", "a") == {"code": 2500, "reason": "insufficient state"}
        assert await hub.unsubscribe("42", "a") == 1
        assert await hub.disconnect("42", whitelist=[two.client], code=4000, reason="over") == 1
        assert await one.closed() == 4000
        assert {session.user for session in hub.sessions.values()} == {"42", "43"}
        await other.nothing()


async def test_what_came_before_can_be_given(hub: Hub) -> None:
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        first = (await hub.publish("a", 1)).position
        await hub.publish("a", 2)
        await hub.subscribe("42", "a", recover_since=first, data={"hello": 1}, info="of the channel")
        push = await wire.push("subscribe", "a")
        assert (push["offset"], push["data"]) == (1, {"hello": 1})
        # The push has no place for publications: they follow it.
        assert (await wire.push("pub", "a"))["data"] == 2
        await hub.publish("a", 3)
        assert (await wire.push("pub", "a"))["data"] == 3


async def test_refresh_sets_the_time_or_ends_it(hub: Hub) -> None:
    async with (
        serving(hub) as address,
        connected(address, "json", "42") as one,
        connected(address, "json", "43") as two,
    ):
        assert await hub.refresh("42", expire_at=time.time() + 100, info={"name": "Ann"}) == 1
        push = await one.push("refresh")
        assert push["expires"] is True
        assert 95 <= push["ttl"] <= 100
        assert bytes(hub.sessions[one.client].info) == b'{"name":"Ann"}'  # type: ignore[arg-type]
        assert await hub.refresh("42") == 1
        assert await one.push("refresh") == {}
        assert await hub.refresh("43", expired=True) == 1
        assert await two.closed() == 3005


async def test_what_a_node_says_of_itself(hub: Hub) -> None:
    async with (
        serving(hub) as address,
        connected(address, "json", "42") as one,
        connected(address, "json", "42") as two,
    ):
        await one.subscribe("a")
        await two.subscribe("a")
        await two.subscribe("b")
        (facts,) = await hub.info()
        assert (facts["num_clients"], facts["num_users"], facts["num_subs"], facts["num_channels"]) == (
            2,
            1,
            3,
            2,
        )
        assert facts["uid"] == hub.node
        assert await hub.channels() == {"a": 2, "b": 1}
        assert await hub.channels("b*") == {"b": 1}


async def test_nobody_is_meant_by_no_name(hub: Hub) -> None:
    async with serving(hub) as address, connected(address, "json") as wire:
        for call in (hub.disconnect(""), hub.unsubscribe("", "a"), hub.subscribe("", "a"), hub.refresh("")):
            with pytest.raises(Exception, match="neither a user nor a client"):
                await call
        await wire.nothing()


async def test_a_guest_is_sent_away_with_the_others_of_his_user(hub: Hub) -> None:
    async with (
        serving(hub) as address,
        connected(address, "json", "42"),
        connected(address, "json", "43") as wire,
    ):
        # What has no channels: a session that another line has made, and let in by itself.
        guest = next(session for session in hub.sessions.values() if session.user == "43")
        hub.dismiss(guest)
        hub.guests.add(guest)
        assert await hub.subscribe("43", "a") == 0, "he has no channels"
        assert await hub.disconnect("43", client="somebody") == 0
        assert await hub.disconnect("43", code=4000) == 1
        assert await wire.closed() == 4000
        assert hub.guests.of("43") == []
