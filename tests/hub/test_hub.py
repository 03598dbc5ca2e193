"""What is declared on a hub, and its life."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import openline
from openline.hub import BrokerDown, ChannelOptions, Hub, Refused, TokenOptions
from openline.hub.brokers.memory import MemoryBroker

from .conformance.wire import Closed, connected, named_hub, opened, serving


def test_a_namespace_is_declared_once() -> None:
    hub = Hub()
    chat = hub.namespace("chat", history=10, ttl=60.0)
    assert hub.options_of("chat:a") is chat.options
    assert (repr(chat), set(hub.namespaces)) == ("<Namespace 'chat'>", {"chat"})
    with pytest.raises(ValueError, match="there is a namespace 'chat' already"):
        hub.namespace("chat")
    for name in ("a", "a b", "a:b", "a#", "é"):
        with pytest.raises(ValueError, match="is no name for a namespace"):
            hub.namespace(name)
    with pytest.raises(TypeError, match="histroy"):
        hub.namespace("news", histroy=10)
    with pytest.raises(TypeError, match="insecrue"):
        Hub(insecrue=True)


def test_options_can_be_changed_and_a_namespace_taken_back() -> None:
    hub = Hub()
    chat = hub.namespace("chat")

    @chat.on_publish
    def hook(session: object, channel: str, data: object) -> None: ...

    changed = ChannelOptions(history=5, ttl=1.0)
    assert hub.set_namespace("chat", changed) is chat
    assert hub.options_of("chat:a") is changed
    assert hub.hooks_of("chat:a").get("publish") is hook
    hub.remove_namespace("chat")
    with pytest.raises(Refused, match="102"):
        hub.options_of("chat:a")


def test_insecure_knows_all_channels_and_says_so_loudly(caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub(insecure=True)
    assert hub.options_of("any:thing") == ChannelOptions()

    async def start() -> None:
        async with hub:
            pass

    asyncio.run(start())
    assert "INSECURE" in caplog.text


async def test_a_hub_that_nobody_can_enter_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async with Hub():
        pass
    assert "nobody can connect" in caplog.text


async def test_handlers_of_an_rpc_are_single() -> None:
    hub = Hub()
    hub.rpc("a")(lambda session, data: None)
    with pytest.raises(ValueError, match="there is a handler of rpc 'a' already"):
        hub.rpc("a")(lambda session, data: None)


async def test_keys_can_be_changed_while_it_runs() -> None:
    import jwt

    old, new = "the old key " * 4, "the new key " * 4
    hub = Hub(token=TokenOptions(hmac_secret=old))
    async with serving(hub) as address:
        async with connected(address, "json", token=jwt.encode({"sub": "1"}, old, "HS256")):
            pass
        hub.set_tokens(Hub(token=TokenOptions(hmac_secret=new)).options)
        with pytest.raises(Closed, match="3500"):
            async with connected(address, "json", token=jwt.encode({"sub": "1"}, old, "HS256")):
                pass
        async with connected(address, "json", token=jwt.encode({"sub": "1"}, new, "HS256")):
            pass


async def test_it_starts_with_its_server_and_ends_with_it() -> None:
    hub = named_hub()
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        assert hub.started_at
        await wire.synchronous()
    assert not hub.started_at
    async with serving(hub) as address, connected(address, "json", "42"):
        assert len(hub.sessions) == 1


async def test_one_that_runs_already_stays() -> None:
    async with named_hub() as hub:
        async with serving(hub):
            pass
        assert hub.started_at
        await asyncio.gather(hub.start(), hub.start())


async def test_a_broker_that_cannot_be_reached_is_an_error_at_once_and_may_be_tried_again() -> None:
    class Late(MemoryBroker):
        tries = 0

        async def start(self, events: Any, node: str) -> None:
            self.tries += 1
            if self.tries == 1:
                raise BrokerDown("not yet")
            await super().start(events, node)

    hub = named_hub(Late())
    with pytest.raises(BrokerDown, match="not yet"):
        await openline.serve(hub, "127.0.0.1", 0)
    async with serving(hub):
        assert hub.started_at


async def test_the_end_of_the_server_is_3001() -> None:
    hub = named_hub()
    server = await openline.serve(hub, "127.0.0.1", 0)
    address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/connection/websocket"
    async with connected(address, "json", "42") as wire:
        server.close()
        assert await wire.closed() == 3001
    await server.wait_closed()


async def test_draining_spreads_the_goodbyes_and_lets_nobody_in() -> None:
    hub = named_hub()
    async with (
        serving(hub) as address,
        connected(address, "json", "1") as one,
        connected(address, "json", "2") as two,
        opened(address, "json") as stranger,
    ):
        draining = asyncio.create_task(hub.drain(0.1))
        await asyncio.sleep(0)
        with pytest.raises(openline.exceptions.InvalidStatus) as refusal:
            await openline.connect(address)
        assert refusal.value.response.status_code == 503
        for wire in (one, two, stranger):
            assert await wire.closed() == 3001
        await draining
        assert not hub.sessions


async def test_too_many_of_one_user_or_of_all() -> None:
    hub = named_hub(max_sessions=3, max_sessions_per_user=1)
    async with serving(hub) as address, connected(address, "json", "42"), connected(address, "json", ""):
        with pytest.raises(Closed, match="3504"):
            async with connected(address, "json", "42"):
                pass
        async with connected(address, "json", "43"):
            with pytest.raises(Closed, match="3504"):
                async with connected(address, "json", "44"):
                    pass


async def test_personal_channels() -> None:
    hub = named_hub(user_personal_channel=True)
    async with serving(hub) as address, connected(address, "json", "42") as wire:
        await hub.publish("#42", {"for": "you"})
        assert (await wire.push("pub", "#42"))["data"] == {"for": "you"}


async def test_it_belongs_to_one_loop() -> None:
    async with Hub() as hub:
        assert hub.own_loop is hub.loop

        def elsewhere() -> None:
            asyncio.run(hub.publish("a", 1))

        hub.namespace("")
        with pytest.raises(RuntimeError, match="another loop"):
            await asyncio.to_thread(elsewhere)
    with pytest.raises(RuntimeError, match="was not started"):
        _ = Hub().loop
