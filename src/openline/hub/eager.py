"""Coroutines that run at once, and become tasks only where they have to wait.

Most commands and hooks finish without waiting for anything. They are stepped right where they are called: no task, no
turn of the loop. Only one that suspends is taken over by a task, together with what it waits for.

A coroutine of the application may ask for its task before it suspends (`asyncio.timeout` does). There is one, see
`openline.hub.first_step`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from inspect import isawaitable, iscoroutine
from types import CoroutineType
from typing import Any, TypeGuard, TypeVar, cast

from openline.hub.first_step import Going, begin

__all__ = ["PLAIN", "call", "finish", "is_awaitable", "run", "start", "wait_here"]

T = TypeVar("T")

PLAIN = frozenset({type(None), bool, int, float, str, bytes, dict, list, tuple})
"""What most functions return; asking whether it can be awaited takes longer than the rest."""


def start(coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> asyncio.Task[None] | None:
    """Run a coroutine of ours, which raises nothing, up to its end or to where it suspends.

    Args:
        coroutine: Must not ask for its task before it suspends, unless by `call` or `wait_here`.
        loop: The running loop.

    Returns:
        None: it is done. Else the task that goes on with it.
    """
    if asyncio.current_task(loop) is not None:
        # Somebody else's: what asks for the current task must not get that one.
        return loop.create_task(coroutine)
    try:
        awaited = coroutine.send(None)
    except StopIteration:
        return None
    return loop.create_task(_Begun(coroutine, awaited))


class _Begun(Coroutine[Any, Any, None]):
    """A coroutine that waits for something already, as a task takes it: first it hands on what that is.

    No generator, for that would not have begun when its task is cancelled at once, and the coroutine in it would not
    hear of that.
    """

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def send(self, value: Any) -> Any:
        """Go on."""
        awaited, self._awaited = self._awaited, None
        return self._coroutine.send(value) if awaited is None else awaited

    def throw(self, *error: Any) -> Any:
        """Go on with an exception."""
        self._awaited = None
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, None]:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        # What debuggers ask a task's coroutine for: its name, its frame.
        return getattr(self._coroutine, name)


async def call(function: Callable[..., Awaitable[T] | T], *args: Any) -> T:
    """Call the application's function, and wait for what it returns if need be.

    Raises:
        RuntimeError: it was cancelled, but not by us; see `wait_here`.

    Cancel: cancels the function's coroutine.
    """
    answer = function(*args)
    return await wait_here(answer) if is_awaitable(answer) else cast("T", answer)


def run(answer: Awaitable[T] | T, loop: asyncio.AbstractEventLoop) -> T | Going[T]:
    """Bring what a function of the application has returned to its end, as far as that can be done without waiting.

    Raises:
        RuntimeError: see `wait_here`.
    """
    if type(answer) is CoroutineType:
        return begin(cast("Coroutine[Any, Any, T]", answer), loop)
    return Going(answer) if is_awaitable(answer) else cast("T", answer)


def is_awaitable(answer: Awaitable[T] | T) -> TypeGuard[Awaitable[T]]:
    """Tell whether what a function of the application has returned is to be waited for."""
    return type(answer) not in PLAIN and isawaitable(answer)


async def wait_here(awaitable: Awaitable[T]) -> T:
    """Wait for an awaitable that may ask for the current task.

    Raises:
        RuntimeError: something that it waited for was cancelled, and it let that pass. That is a failure of its own: a
            CancelledError would end us as if we had been cancelled.

    Cancel: cancels it.
    """
    if iscoroutine(awaitable):
        answer = begin(cast("Coroutine[Any, Any, T]", awaitable), asyncio.get_running_loop())
        return await finish(cast("Going[T]", answer)) if isinstance(answer, Going) else answer
    return await finish(Going(awaitable))


async def finish(going: Going[T]) -> T:
    """Wait for what `begin` did not bring to an end; see `wait_here`."""
    rest = going.rest
    try:
        return await (_outlive(rest) if isinstance(rest, asyncio.Task) else rest)
    except asyncio.CancelledError as error:
        here = asyncio.current_task()
        if here is not None and here.cancelling():
            raise
        raise RuntimeError("it waited for something that was cancelled") from error


async def _outlive(task: asyncio.Task[T]) -> T:
    try:
        return await task
    except asyncio.CancelledError:
        if not task.done():
            # We are cancelled in the turn in which we became a task, which did not wait for that one yet.
            task.cancel()
            await asyncio.wait([task])
        raise
