"""The reactor: turns, fairness, descriptors, deadlines, and its life with the loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
import logging
import os
import socket
import time
import warnings
import weakref
from typing import Any

import pytest

from openline.engine.native.engine import NativeEngine
from openline.engine.native.reactor import reactor_of
from openline.protocol.states import State
from tests.conftest import loop_factory
from tests.engine.native.bare import (
    Bare,
    Collecting,
    RawBare,
    frame,
    opened,
    read_to_end,
    tcp_pair,
    turns_until,
)

pytestmark = [pytest.mark.native, pytest.mark.timeout(15)]


def burn(seconds: float) -> None:
    """Use up a turn."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@contextlib.asynccontextmanager
async def crowd(count: int, **options: Any) -> Any:
    """So many lines, and their peers."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(Bare(**options))) for _ in range(count)]


# -- fairness


async def test_a_socket_that_floods_is_served_once_a_turn_like_the_others() -> None:
    order: list[Any] = []

    class Noting:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            order.append(ws)

    async with crowd(4, listener=Noting()) as pairs:
        (flooded, flooder), *others = pairs
        message = frame(b"x" * 1000)
        with contextlib.suppress(BlockingIOError):
            while True:
                flooder.send(message * 50)
        for _, peer in others:
            peer.send(frame("one"))
        before_others: list[int] = []
        await turns_until(lambda: {line for line, _ in others} <= set(order))
        for line, _ in others:
            before_others.append(order[: order.index(line)].count(flooded))
        # At most one read of 64 KiB before anybody else, however much lay ready.
        assert max(before_others) <= 65536 // len(message) + 1
        assert flooded.unread() or order.count(flooded) > 65536 // len(message)


async def test_an_unfinished_batch_is_continued_so_that_its_last_sockets_do_not_starve() -> None:
    """Each handler is slow, and the first ones are ready again at once: the last ones still get their turn."""
    order: list[int] = []
    numbers: dict[Any, int] = {}
    peers: dict[Any, socket.socket] = {}

    class Slow:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            order.append(numbers[ws])
            burn(0.0005)
            if len(order) < 200:
                peers[ws].send(frame("again"))

    async with crowd(40, listener=Slow()) as pairs:
        for number, (line, peer) in enumerate(pairs):
            numbers[line], peers[line] = number, peer
        for _, peer in pairs:
            peer.send(frame("one"))
        await turns_until(lambda: len(order) >= 120)
        assert sorted(order[:40]) == list(range(40))
        assert sorted(order[40:80]) == list(range(40))


async def test_a_long_batch_lets_the_loop_turn_in_between() -> None:
    served: list[int] = []

    class Slow:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            served.append(0)
            burn(0.001)

    async with crowd(64, listener=Slow()) as pairs:
        for _, peer in pairs:
            peer.send(frame("one"))
        turns: list[int] = []
        while len(served) < 64:
            await asyncio.sleep(0)
            turns.append(len(served))
        # 2 ms, looked at every 8 events.
        assert max(after - before for before, after in itertools.pairwise([0, *turns])) <= 16


async def test_a_connection_that_always_has_work_of_its_own_does_not_hold_up_deadlines() -> None:
    """Work that epoll cannot see: this one puts itself on the reactor's list again in each turn."""

    class Restless(Bare):
        turns = 0

        def on_message(self, ws: Any, message: str | bytes) -> None:
            self.turns += 1
            ws.pause()
            ws.resume()
            peer.send(frame("again"))

    restless = Restless()
    restless.listener = restless
    async with opened(restless) as (_, peer), opened() as (line, _):
        peer.send(frame("again") * 3)
        await turns_until(lambda: restless.turns > 3)
        line.set_deadline(0.02)
        await line.until("deadline")
        seen = restless.turns
        await turns_until(lambda: restless.turns > seen)


# -- level-triggered


async def test_a_paused_connection_whose_peer_has_gone_does_not_spin() -> None:
    """EPOLLHUP and EPOLLERR are reported with no events asked for: it has to leave the set."""
    async with opened() as (line, peer):
        line.pause()
        line.half_close()
        peer.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0)
        before = time.process_time()
        await asyncio.sleep(0.2)
        assert time.process_time() - before < 0.1
        line.resume()
        await line.until("eof")


# -- descriptors


