"""How a coroutine waits for the reactor, and is woken at once: every rule of `suspension.pyx`."""

from __future__ import annotations

import asyncio
import collections.abc
import contextvars
import gc
import socket
import sys
import warnings
import weakref
from typing import Any

import pytest

from openline.exceptions import ConnectionClosed
from tests.engine.native.bare import Bare, fill, frame, narrow_pair, opened, read_exactly, turns_until

pytestmark = pytest.mark.native


async def waiting(line: Any, coroutine: Any = None) -> asyncio.Task[Any]:
    """A task that waits in `recv`."""
    task = asyncio.create_task(coroutine if coroutine is not None else line.recv())
    await turns_until(lambda: line._receiving())
    return task


# -- direct, or through the loop


async def test_a_message_wakes_its_task_before_the_next_line_is_read() -> None:
    order: list[str] = []

    class Second:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            order.append("second line read")

    async def receive(line: Any) -> None:
        order.append(f"task has {await line.recv()!r}")

    async with opened() as (first, peer), opened(Bare(listener=Second())) as (_, other):
        task = await waiting(first, receive(first))
        peer.send(frame("hello"))  # the kernel lists what is ready in this order
        other.send(frame("hello"))
        await task
        await turns_until(lambda: len(order) >= 2)
        assert order == ["task has 'hello'", "second line read"]


async def test_no_turn_of_the_loop_lies_between_message_and_task() -> None:
    turns = 0
    seen: list[int] = []

    async def receive(line: Any) -> None:
        while True:
            await line.recv()
            seen.append(turns)

    def count() -> None:
        nonlocal turns
        turns += 1
        asyncio.get_running_loop().call_soon(count_unless_over)

    def count_unless_over() -> None:
        if len(seen) < 3:
            count()

    async with opened(Bare(max_queue_high=1, max_queue_low=0)) as (line, peer):
        task = await waiting(line, receive(line))
        peer.send(frame("one") + frame("two") + frame("three"))
        count()
        await turns_until(lambda: len(seen) >= 3)
        # All three in one callback of the reactor, although the queue has room for one.
        assert len(set(seen)) == 1
        task.cancel()


async def test_from_another_task_the_wake_up_goes_through_the_loop() -> None:
    order: list[str] = []

    async def receive(line: Any) -> None:
        order.append(await line.recv())

    async with opened() as (line, _):
        task = await waiting(line, receive(line))
        line._deliver("from a task")  # as a fragmented message that is completed by somebody's call
        order.append("delivered")
        await task
        assert order == ["delivered", "from a task"]


async def test_from_a_callback_of_the_loop_the_wake_up_goes_through_the_loop() -> None:
    order: list[str] = []

    async def receive(line: Any) -> None:
        order.append(await line.recv())

    def deliver(line: Any) -> None:
        line._deliver("from a callback")
        order.append("delivered")

    async with opened() as (line, _):
        task = await waiting(line, receive(line))
        asyncio.get_running_loop().call_soon(deliver, line)
        await task
        assert order == ["delivered", "from a callback"]


async def test_with_user_code_on_the_stack_the_wake_up_goes_through_the_loop() -> None:
    """A listener that delivers to another line's coroutine: that one must not run inside the listener."""
    order: list[str] = []

    async def receive(line: Any) -> None:
        order.append(await line.recv())

    async with opened() as (line, _):

        class Forwarding:
            def on_message(self, ws: Any, message: str | bytes) -> None:
                line._deliver(message)
                order.append("listener returns")

        async with opened(Bare(listener=Forwarding())) as (_, peer):
            task = await waiting(line, receive(line))
            peer.send(frame("through"))
            await task
            assert order == ["listener returns", "through"]


async def test_a_task_that_was_woken_directly_does_not_run_another_inside_itself() -> None:
    order: list[str] = []

    async with opened() as (line, peer), opened() as (other, _):

        async def relay() -> None:
            message = await line.recv()
            other._deliver(message)
            order.append("relayed")

        async def receive() -> None:
            order.append(await other.recv())

        tasks = [await waiting(line, relay()), await waiting(other, receive())]
        peer.send(frame("through"))
        await asyncio.gather(*tasks)
        assert order == ["relayed", "through"]


