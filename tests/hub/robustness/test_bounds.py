"""What clients could make grow, or make the hub do for too long."""

from __future__ import annotations

import asyncio
from typing import Any

from openline.hub import Connect, Hub, Session, Subscribe

from ..conformance.wire import connected, named_hub, opened, serving
from .remains import nothing_remains, until


async def test_a_key_counts_as_part_of_a_publication() -> None:
    hub = named_hub(max_publication_size=1000)
    hub.namespace("")
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await wire.subscribe("a")
        assert await wire.error(publish={"channel": "a", "data": 1, "key": "k" * 2000}) == 106


async def test_history_that_is_larger_than_the_queue_is_answered_in_part(encoding: str) -> None:
    """The client would be disconnected as slow, come back, and ask again."""
    hub = named_hub(max_queue_size=2**16)
    hub.namespace("", history=100, ttl=60.0)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        await wire.subscribe("a")
        for _ in range(50):
            await hub.publish("a", "x" * 5000)
        for _ in range(50):
            await wire.push("pub", "a")
        result = await wire.result(history={"channel": "a", "limit": 50})
        offsets = [one["offset"] for one in result["publications"]]
        assert result["offset"] == 50
        assert offsets == list(range(1, len(offsets) + 1))
        assert 0 < len(offsets) < 13
        since = {"offset": offsets[-1], "epoch": result["epoch"]}
        more = await wire.result(history={"channel": "a", "limit": 50, "since": since})
        assert more["publications"][0]["offset"] == offsets[-1] + 1


async def test_recoveries_of_many_channels_together_keep_to_the_bound(encoding: str) -> None:
    """Each alone would fit; together they would end the session, and so each time it comes back."""
    names = [f"a{number}" for number in range(20)]
    hub = Hub(max_queue_size=2**16)
    hub.on_connect(lambda session: Connect(user="42", subs=names))
    hub.namespace("", history=10, ttl=60.0, recovery=True)
    async with serving(hub) as address:
        async with opened(address, encoding) as wire:
            subs = (await wire.connect())["subs"]
        for name in names:
            for _ in range(5):
                await hub.publish(name, "x" * 5000)
        async with opened(address, encoding) as wire:
            known = {name: {"recover": True, "epoch": one["epoch"]} for name, one in subs.items()}
            subs = (await wire.connect(subs=known))["subs"]
            recovered = [name for name, one in subs.items() if one.get("recovered")]
            assert recovered == ["a0"]
            assert len(subs["a0"]["publications"]) == 5
            await wire.synchronous()


async def test_a_frame_full_of_commands_lets_others_have_their_turn() -> None:
    """Each of them may be a publication to thousands."""
    hub = named_hub()
    order: list[str] = []
    hub.rpc("note")(lambda session: order.append("many"))
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        (session,) = hub.sessions.values()
        loop = asyncio.get_running_loop()

        def come() -> None:
            session.receive("\n".join(['{"id":9,"rpc":{"method":"note"}}'] * 3000))
            loop.call_soon(order.append, "others")

        loop.call_soon(come)
        await until(lambda: len(order) == 3001)
        assert order.index("others") < 200
        await wire.synchronous()


async def test_refreshes_leave_nothing_behind() -> None:
    hub = Hub()

    @hub.on_connect
    def who(session: Session) -> str:
        return "42"

    async with serving(hub) as address, opened(address, "json") as wire:
        await wire.connect()
        clock: Any = hub._clock
        for _ in range(1000):
            await hub.refresh("42", expire_at=4e9)
        assert len(clock._expiring) <= 4


async def test_an_answer_that_is_larger_than_the_queue_is_an_error(encoding: str) -> None:
    """Such as the presence of a huge channel; the client would be disconnected, come back, and ask again."""
    hub = named_hub(max_queue_size=2**16)
    hub.rpc("much")(lambda session: "x" * 2**17)
    async with serving(hub) as address, connected(address, encoding, "42") as wire:
        assert await wire.error(rpc={"method": "much"}) == 106
        await wire.synchronous()


async def test_a_subscription_whose_info_is_refused_leaves_nothing() -> None:
    hub = named_hub()
    hub.namespace("")
    hub.on_subscribe(lambda session: Subscribe(info=b"no JSON"))
    async with serving(hub) as address:
        async with connected(address, "json", "42") as wire:
            assert await wire.error(subscribe={"channel": "a"}) == 100
        await nothing_remains(hub)