async def test_events_of_a_batch_do_not_reach_a_connection_that_was_closed_in_it() -> None:
    """Nor its successor: the batch goes on after the number and the slot were given out again."""
    pairs: list[Any] = []
    successors: list[Any] = []

    class First:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.note("message", message)
            if ws is pairs[0][0]:
                burn(0.003)  # the turn ends with 8 events, the batch does not
                for line, _ in pairs[8:]:
                    line.abort()
                asyncio.get_running_loop().call_soon(succeed)

    def succeed() -> None:
        for _ in pairs[8:]:
            ours, peer = tcp_pair()
            successor = RawBare()
            numbers.add(ours.fileno())
            successors.append((successor, peer))
            type(successor).attach(successor, reactor_of(asyncio.get_running_loop()), ours.detach())
            successor._connection_made()

    async with contextlib.AsyncExitStack() as stack:
        pairs += [await stack.enter_async_context(opened(Bare(listener=First()))) for _ in range(24)]
        before = {line.get_extra_info("socket").fileno() for line, _ in pairs[8:]}
        numbers: set[int] = set()
        for _, peer in pairs:
            peer.send(frame("one"))
        for line, _ in pairs[8:]:
            await line.until("lost")
            assert not line.noted("message")
        await turns_until(lambda: len(successors) >= 16)
        assert numbers & before, "no descriptor number was given out again"
        for successor, peer in successors:
            peer.send(b"mine")
            assert await successor.until("data") == ("data", b"mine")
            successor.abort()
            await successor.until("lost")
            peer.close()


async def test_a_descriptor_is_closed_after_the_batch_and_never_in_the_call() -> None:
    async with opened() as (line, _):
        fd = line.get_extra_info("socket").fileno()
        line.abort()
        os.fstat(fd)
        await line.until("lost")
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


async def test_the_descriptors_of_the_reactor_are_not_inherited() -> None:
    before = set(os.listdir("/proc/self/fd"))
    async with opened() as (line, peer):
        listed = set(os.listdir("/proc/self/fd")) - before
        opened_here = {int(fd) for fd in listed if is_open(int(fd))}
        assert line.get_extra_info("socket").fileno() in opened_here
        for fd in opened_here - {peer.fileno()}:
            assert not os.get_inheritable(fd)


