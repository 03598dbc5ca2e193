"""However a session ends, nothing of it is left, and on_disconnect is called once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openline.hub import Session

from ..conformance.wire import named_hub, opened, serving
from .remains import nothing_remains, until

pytestmark = pytest.mark.engine


async def test_a_hook_hears_that_it_is_cancelled_in_the_turn_in_which_it_began() -> None:
    """The client sends a command and is gone, in one turn of the loop: the hook is cancelled as ever."""
    hub = named_hub()
    said: list[str] = []

    @hub.rpc("wait")
    async def wait(session: Session, data: Any) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            said.append("cancelled")
            raise
        except BaseException as error:
            said.append(repr(error))
            raise

    hub.on_disconnect(lambda session: said.append("disconnected"))
    async with serving(hub) as address:
        async with opened(address, "json") as wire:
            await wire.connect()
            (session,) = hub.sessions.values()

            def come_and_go() -> None:
                session.receive('{"id":2,"rpc":{"method":"wait"}}')
                session.disconnect()

            asyncio.get_running_loop().call_soon(come_and_go)
            await until(lambda: len(said) == 2)
        assert said == ["cancelled", "disconnected"]
        await nothing_remains(hub)


async def test_a_lock_survives_who_is_cancelled_in_the_turn_in_which_he_came() -> None:
    """As above, for what waits in our own code: who got the lock in this turn hands it on."""
    hub = named_hub()
    lock = asyncio.Lock()
    passed: list[str] = []

    @hub.rpc("pass")
    async def pass_through(session: Session, name: str) -> None:
        async with lock:
            passed.append(name)

    async with serving(hub) as address, opened(address, "json") as one, opened(address, "json") as two:
        await one.connect(data={"user": "1"})
        await two.connect(data={"user": "2"})
        (first,), (second,) = hub.users.of("1"), hub.users.of("2")
        await lock.acquire()

        def come_and_go() -> None:
            first.receive('{"id":2,"rpc":{"method":"pass","data":"first"}}')
            second.receive('{"id":2,"rpc":{"method":"pass","data":"second"}}')
            lock.release()
            first.disconnect()

        asyncio.get_running_loop().call_soon(come_and_go)
        async with asyncio.timeout(5.0):
            await until(lambda: passed)
        assert passed == ["second"]
