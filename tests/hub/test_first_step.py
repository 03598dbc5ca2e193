"""The first step of a hook: with a task that it may ask for, and none made where it ends at once."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from openline.hub.first_step import Going, begin

from .test_eager import in_callback

pytestmark = pytest.mark.engine

stands_by = pytest.mark.skipif(
    sys.version_info >= (3, 12) or not hasattr(sys, "getrefcount"),
    reason="there every hook has a task of its own",
)

whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody's")


def begun(coroutine: Any) -> Any:
    return begin(coroutine, asyncio.get_running_loop())


async def begin_in_callback(coroutine: Any) -> Any:
    return await in_callback(lambda: begun(coroutine))


async def task_of_a_hook() -> int:
    """The id of the task that a hook finds which ends at once."""

    async def hook() -> int:
        return id(asyncio.current_task())

    return await begin_in_callback(hook())


async def test_what_ends_at_once_returns_or_raises_here() -> None:
    async def returns() -> tuple[int, ...]:
        return (1, 2)

    async def raises() -> None:
        raise LookupError("no")

    assert await begin_in_callback(returns()) == (1, 2)
    with pytest.raises(LookupError, match="no"):
        await begin_in_callback(raises())


class Thing:
    """Something that a weak reference may be had of."""


async def test_nothing_is_kept_of_what_has_ended() -> None:
    seen: list[weakref.ref[object]] = []

    async def hook(fail: bool) -> Thing:
        thing = Thing()
        seen.append(weakref.ref(thing))
        if fail:
            raise LookupError
        return thing

    def once() -> None:
        for fail in (False, True, False):
            coroutine = hook(fail)
            seen.append(weakref.ref(coroutine))
            with contextlib.suppress(LookupError):
                begun(coroutine)

    await in_callback(once)
    assert len(seen) == 6
    if hasattr(sys, "getrefcount"):
        assert [reference() for reference in seen] == [None] * 6


async def test_hooks_that_raise_wait_and_return_follow_one_another() -> None:
    async def hook(what: str) -> str:
        if what == "raise":
            raise LookupError
        if what != "return":
            await asyncio.sleep(0)
        if what == "raise later":
            raise LookupError
        return what

    order = ["return", "raise", "wait", "raise later", "return", "wait", "wait", "raise", "raise", "return"]
    came: list[str] = []
    for what in order:
        try:
            answer: Any = await begin_in_callback(hook(what))
            came.append(await answer.rest if isinstance(answer, Going) else answer)
        except LookupError:
            came.append("raise later" if what == "raise later" else "raise")
    assert came == order


async def test_the_task_of_the_first_step_is_the_task_of_all() -> None:
    loop = asyncio.get_running_loop()
    gate = loop.create_future()
    tasks: list[object] = []

    async def hook() -> str:
        tasks.append(asyncio.current_task())
        tasks.append(await gate)
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())
        return "done"

    going = await begin_in_callback(hook())
    assert isinstance(going, Going)
    assert isinstance(going.rest, asyncio.Task)
    assert going.rest in asyncio.all_tasks()
    gate.set_result("through the gate")
    assert await going.rest == "done"
    assert tasks == [going.rest, "through the gate", going.rest, going.rest]
    assert asyncio.current_task() is not going.rest


async def test_where_a_task_is_current_nothing_begins() -> None:
    said: list[str] = []

    async def hook() -> str:
        said.append("begins")
        return "late"

    going = begun(hook())
    assert isinstance(going, Going)
    assert said == []
    assert await going.rest == "late"


async def test_a_hook_within_the_first_step_of_another_does_not_get_its_task() -> None:
    tasks: list[object] = []

    async def inner() -> None:
        tasks.append(asyncio.current_task())

    async def outer() -> Any:
        tasks.append(asyncio.current_task())
        return begun(inner())

    going = await begin_in_callback(outer())
    assert isinstance(going, Going)
    await going.rest
    assert tasks[0] is not tasks[1]


async def test_contexts_are_apart_and_go_on() -> None:
    seen: list[str] = []

    async def hook(name: str, gate: asyncio.Future[None] | None = None) -> None:
        seen.append(whose.get())
        whose.set(name)
        if gate is not None:
            await gate
            await asyncio.sleep(0)
        seen.append(whose.get())

    gate = asyncio.get_running_loop().create_future()

    def run() -> Any:
        whose.set("the connection's")
        going = begun(hook("a's", gate))
        begun(hook("b's"))
        seen.append(whose.get())
        return going

    going = await in_callback(run)
    gate.set_result(None)
    await going.rest
    assert seen == ["the connection's", "the connection's", "b's", "the connection's", "a's"]


@stands_by
async def test_one_task_stands_by_for_all_that_end_at_once() -> None:
    async def raises() -> None:
        raise LookupError(id(asyncio.current_task()))

    tasks = {await task_of_a_hook() for _ in range(5)}
    with pytest.raises(LookupError) as raised:
        await begin_in_callback(raises())
    tasks |= {*raised.value.args, await task_of_a_hook()}
    assert len(tasks) == 1
    assert not any(id(task) in tasks for task in asyncio.all_tasks())


@stands_by
@pytest.mark.parametrize(
    "do",
    [
        lambda task: task,
        weakref.ref,
        lambda task: task.set_name("mine"),
        lambda task: setattr(task, "mark", 1),
        lambda task: task.add_done_callback(print_nothing),
    ],
    ids=["kept", "weakly", "named", "marked", "callback"],
)
async def test_a_task_that_somebody_knows_ends_with_its_hook(do: Callable[[Any], Any]) -> None:
    kept: list[Any] = []

    async def hook() -> str:
        kept.append(do(asyncio.current_task()))
        kept.append(id(asyncio.current_task()))
        return "result"

    assert await begin_in_callback(hook()) == "result"
    if isinstance(kept[0], asyncio.Task):
        assert kept[0].result() == "result"
        assert kept[0].done()
        assert kept[0] not in asyncio.all_tasks()
    else:
        assert all(id(task) != kept[1] for task in asyncio.all_tasks())


def print_nothing(task: object) -> None:
    """A callback."""


async def test_callbacks_of_a_task_that_ends_at_once_are_called() -> None:
    called: list[Any] = []

    async def hook() -> int:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda task: called.append(task.result()))
        return 5

    assert await begin_in_callback(hook()) == 5
    await asyncio.sleep(0)
    assert called == [5]


async def test_an_error_with_a_task_that_was_kept_is_raised_and_kept() -> None:
    kept: list[Any] = []

    async def hook() -> None:
        kept.append(asyncio.current_task())
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await begin_in_callback(hook())
    assert isinstance(kept[0].exception(), LookupError)


@pytest.mark.parametrize("waits_for", ["future", "turn", "deaf"])
async def test_who_cancels_itself_is_cancelled_where_it_waits(waits_for: str) -> None:
    class Deaf(asyncio.Future[None]):
        def cancel(self, msg: Any | None = None) -> bool:
            return False

    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = Deaf() if waits_for == "deaf" else loop.create_future()
    said: list[object] = []

    async def hook() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel("because")
        try:
            await (asyncio.sleep(0) if waits_for == "turn" else future)
        except asyncio.CancelledError as error:
            said.append(task.cancelling())
            said.append(error.args)
            raise

    going = await begin_in_callback(hook())
    assert isinstance(going.rest, asyncio.Task)
    if waits_for == "deaf":
        future.set_result(None)
    with pytest.raises(asyncio.CancelledError):
        await going.rest
    assert said == [1, ("because",)]
    assert future.cancelled() is (waits_for == "future")


async def test_who_cancels_itself_and_returns_has_failed() -> None:
    async def hook() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "nothing"

    with pytest.raises(RuntimeError, match="cancelled"):
        await begin_in_callback(hook())
    assert await task_of_a_hook()


async def test_a_cancelled_error_at_once_is_a_failure() -> None:
    async def hook() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled"):
        await begin_in_callback(hook())


async def test_cancelling_reaches_a_hook_that_waits() -> None:
    loop = asyncio.get_running_loop()
    gate = loop.create_future()
    said: list[str] = []

    async def hook() -> None:
        try:
            await gate
        except asyncio.CancelledError:
            said.append("cancelled")
            await asyncio.sleep(0)
            said.append("cleaned up")
            raise

    going = await begin_in_callback(hook())
    going.rest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going.rest
    assert said == ["cancelled", "cleaned up"]
    assert gate.cancelled()


async def test_timeouts_and_groups_work_from_the_first_step_on() -> None:
    async def slow() -> None:
        await asyncio.get_running_loop().create_future()

    async def quick() -> int:
        return 7

    async def timed_out() -> str:
        try:
            async with asyncio.timeout(0.01):
                await slow()
        except TimeoutError:
            return "timed out"
        return "not"

    async def grouped() -> int:
        async with asyncio.TaskGroup() as group:
            one, two = group.create_task(quick()), group.create_task(quick())
        return one.result() + two.result()

    async def failing() -> str:
        async def fails() -> None:
            raise LookupError

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slow())
                group.create_task(fails())
        except ExceptionGroup:
            return "failed"
        return "not"

    async def waited() -> int:
        return await asyncio.wait_for(quick(), 5)

    for hook, result in ((timed_out, "timed out"), (grouped, 14), (failing, "failed"), (waited, 7)):
        going = await begin_in_callback(hook())
        assert isinstance(going, Going)
        assert await going.rest == result


async def test_a_timeout_that_is_not_needed_leaves_nothing() -> None:
    async def hook() -> str:
        async with asyncio.timeout(10):  # noqa: ASYNC100  # it asks for the current task
            return "in time"

    before = asyncio.all_tasks()
    assert [await begin_in_callback(hook()) for _ in range(3)] == ["in time"] * 3
    assert asyncio.all_tasks() == before


async def test_a_task_whose_hook_nobody_waits_for_closes_it() -> None:
    said: list[str] = []

    async def hook() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            said.append("closed")

    going = await begin_in_callback(hook())
    task = going.rest
    assert "hook" in repr(task)
    assert task.get_stack()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del going, task
    gc.collect()
    assert said == ["closed"]


async def test_the_loop_is_as_it_was_afterwards() -> None:
    await task_of_a_hook()
    assert "call_soon" not in vars(asyncio.get_running_loop())
    assert await in_callback(asyncio.current_task) is None