def is_open(fd: int) -> bool:
    """Not so for the descriptor by which the listing itself was read."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


# -- life


def readers(loop: asyncio.AbstractEventLoop) -> int:
    """How many descriptors the loop watches (of asyncio's own loops; uvloop does not tell)."""
    selector = getattr(loop, "_selector", None)
    return len(selector.get_map()) if selector is not None else -1


async def test_the_reactor_leaves_the_loop_with_its_last_descriptor() -> None:
    loop = asyncio.get_running_loop()
    before = readers(loop)
    async with opened() as (line, _):
        reactor = weakref.ref(line.reactor)
        assert readers(loop) == (before + 1 if before >= 0 else -1)
        async with opened():
            assert reactor().attached == 2
            assert readers(loop) == (before + 1 if before >= 0 else -1)
    assert readers(loop) == before
    del line
    gc.collect()
    await asyncio.sleep(0)
    assert reactor() is None


async def test_after_the_last_descriptor_the_next_one_works() -> None:
    for _ in range(3):
        async with opened() as (line, peer):
            peer.send(frame("hello"))
            assert await line.recv() == "hello"
            line.set_deadline(0.001)
            await line.until("deadline")


async def test_a_connection_keeps_a_reactor_that_left_usable() -> None:
    async with opened() as (line, _):
        reactor = line.reactor
    async with opened() as (other, peer):
        if other.reactor is not reactor:
            assert reactor.attached == 0
        peer.send(frame("hello"))
        assert await other.recv() == "hello"


def test_a_loop_that_had_connections_can_be_collected() -> None:
    loop = loop_factory()()

    async def use() -> None:
        async with opened() as (line, peer):
            peer.send(frame("hello"))
            assert await line.recv() == "hello"

    loop.run_until_complete(use())
    loop.close()
    watcher = weakref.ref(loop)
    del loop
    gc.collect()
    assert watcher() is None


@pytest.mark.parametrize("collected", [False, True])
def test_a_loop_closed_under_live_connections_closes_them_and_says_so_once(collected: bool) -> None:
    loop = loop_factory()()
    lines: list[Any] = []
    peers: list[socket.socket] = []

    async def open_two() -> None:
        for _ in range(2):
            ours, peer = tcp_pair()
            lines.append(Bare())
            peers.append(peer)
            await NativeEngine(asyncio.get_running_loop()).adopt(ours, lines[-1])
        lines[0].set_deadline(0.001)

    loop.run_until_complete(open_two())
    logs = [line.log for line in lines]
    if collected:
        lines.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop.close()
        del loop
        gc.collect()
    assert [(one.category, "2 open" in str(one.message)) for one in caught] == [(ResourceWarning, True)]
    for peer in peers:
        peer.setblocking(True)
        assert peer.recv(100) == b""
        peer.close()
    # No callback, then or later.
    assert [[what[0] for what in log] for log in logs] == [["made"], ["made"]]
    for line in lines:
        assert line.state is State.CLOSED
        line.abort()
        line._queue_frames(b"late")
        line.flush()


def test_several_loops_in_one_thread_have_a_reactor_each() -> None:
    loops = [loop_factory()() for _ in range(2)]
    lines: list[tuple[Any, socket.socket]] = []

    async def open_one() -> None:
        ours, peer = tcp_pair()
        line = Bare()
        lines.append((line, peer))
        await NativeEngine(asyncio.get_running_loop()).adopt(ours, line)

    async def exchange(line: Any, peer: socket.socket) -> None:
        peer.send(frame("hello"))
        assert await line.recv() == "hello"
        line.abort()
        await line.until("lost")

    for loop in loops:
        loop.run_until_complete(open_one())
    assert lines[0][0].reactor is not lines[1][0].reactor
    for loop, (line, peer) in zip(loops, lines, strict=True):
        loop.run_until_complete(exchange(line, peer))
        peer.close()
        loop.close()


# -- fork


async def test_after_fork_the_child_closes_its_copies_and_nothing_else() -> None:
    async with opened() as (line, peer), opened() as (other, other_peer):
        listening = socket.create_server(("127.0.0.1", 0))
        acceptor = await NativeEngine(asyncio.get_running_loop()).listen(listening, Bare)
        other.send_nowait("corked over the fork")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # other threads, on newer Pythons: there is none
            child = os.fork()
        if child == 0:
            status = 1
            try:
                peers = {peer.fileno(), other_peer.fileno()}
                left = [fd for fd in sockets() if fd not in peers]
                gc.collect()
                # asyncio's own pair for signals and wake-ups, and no more.
                families = [socket.socket(fileno=os.dup(fd)).family for fd in left]
                status = 0 if all(family == socket.AF_UNIX for family in families) else 2
                if line.state is not State.CLOSED or line.log != [("made",)]:
                    status = 3
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222  the parent does nothing meanwhile, on purpose
        assert os.waitstatus_to_exitcode(status) == 0
        # The parent's connections have noticed nothing.
        peer.send(frame("still here"))
        assert await line.recv() == "still here"
        line.send_nowait("still there")
        line.half_close()
        assert (await read_to_end(peer)).endswith(b"still there")
        other.half_close()
        assert (await read_to_end(other_peer)).endswith(b"corked over the fork")
        acceptor.close()
        await asyncio.sleep(0)


def sockets() -> list[int]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                found.append(int(name))
    return found


# -- contexts


async def test_callbacks_run_in_the_context_of_their_options_and_nothing_leaks_into_the_reactor() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    class Noting:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            seen.append(variable.get())
            ws.note("message", message)

    async def in_context(value: str) -> contextvars.Context:
        variable.set(value)
        return contextvars.copy_context()

    variable.set("of the test, in which add_reader is called")
    contexts = [await asyncio.create_task(in_context(value)) for value in ("a", "b")]
    lines = [Bare(listener=Noting()) for _ in contexts]
    for line, context in zip(lines, contexts, strict=True):
        line.options.context = context
    async with opened(lines[0]) as (_, first), opened(lines[1]) as (_, second):
        for number in range(2):
            first.send(frame("x"))
            await lines[0].until("message", number + 1)
            second.send(frame("x"))
            await lines[1].until("message", number + 1)
    assert seen == ["a", "b", "a", "b"]


# -- interrupts and defects


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("by", ["listener", "coroutine", "receiver"])
def test_an_interrupt_passes_when_the_turn_is_in_order(interrupt: type[BaseException], by: str) -> None:
    """Everybody else of the turn was served, and the stream goes on behind the message that was interrupted."""
    loop = loop_factory()()

    class Interrupting:
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.note("message", message)
            if message == "stop":
                ws.send_nowait("sent before")
                raise interrupt

    class Raw(RawBare):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if data == b"stop":
                raise interrupt

    async def receive(line: Any) -> None:
        async for message in line:
            Interrupting().on_message(line, message)

    async def run() -> None:
        line: Any = Raw() if by == "receiver" else Bare(listener=Interrupting() if by == "listener" else None)
        async with opened(line) as (line, peer), opened() as (other, opposite):
            task = asyncio.create_task(receive(line)) if by == "coroutine" else None
            await asyncio.sleep(0)
            steps.append((line, other))
            peer.send(b"stop" if by == "receiver" else frame("stop") + frame("after"))
            opposite.send(frame("hello"))
            await finish.wait()
            assert await other.recv() == "hello"
            if by == "receiver":
                peer.send(b"after")
                assert await line.until("data", 2) == ("data", b"after")
            elif by == "listener":
                assert await line.until("message", 2) == ("message", "after")
            else:
                assert task is not None
                assert task.done()
                assert isinstance(task.exception(), interrupt)
                assert await line.recv() == "after"
            if by != "receiver":
                line.flush()
                assert b"sent before" in peer.recv(100)

    steps: list[Any] = []
    finish = asyncio.Event()
    main = loop.create_task(run())
    with pytest.raises(interrupt):
        loop.run_until_complete(main)
    ((_, other),) = steps
    assert other._queued() == 1  # served in the same turn, although the first one raised
    finish.set()
    loop.run_until_complete(main)
    loop.close()


async def test_a_defect_is_reported_and_the_others_of_the_turn_are_served() -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))

    class Broken(RawBare):
        def data_received(self, data: bytes) -> None:
            raise LookupError("a bug")

    async with opened(Broken()) as (broken, peer), opened() as (line, other):
        peer.send(b"x")
        other.send(frame("hello"))
        assert await line.recv() == "hello"
        (context,) = reported
        assert isinstance(context["exception"], LookupError)
        assert context["source"] is broken