async def test_a_woken_task_is_the_current_one_and_has_its_own_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[Any] = []

    async def receive(line: Any) -> None:
        variable.set("mine")
        await line.recv()
        seen.append((asyncio.current_task(), variable.get()))

    async with opened() as (line, peer):
        task = await waiting(line, receive(line))
        peer.send(frame("hello"))
        await task
        assert seen == [(task, "mine")]
        assert variable.get() == "unset"
        assert asyncio.current_task() is not task


async def test_an_exception_of_a_woken_task_is_its_own() -> None:
    async def receive(line: Any) -> None:
        await line.recv()
        raise LookupError("mine")

    async with opened(Bare(listener=None)) as (line, peer):
        task = await waiting(line, receive(line))
        peer.send(frame("hello") + frame("and another"))
        with pytest.raises(LookupError, match="mine"):
            await task
        assert await line.recv() == "and another"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_eager_tasks_wait_and_are_woken() -> None:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    try:
        async with opened() as (line, peer):
            task = asyncio.create_task(line.recv())
            assert line._receiving()  # it ran to its first suspension at once
            peer.send(frame("one"))
            assert await task == "one"
            peer.send(frame("two") + frame("three"))
            assert await line.recv() == "two"
            task = asyncio.create_task(line.recv())
            assert task.done()
            assert task.result() == "three"
    finally:
        loop.set_task_factory(None)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_an_eager_task_may_be_started_by_a_listener() -> None:
    """It starts inside the reactor's callback, with no task current before it."""
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    tasks: list[asyncio.Task[str]] = []
    try:
        async with opened() as (line, peer):

            class Starting:
                def on_message(self, ws: Any, message: str | bytes) -> None:
                    tasks.append(loop.create_task(line.recv()))

            async with opened(Bare(listener=Starting())) as (_, other):
                other.send(frame("start"))
                await turns_until(lambda: bool(tasks))
                assert line._receiving()
                peer.send(frame("hello"))
                assert await tasks[0] == "hello"
    finally:
        loop.set_task_factory(None)


async def test_the_loop_in_debug_mode_accepts_it() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        async with opened() as (line, peer):
            task = await waiting(line)
            peer.send(frame("hello"))
            assert await task == "hello"
    finally:
        loop.set_debug(False)


# -- cancelling


async def test_cancel_returns_true_and_the_task_is_cancelled_later() -> None:
    async with opened() as (line, _):
        task = await waiting(line)
        assert task.cancel("enough")
        assert not task.done()
        assert not line._receiving()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()


async def test_a_message_that_loses_against_cancel_stays_queued() -> None:
    async with opened() as (line, peer):
        task = await waiting(line)
        peer.send(frame("kept"))
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert await line.recv() == "kept"


async def test_a_message_whose_wake_up_is_scheduled_stays_queued_when_the_task_is_cancelled() -> None:
    async with opened() as (line, _):
        task = await waiting(line)
        line._deliver("kept")
        assert task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert line._queued() == 1
        assert await line.recv() == "kept"


async def test_a_task_may_swallow_its_cancellation_and_receive_again() -> None:
    async def receive(line: Any) -> str:
        try:
            await line.recv()
        except asyncio.CancelledError:
            return await line.recv()
        raise AssertionError

    async with opened() as (line, peer):
        task = await waiting(line, receive(line))
        task.cancel()
        await turns_until(lambda: line._receiving())
        peer.send(frame("second"))
        assert await task == "second"


async def test_cancelling_a_send_that_waits_leaves_its_message_queued() -> None:
    """The bytes are on their way: cancelling takes back the waiting, not the message."""
    async with opened(pair=narrow_pair()) as (line, peer):
        expected = await fill(line)
        task = asyncio.create_task(line.send(b"x" * 100_000))
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        expected += frame(b"x" * 100_000, mask=None)
        assert await read_exactly(peer, len(expected)) == expected


# -- what the rest of asyncio does with it


async def test_wait_for_receives_and_times_out() -> None:
    async with opened() as (line, peer):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.recv(), 0.01)
        assert not line._receiving()
        peer.send(frame("in time"))
        assert await asyncio.wait_for(line.recv(), 10) == "in time"


