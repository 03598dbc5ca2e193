"""Coroutines that run at once."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from openline.hub.eager import call, start, wait_here

pytestmark = pytest.mark.engine

name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="")


async def in_callback(function: object) -> object:
    """Call a function from the loop, where no task is current, as the reactor does."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def run() -> None:
        assert asyncio.current_task() is None
        try:
            done.set_result(function())  # type: ignore[operator]
        except Exception as error:
            done.set_exception(error)

    loop.call_soon(run)
    return await done


async def test_what_does_not_wait_costs_no_task_and_no_turn() -> None:
    loop = asyncio.get_running_loop()
    said: list[str] = []

    async def quick() -> None:
        said.append("quick")

    async def with_hook() -> None:
        said.append(await call(lambda: "plain"))

    def run() -> tuple[object, object, int]:
        before = len(asyncio.all_tasks(loop))
        return start(quick(), loop), start(with_hook(), loop), len(asyncio.all_tasks(loop)) - before

    assert await in_callback(run) == (None, None, 0)
    assert said == ["quick", "plain"]


async def test_what_waits_goes_on_in_a_task() -> None:
    loop = asyncio.get_running_loop()
    gate: asyncio.Future[str] = loop.create_future()
    said: list[str] = []

    async def waits() -> None:
        said.append("begins")
        said.append(await gate)
        await asyncio.sleep(0)
        said.append("ends")

    task = await in_callback(lambda: start(waits(), loop))
    assert isinstance(task, asyncio.Task)
    assert said == ["begins"]
    gate.set_result("goes on")
    await task
    assert said == ["begins", "goes on", "ends"]


async def test_a_bare_yield_waits_a_turn() -> None:
    loop = asyncio.get_running_loop()
    said: list[int] = []

    async def yields() -> None:
        for number in range(3):
            said.append(number)
            await asyncio.sleep(0)

    task = await in_callback(lambda: start(yields(), loop))
    assert isinstance(task, asyncio.Task)
    await task
    assert said == [0, 1, 2]


async def test_cancelling_reaches_what_it_waits_for() -> None:
    loop = asyncio.get_running_loop()
    gate: asyncio.Future[None] = loop.create_future()
    caught: list[str] = []

    async def waits() -> None:
        try:
            await gate
        except asyncio.CancelledError:
            caught.append("cancelled")
            await asyncio.sleep(0)
            caught.append("and cleaned up")
            raise

    task = await in_callback(lambda: start(waits(), loop))
    assert isinstance(task, asyncio.Task)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caught == ["cancelled", "and cleaned up"]
    assert gate.cancelled()


async def test_a_task_that_never_began_closes_its_coroutine() -> None:
    loop = asyncio.get_running_loop()
    closed: list[str] = []

    async def waits() -> None:
        try:
            await loop.create_future()
        finally:
            closed.append("closed")

    task = await in_callback(lambda: start(waits(), loop))
    assert isinstance(task, asyncio.Task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    import gc

    gc.collect()
    assert closed == ["closed"]


async def test_the_applications_coroutine_has_a_task_from_its_first_step() -> None:
    loop = asyncio.get_running_loop()
    said: list[object] = []

    async def hook() -> str:
        async with asyncio.timeout(10):  # noqa: ASYNC100  # it asks for the current task
            said.append(asyncio.current_task())
        return "ready"

    async def slow_hook() -> str:
        first = asyncio.current_task()
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
            said.append(asyncio.current_task() is first)
        return "late"

    async def command() -> None:
        said.append(await call(hook))
        said.append(await call(slow_hook))

    task = await in_callback(lambda: start(command(), loop))
    assert isinstance(said[0], asyncio.Task)
    assert said[1] == "ready"
    assert isinstance(task, asyncio.Task)
    await task
    assert said[2:] == [True, "late"]


async def test_a_timeout_in_a_hook_ends_it() -> None:
    loop = asyncio.get_running_loop()
    said: list[str] = []

    async def hook() -> None:
        async with asyncio.timeout(0.01):
            await loop.create_future()

    async def command() -> None:
        try:
            await call(hook)
        except TimeoutError:
            said.append("timed out")

    task = await in_callback(lambda: start(command(), loop))
    assert isinstance(task, asyncio.Task)
    await task
    assert said == ["timed out"]


async def test_errors_of_a_hook_reach_who_called_it() -> None:
    loop = asyncio.get_running_loop()
    said: list[str] = []

    async def hook() -> None:
        raise LookupError("at once")

    async def command() -> None:
        try:
            await call(hook)
        except LookupError as error:
            said.append(str(error))

    assert await in_callback(lambda: start(command(), loop)) is None
    assert said == ["at once"]


async def test_within_somebodys_task_a_command_gets_its_own() -> None:
    loop = asyncio.get_running_loop()
    tasks: list[object] = []

    async def command() -> None:
        tasks.append(asyncio.current_task())

    task = start(command(), loop)
    assert task is not None
    await task
    assert tasks == [task]


async def test_awaitables_that_are_no_coroutines_are_awaited() -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[int] = loop.create_future()
    ready.set_result(5)
    assert await wait_here(ready) == 5


async def test_the_loop_is_as_it_was_afterwards() -> None:
    loop = asyncio.get_running_loop()

    async def hook() -> None: ...

    async def command() -> None:
        await call(hook)

    await in_callback(lambda: start(command(), loop))
    assert "call_soon" not in vars(loop)