async def test_debug_mode_names_the_slow_handler(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.01

    class Slow(Collecting):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            burn(0.02)
            super().on_message(ws, message)

    try:
        async with opened(Bare(listener=Slow())) as (line, peer):
            peer.send(frame("hello"))
            await line.until("message")
            await asyncio.sleep(0)
            named = [r for r in caplog.records if r.name == "openline" and r.levelno == logging.WARNING]
            assert len(named) == 1
            assert repr(line) in named[0].getMessage()
    finally:
        loop.set_debug(False)


def test_a_handler_may_run_the_loop_inside_itself_without_a_turn_inside_the_turn() -> None:
    """As debuggers and notebooks do with a patched loop: the nested run serves no socket, and harms none."""
    loop = asyncio.SelectorEventLoop()

    class Nesting(Collecting):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            if message == "nest":
                peers[0].send(frame("during"))
                loop._run_once()  # type: ignore[attr-defined]
            super().on_message(ws, message)

    peers: list[socket.socket] = []

    async def run() -> None:
        async with opened(Bare(listener=Nesting())) as (line, peer):
            peers.append(peer)
            peer.send(frame("nest") + frame("with it"))
            await line.until("message", 3)
            assert [what[1] for what in line.noted("message")] == ["nest", "with it", "during"]

    loop.run_until_complete(run())
    loop.close()


# -- deadlines


async def test_deadlines_come_in_their_order_and_not_early() -> None:
    order: list[tuple[float, float]] = []

    class Timed(Bare):
        due = 0.0

        def _deadline_reached(self) -> None:
            order.append((self.due, asyncio.get_running_loop().time()))
            super()._deadline_reached()

    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        lines = [(await stack.enter_async_context(opened(Timed())))[0] for _ in range(6)]
        for line, delay in zip(lines, (0.05, 0.01, 0.03, 0.0, 0.04, 0.02), strict=True):
            line.due = loop.time() + delay
            line.set_deadline(delay)
        for line in lines:
            await line.until("deadline")
    assert [due for due, _ in order] == sorted(due for due, _ in order)
    assert all(met >= due - 0.001 for due, met in order)


async def test_a_line_has_one_deadline_and_none_takes_it_away() -> None:
    async with opened() as (line, _), opened() as (other, _):
        line.set_deadline(0.01)
        line.set_deadline(None)
        other.set_deadline(0.01)
        other.set_deadline(0.03)
        await other.until("deadline")
        assert not line.noted("deadline")
        assert len(other.noted("deadline")) == 1


@pytest.mark.parametrize("delay", [None, 60.0])
async def test_a_deadline_that_another_one_changed_in_the_same_moment_does_not_come(
    delay: float | None,
) -> None:
    """Deadlines are rounded so that many share a slot: whoever comes first may do something about the others."""

    class Saving(Bare):
        other: Any = None

        def _deadline_reached(self) -> None:
            super()._deadline_reached()
            self.other.set_deadline(delay)

    first, second = Saving(), Saving()
    first.other, second.other = second, first
    async with opened(first), opened(second), opened() as (third, _):
        first.set_deadline(0.01)
        second.set_deadline(0.01)
        third.set_deadline(0.03)
        burn(0.02)
        await third.until("deadline")
        assert len(first.noted("deadline")) + len(second.noted("deadline")) == 1


async def test_after_a_stall_input_is_read_before_deadlines_are_judged() -> None:
    """Or a peer would be taken for dead because we did not listen."""
    async with opened(Bare(listener=Collecting())) as (line, peer):
        line.set_deadline(0.01)
        peer.send(frame("alive"))
        burn(0.03)
        await line.until("deadline")
        assert [what[0] for what in line.log] == ["made", "message", "deadline"]


async def test_a_deadline_of_a_closed_connection_does_not_come() -> None:
    async with opened() as (line, _), opened() as (other, _):
        line.set_deadline(0.01)
        line.abort()
        other.set_deadline(0.02)
        await other.until("deadline")
        assert not line.noted("deadline")


async def test_very_long_and_negative_deadlines_are_taken() -> None:
    async with opened() as (line, _), opened() as (other, _):
        line.set_deadline(1e12)
        other.set_deadline(-5)
        other.set_deadline(0)
        await other.until("deadline")
        assert not line.noted("deadline")


# -- polling


class Dialogue:
    """Sends the next message of the peer when one has come, and notes in which turn of the loop each came."""

    def __init__(self, count: int) -> None:
        self.peer: socket.socket | None = None
        self.left = count
        self.turn = 0
        self.turns: list[int] = []
        self.over = asyncio.get_running_loop().create_future()
        self.next_turn()

    def next_turn(self) -> None:
        self.turn += 1
        if not self.over.done():
            asyncio.get_running_loop().call_soon(self.next_turn)

    def on_message(self, ws: Any, message: str | bytes) -> None:
        self.turns.append(self.turn)
        self.left -= 1
        if self.left:
            assert self.peer is not None
            self.peer.sendall(frame(b"again"))
        else:
            self.over.set_result(None)

    async def run(self, peer: socket.socket) -> None:
        self.peer = peer
        peer.sendall(frame(b"once"))
        await self.over


async def test_what_comes_while_it_polls_is_served_in_the_same_turn() -> None:
    dialogue = Dialogue(2)
    async with opened(Bare(listener=dialogue, busy_poll=1000)) as (_, peer):
        await dialogue.run(peer)
    first, second = dialogue.turns
    assert second == first


async def test_without_polling_every_message_has_a_turn() -> None:
    dialogue = Dialogue(2)
    async with opened(Bare(listener=dialogue)) as (_, peer):
        await dialogue.run(peer)
    first, second = dialogue.turns
    assert second > first


async def test_polling_ends_for_what_waits_for_the_loop() -> None:
    class Passing(Dialogue):
        """Gives each message to somebody who waits on another connection: he is woken by the loop."""

        def on_message(self, ws: Any, message: str | bytes) -> None:
            super().on_message(ws, message)
            other._deliver(message)

    async with opened(Bare()) as (other, _):
        waiting = asyncio.ensure_future(other.recv())
        await turns_until(lambda: other._receiving())
        dialogue = Passing(2)
        async with opened(Bare(listener=dialogue, busy_poll=1000)) as (_, peer):
            await dialogue.run(peer)
        assert await waiting == b"once"
    first, second = dialogue.turns
    assert second > first


async def test_polling_leaves_the_loop_its_turns_however_much_comes() -> None:
    dialogue = Dialogue(20_000)
    async with opened(Bare(listener=dialogue, busy_poll=1000)) as (_, peer):
        await dialogue.run(peer)
    assert len(set(dialogue.turns)) > 1


async def test_polling_is_forgotten_with_the_last_connection() -> None:
    dialogue = Dialogue(1)
    async with opened(Bare(listener=dialogue, busy_poll=1000)) as (_, peer):
        await dialogue.run(peer)
    dialogue = Dialogue(2)
    async with opened(Bare(listener=dialogue)) as (_, peer):
        await dialogue.run(peer)
    first, second = dialogue.turns
    assert second > first