async def test_timeout_receives_and_times_out() -> None:
    async with opened() as (line, peer):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await line.recv()
        peer.send(frame("in time"))
        async with asyncio.timeout(10):
            assert await line.recv() == "in time"


async def test_a_task_group_runs_it_and_cancels_it() -> None:
    async with opened() as (line, peer), opened() as (other, _):
        peer.send(frame("hello"))
        received: list[str] = []

        async def receive_both() -> None:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(line.recv())
                second = group.create_task(other.recv())
                received.append(await first)
                assert not second.done()
                raise LookupError

        with pytest.raises(ExceptionGroup) as raised:
            await receive_both()
        assert raised.group_contains(LookupError)
        assert received == ["hello"]
        assert not other._receiving()


async def test_gather_ensure_future_and_shield_take_it_as_the_coroutine_it_is() -> None:
    async with opened() as (line, peer):
        coroutine = line.recv()
        assert not asyncio.isfuture(coroutine)
        coroutine.close()
        peer.send(frame("one"))
        assert await asyncio.gather(line.recv(), line.send("x")) == ["one", None]
        peer.send(frame("two"))
        assert await asyncio.ensure_future(line.recv()) == "two"
        peer.send(frame("three"))
        assert await asyncio.shield(line.recv()) == "three"
        peer.send(frame("four"))
        (done,) = asyncio.as_completed([line.recv()])
        assert await done == "four"


async def test_another_thread_runs_it_threadsafe() -> None:
    loop = asyncio.get_running_loop()
    async with opened() as (line, peer):

        def from_outside() -> str:
            return asyncio.run_coroutine_threadsafe(line.recv(), loop).result(10)

        waits = asyncio.create_task(asyncio.to_thread(from_outside))
        await turns_until(lambda: line._receiving())
        peer.send(frame("hello"))
        assert await waits == "hello"


# -- a coroutine in every other respect


async def test_what_recv_and_send_return_is_a_coroutine() -> None:
    async with opened() as (line, peer):
        for coroutine in (line.recv(), line.send("x"), line.__anext__()):
            assert isinstance(coroutine, collections.abc.Coroutine)
            assert isinstance(coroutine, collections.abc.Awaitable)
            assert asyncio.iscoroutine(coroutine)
            coroutine.close()
        assert not line.unsent
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)


async def test_it_starts_when_awaited_and_not_before() -> None:
    async with opened() as (line, peer):
        coroutine = line.recv()
        sending = line.send("now")
        assert not line._receiving()
        line.flush()
        with pytest.raises(BlockingIOError):
            peer.recv(1)
        peer.send(frame("hello"))
        await sending
        assert await coroutine == "hello"


@pytest.mark.parametrize("name", ["recv", "send"])
async def test_a_coroutine_that_is_never_awaited_warns(name: str) -> None:
    async with opened() as (line, _):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            coroutine = line.recv() if name == "recv" else line.send("x")
            del coroutine
            gc.collect()
        assert [str(one.message) for one in caught] == [f"coroutine 'Connection.{name}' was never awaited"]
        assert caught[0].category is RuntimeWarning


async def test_a_coroutine_cannot_be_awaited_twice() -> None:
    async with opened() as (line, peer):
        peer.send(frame("hello") + frame("kept"))
        coroutine = line.recv()
        assert await coroutine == "hello"
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await coroutine
        sending = line.send("x")
        await sending
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await sending
        assert await line.recv() == "kept"


async def test_a_closed_coroutine_waits_no_more() -> None:
    async with opened() as (line, peer):
        coroutine = line.recv()
        coroutine.send(None)
        assert line._receiving()
        coroutine.close()
        assert not line._receiving()
        peer.send(frame("hello"))
        assert await line.recv() == "hello"


@pytest.mark.parametrize(
    "arguments", [(LookupError("thrown"),), (LookupError, "thrown"), (LookupError, LookupError("thrown"))]
)
async def test_throw_raises_what_it_is_given(arguments: tuple[Any, ...]) -> None:
    async with opened() as (line, _):
        coroutine = line.recv()
        coroutine.send(None)
        with pytest.raises(LookupError, match="thrown"):
            coroutine.throw(*arguments)
        assert not line._receiving()


