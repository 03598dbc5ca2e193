"""`recv` and `send` under cancellation, and in every way in which asyncio can run a coroutine."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from openline import exceptions

from ..conformance.lines import Line, keep_silent, opened
from ..conformance.peer import BINARY, TEXT, Frame, turn_loop
from .test_backpressure import holding
from .test_backpressure import opened as opened_with_small_buffers

pytestmark = pytest.mark.engine

SEED = 6455


async def held_line(ws: Any, message: str | bytes) -> None:
    """Hand the connection over to the test: the handler receives nothing more."""
    await ws.wait_closed()


async def take_over(line: Line) -> Any:
    """Let the handler of `held_line` receive its one message; return the connection."""
    await line.peer.send_frame(TEXT, b"start")
    while not line.app.received:
        await turn_loop()
    return await line.app.connection


async def received(ws: Any) -> Any:
    return await ws.recv()


async def sent(ws: Any, message: str | bytes) -> None:
    await ws.send(message)


@pytest.mark.parametrize("way", ["cancel", "wait_for", "timeout"])
async def test_recv_that_is_cancelled_at_random_moments_loses_no_message(way: str) -> None:
    """A message that comes in the moment of the cancellation stays for the next `recv`."""
    rng = random.Random(SEED)
    got: list[str] = []

    async def try_once(ws: Any) -> None:
        patience = rng.choice([0, 0, 0.0001, 0.0005, 0.002])
        if way == "wait_for":
            got.append(await asyncio.wait_for(ws.recv(), patience))
        elif way == "timeout":
            async with asyncio.timeout(patience):
                got.append(await ws.recv())
        else:
            task = asyncio.ensure_future(received(ws))
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
            try:
                got.append(await task)
            except asyncio.CancelledError:
                raise TimeoutError from None

    async with opened("server", held_line) as line:
        ws = await take_over(line)

        async def feed() -> None:
            for number in range(500):
                await line.peer.send_frame(TEXT, b"%d" % number)
                if rng.random() < 0.3:
                    await asyncio.sleep(rng.choice([0, 0, 0.0003, 0.001]))

        feeding = asyncio.ensure_future(feed())
        while len(got) < 500:
            try:
                await try_once(ws)
            except TimeoutError:
                await asyncio.sleep(0)
        await feeding
        assert got == [str(number) for number in range(500)]
        await line.close_from_peer()


async def test_send_that_is_cancelled_is_sent_whole_or_not_at_all() -> None:
    """The peer checks every frame. What was not cancelled has arrived, in order."""
    rng = random.Random(SEED)
    async with holding(write_limit=1000) as (port, held):
        peer, ws = await opened_with_small_buffers(port, held)
        certain: list[int] = []

        async def storm() -> None:
            for number in range(400):
                task = asyncio.ensure_future(sent(ws, b"%06d" % number + b"." * rng.randrange(3000)))
                for _ in range(rng.randrange(6)):
                    await asyncio.sleep(0)
                task.cancel()
                try:
                    await task
                    certain.append(number)
                except asyncio.CancelledError:
                    pass
            await ws.send(b"999999")

        storming = asyncio.ensure_future(storm())
        arrived: list[int] = []
        while not arrived or arrived[-1] != 999_999:
            frame = await peer.receive()
            assert isinstance(frame, Frame)
            assert frame.opcode == BINARY
            arrived.append(int(frame.payload[:6]))
        await storming
        assert arrived == sorted(arrived)
        assert set(certain) <= set(arrived)
        assert len(arrived) == len(set(arrived))
        peer.close()


async def test_close_that_is_cancelled_goes_on() -> None:
    async with opened("server", keep_silent) as line:
        ws = await line.app.connection
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await ws.close(4000, "going")
        await line.peer.expect_close(4000, "going")
        await line.peer.send_close(4000)
        await line.expect_tcp_end()


Runner = Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]


async def as_it_is(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


async def in_a_task(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.create_task(coroutine)


async def in_a_task_group(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(coroutine)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return task.result()


async def in_gather(coroutine: Coroutine[Any, Any, Any]) -> Any:
    result, _ = await asyncio.gather(coroutine, asyncio.sleep(0))
    return result


async def in_wait(coroutine: Coroutine[Any, Any, Any]) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(coroutine)])
    return done.pop().result()


async def in_wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.wait_for(coroutine, 10)


async def in_shield(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.shield(coroutine)


async def from_another_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(coroutine, loop).result(10))


async def in_a_named_task(coroutine: Coroutine[Any, Any, Any]) -> Any:
    task = asyncio.get_running_loop().create_task(coroutine, name="a name")
    assert task.get_name() == "a name"
    return await task


RUNNERS: list[Runner] = [
    as_it_is,
    in_a_task,
    in_a_task_group,
    in_gather,
    in_wait,
    in_wait_for,
    in_shield,
    from_another_thread,
    in_a_named_task,
]


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: runner.__name__)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "waiting"])
async def test_recv_and_send_run_in_every_way(runner: Runner, debug: bool, waits: bool) -> None:
    """With a message that is there already, and with one that comes while the coroutine waits."""
    asyncio.get_running_loop().set_debug(debug)
    async with opened("server", held_line) as line:
        ws = await take_over(line)
        for number in range(3):
            if waits:
                receiving = asyncio.ensure_future(runner(ws.recv()))
                await asyncio.sleep(0.01)
                await line.peer.send_frame(TEXT, b"%d" % number)
                assert await receiving == str(number)
            else:
                await line.peer.send_frame(TEXT, b"%d" % number)
                await asyncio.sleep(0.01)
                assert await runner(ws.recv()) == str(number)
            await runner(ws.send(f"back {number}"))
            await line.peer.expect(TEXT, b"back %d" % number)
        await line.close_from_peer()
        with pytest.raises(exceptions.ConnectionClosedOK):
            await runner(ws.recv())


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_recv_and_send_in_eager_tasks() -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined, unused-ignore]
    probe = asyncio.sleep(0)
    try:
        await loop.create_task(probe)
    except TypeError as error:  # uvloop 0.22 and later with Python 3.13.0
        probe.close()
        loop.set_task_factory(None)
        pytest.skip(f"no eager tasks on this loop: {error}")
    async with opened("server") as line:
        for number in range(10):
            await line.peer.send_frame(TEXT, b"%d" % number)
            await line.peer.expect(TEXT, b"%d" % number)
        await line.close_from_peer()


async def test_current_task_and_context_are_those_of_the_waiting_task() -> None:
    """The reactor wakes a task directly: it must find itself as it was."""
    seen: list[Any] = []

    async def note(ws: Any, message: str | bytes) -> None:
        seen.append(asyncio.current_task())

    async with opened("server", note) as line:
        for _ in range(3):
            await line.peer.send_frame(TEXT, b"who am I")
        await line.peer.expect_silence()
        await line.close_from_peer()
    assert seen[0] is not None
    assert seen[0] is not asyncio.current_task()
    assert seen == [seen[0]] * 3


async def test_a_handler_that_uses_another_connection_of_the_same_loop() -> None:
    """A message wakes a task that sends on, and waits for, another connection: wake-ups within wake-ups."""
    async with opened("server") as far:
        far_task = asyncio.ensure_future(_echo_by_hand(far.peer, 20))

        async def relay(ws: Any, message: str | bytes) -> None:
            other = await far.app.connection
            other.send_nowait(message)
            await ws.send(f"relayed {message!s}")

        async with opened("server", relay) as near:
            for number in range(20):
                await near.peer.send_frame(TEXT, b"%d" % number)
                await near.peer.expect(TEXT, b"relayed %d" % number)
            assert await far_task == [b"%d" % number for number in range(20)]
            await near.close_from_peer()
        await far.close_from_peer()


async def _echo_by_hand(peer: Any, count: int) -> list[bytes]:
    got = []
    for _ in range(count):
        frame = await peer.receive()
        assert isinstance(frame, Frame)
        got.append(frame.payload)
    return got


async def test_two_coroutines_cannot_receive_at_once() -> None:
    async with opened("server") as line:  # whose handler receives
        ws = await line.app.connection
        with pytest.raises(exceptions.ConcurrencyError):
            await ws.recv()
        await line.peer.send_frame(TEXT, b"unharmed")
        await line.peer.expect(TEXT, b"unharmed")
        await line.close_from_peer()


async def test_a_coroutine_that_is_never_awaited_warns() -> None:
    async with opened("server") as line:
        ws = await line.app.connection
        for call in (ws.recv, lambda: ws.send("x")):
            coroutine = call()
            with pytest.warns(RuntimeWarning, match="never awaited"):
                del coroutine
        await line.peer.expect_silence()
        await line.close_from_peer()