# -- once


async def test_many_messages_wake_a_waiter_once() -> None:
    wakes = 0

    async def receive(line: Any) -> list[str]:
        nonlocal wakes
        messages = [await line.recv()]
        wakes += 1
        while line._queued():
            messages.append(await line.recv())
        return messages

    async with opened() as (line, peer):
        task = await waiting(line, receive(line))
        peer.send(b"".join(frame(str(number)) for number in range(10)))
        assert await task == [str(number) for number in range(10)]
        assert wakes == 1


async def test_a_waiter_that_finds_nothing_waits_on() -> None:
    async with opened() as (line, peer):
        task = await waiting(line)
        line._wake_all()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
        assert line._receiving()
        peer.send(frame("hello"))
        assert await task == "hello"


async def test_queued_messages_are_returned_without_suspending() -> None:
    async with opened() as (line, peer):
        peer.send(frame("one") + frame("two"))
        await line._wait_readable()
        coroutine = line.recv()
        with pytest.raises(StopIteration) as returned:
            coroutine.send(None)
        assert returned.value.value == "one"
        assert await line.recv() == "two"


async def test_writers_are_woken_at_the_low_water_mark_and_not_before() -> None:
    async with opened(Bare(write_high=32768, write_low=1000), narrow_pair()) as (line, peer):
        sent = len(await fill(line))
        unsent_when_woken: list[int] = []

        async def send() -> None:
            await line.send(b"x" * 200_000)
            unsent_when_woken.append(line.unsent)

        tasks = [asyncio.create_task(send()) for _ in range(3)]
        await asyncio.sleep(0)
        assert line.unsent > 32768
        await read_exactly(peer, sent + 3 * len(frame(b"x" * 200_000, mask=None)))
        await asyncio.gather(*tasks)
        assert all(unsent <= 1000 for unsent in unsent_when_woken)


async def test_a_send_below_the_high_water_mark_does_not_suspend() -> None:
    async with opened() as (line, peer):
        coroutine = line.send("hello")
        with pytest.raises(StopIteration):
            coroutine.send(None)
        assert await read_exactly(peer, 7) == frame("hello", mask=None)


async def test_the_end_of_the_connection_wakes_receivers_and_senders() -> None:
    async with opened(pair=narrow_pair()) as (line, peer):
        await fill(line)
        receiver = await waiting(line)
        senders = [asyncio.create_task(line.send(b"x" * 100_000)) for _ in range(2)]
        await asyncio.sleep(0)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        for task in (receiver, *senders):
            with pytest.raises(ConnectionClosed):
                await task


# -- short cuts: what goes past the ordinary methods of a future, and what must not


async def test_a_task_written_in_python_waits_is_woken_and_is_cancelled() -> None:
    """Its wake-up is no function of asyncio's C code, so it is given the suspension itself."""
    kind: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    async with opened() as (line, peer):
        task = kind(line.recv(), loop=loop)
        await turns_until(lambda: line._receiving())
        peer.send(frame("hello"))
        assert await task == "hello"
        task = kind(line.recv(), loop=loop)
        await turns_until(lambda: line._receiving())
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_task_of_a_class_of_ones_own_is_woken() -> None:
    class Task(asyncio.Task[Any]):
        pass

    async with opened() as (line, peer):
        for message in ("one", "two"):
            task = Task(line.recv(), loop=asyncio.get_running_loop())
            await turns_until(lambda: line._receiving())
            peer.send(frame(message))
            assert await task == message


async def test_any_callback_may_wait_and_is_given_what_it_waits_for() -> None:
    seen: list[tuple[Any, str]] = []
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def context(value: str) -> contextvars.Context:
        context = contextvars.copy_context()
        context.run(variable.set, value)
        return context

    async with opened() as (line, peer):
        for number, add in enumerate(
            [
                lambda waits, callback: waits.add_done_callback(callback, context=context("0")),
                lambda waits, callback: waits.add_done_callback(callback=callback, context=context("1")),
            ]
        ):
            waits = line.recv().send(None)
            assert waits._asyncio_future_blocking is True
            waits._asyncio_future_blocking = False
            assert waits._asyncio_future_blocking is None
            assert waits.get_loop() is asyncio.get_running_loop()
            add(waits, lambda future: seen.append((future, variable.get())))
            peer.send(frame("hello"))
            await turns_until(lambda: bool(seen))
            assert seen == [(waits, str(number))]
            seen.clear()
            assert line._queued() == 1
            assert await line.recv() == "hello"
            with pytest.raises(TypeError):
                waits.add_done_callback()
            with pytest.raises(TypeError):
                waits.add_done_callback(print, contexts=None)
            with pytest.raises(AttributeError):
                waits.nothing_of_the_kind  # noqa: B018


async def test_what_is_awaited_is_not_given_out_again_while_somebody_holds_it() -> None:
    async with opened(Bare(max_queue_high=None)) as (line, peer):
        peer.send(b"".join(frame(str(number)) for number in range(100)))
        await line._wait_readable()
        held = [line.recv() for _ in range(50)] + [line.send("x") for _ in range(50)]
        assert len({id(one) for one in held}) == 100
        for one in held:
            await one
        fresh = [line.recv() for _ in range(25)] + [line.send("x") for _ in range(25)]
        assert not {id(one) for one in held} & {id(one) for one in fresh}
        for one in held:
            with pytest.raises(RuntimeError, match="cannot reuse"):
                one.send(None)
        del held, one  # more at once than are kept
        gc.collect()
        assert [await one for one in fresh] == [str(number) for number in range(50, 75)] + [None] * 25


async def test_what_is_given_out_again_remembers_nothing() -> None:
    async with opened() as (line, peer):
        peer.send(frame(b"one") + frame(b"two") + frame(b"three"))
        await line._wait_readable()
        assert await line.recv(decode=True) == "one"
        assert await line.recv() == b"two"
        await line._wait_readable()
        assert await line.__anext__() == b"three"
        task = await waiting(line)
        task.cancel("this one")
        await asyncio.wait([task])
        del task
        gc.collect()
        task = await waiting(line)
        peer.send(frame("hello"))
        assert await task == "hello"
        await line.send("text as binary", text=False)
        await line.send("text")
        expected = frame(b"text as binary", mask=None) + frame("text", mask=None)
        assert await read_exactly(peer, len(expected)) == expected


async def test_nothing_that_was_awaited_holds_its_connection() -> None:
    async with opened() as (line, peer):
        peer.send(frame("hello"))
        await line.recv()
        await line.send("hello")
        await asyncio.sleep(0)  # or this runs inside the wake-up, which holds what it wakes
        gc.collect()
        assert not [one for one in gc.get_referrers(line) if type(one).__name__ in ("Recv", "Send")]
        before = sys.getrefcount(line)
        for _ in range(100):
            peer.send(frame("hello"))
            await line.recv()
            await line.send("hello")
        await asyncio.sleep(0)
        assert sys.getrefcount(line) == before


async def test_the_garbage_collector_sees_what_is_given_out_again() -> None:
    class Marker:
        pass

    async with opened() as (line, peer):
        peer.send(frame("hello"))
        await line.recv()
        marker = Marker()
        reference = weakref.ref(marker)
        waits = line.recv()
        waits.send(None)
        waits.add_done_callback([waits, marker].append, context=contextvars.copy_context())
        waits.close()  # the line lets go of it; it holds itself through its callback
        del waits, marker
        assert reference() is not None
        gc.collect()
        assert reference() is None


async def test_a_class_may_have_an_iteration_of_its_own() -> None:
    class Counting(Bare):
        count = 0

        def __anext__(self) -> Any:
            self.count += 1
            return super().__anext__()

    async with opened(Counting()) as (line, peer):
        peer.send(frame("one") + frame("two"))
        received: list[str] = []
        async for message in line:
            received.append(message)
            if len(received) == 2:
                break
        assert received == ["one", "two"]
        assert line.count == 2

    class Late(Bare):
        pass

    async def instead(self: Any) -> str:
        return "instead"

    async with opened(Late()) as (line, peer):
        peer.send(frame("one"))
        assert await anext(line) == "one"
        Late.__anext__ = instead  # type: ignore[assignment,method-assign]
        assert await anext(line) == "instead"
