"""The first step of a coroutine of the application: with a task that it may ask for, but none made if it ends at once.

Code that runs in asyncio has a current task; `asyncio.timeout` and others ask for it. Python 3.12 can make a task whose
first step runs at once (``eager_start``). Before, the step that a new task schedules has to be caught; and making,
naming, listing and freeing a task costs several times what a short hook does. So there *one task stands by*, listed
nowhere, its step caught. It is the current task while the first step runs. Then:

- The coroutine waits: the task goes on with it, so what was asked for in the first step is the task that it stays.
- It has ended, and nobody has kept the task or done anything to it: the task stands by again.
- It has ended, and somebody knows the task: the task ends as the coroutine did.

Each coroutine has a context of its own (`contextvars`), as in a task.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from types import coroutine
from typing import Any, Generic, TypeVar, cast
from weakref import getweakrefcount

__all__ = ["Going", "begin"]

T = TypeVar("T")


class Going(Generic[T]):
    """A coroutine that has not ended.

    Attributes:
        rest: To be awaited for what the coroutine returns; a task, where it has begun.
    """

    __slots__ = ("rest",)

    def __init__(self, rest: Awaitable[T]) -> None:
        self.rest = rest


_CANCELLED = "it waited for something that was cancelled"
"""A failure of its own: a CancelledError would end us as if we had been cancelled."""

if sys.version_info >= (3, 12):

    def begin(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T | Going[T]:
        """Run a coroutine of the application up to its end or to where it waits.

        Args:
            coroutine: It may ask for the current task; what it raises, we raise.
            loop: The running loop.

        Returns:
            What it has returned, or a `Going`, also where it has not begun since some task is current already.

        Raises:
            RuntimeError: something that it waited for was cancelled, and it let that pass.
        """
        if asyncio.current_task(loop) is not None:
            return Going(coroutine)
        task = asyncio.Task(coroutine, loop=loop, eager_start=True)
        if not task.done():
            return Going(task)
        try:
            return task.result()
        except asyncio.CancelledError as error:
            raise RuntimeError(_CANCELLED) from error

else:
    # What asyncio has for tasks of other makes ("Extending" in its documentation).
    _extending: Any = asyncio
    _enter_task, _leave_task = _extending._enter_task, _extending._leave_task
    _register_task, _unregister_task = _extending._register_task, _extending._unregister_task

    class HookTask(asyncio.Task[Any]):
        """A task that notes whether anything was done to it while it stood by."""

        __slots__ = ("changed",)

        changed: bool

        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, "changed", True)
            object.__setattr__(self, name, value)

        def cancel(self, msg: Any | None = None) -> bool:
            self.changed = True
            return super().cancel(msg)

        def set_name(self, value: object, /) -> None:
            self.changed = True
            super().set_name(value)

        def add_done_callback(self, fn: Callable[..., object], /, *, context: Context | None = None) -> None:
            self.changed = True
            super().add_done_callback(fn, context=context)

    _ENDED: Any = object()
    """What `_drive` yields for a coroutine that has returned."""

    class _Outcome:
        """What a coroutine has returned, and whether it is the last that its driver drives."""

        __slots__ = ("last", "result")

        def __init__(self) -> None:
            self.result: Any = None
            self.last = False

    def _drive(outcome: _Outcome) -> Generator[Any, Any, Any]:
        """Drive the coroutines that are sent in, one after the other.

        ``yield from`` gets what a coroutine returns without a StopIteration, which would cost as much as a short hook.
        One that has waited is the last, and then this ends as that does.
        """
        while not outcome.last:
            outcome.result = yield from (yield _ENDED)
        return cast("Any", outcome).result

    # A generator that may drive coroutines.
    _driver = cast("Callable[[_Outcome], Generator[Any, Any, Any]]", coroutine(_drive))

    class _Handed(Coroutine[Any, Any, Any]):
        """What a task that stands by runs: a coroutine whose first step was run outside of it.

        The task's own first step is told how that one ended; the others run in the context of that one.
        """

        __slots__ = ("_context", "_coroutine", "_driver", "_first", "_late")

        def __init__(self) -> None:
            self._coroutine: Coroutine[Any, Any, Any] | None = None
            self._driver: Generator[Any, Any, Any] | None = None
            self._context = Context()
            self._first: Callable[[BaseException | None], Any] | None = None
            self._late: BaseException | None = None

        def waits(
            self,
            coroutine: Coroutine[Any, Any, Any],
            driver: Generator[Any, Any, Any],
            context: Context,
            awaited: Any,
        ) -> None:
            """It waits for something; None: for its next turn."""
            self._coroutine, self._driver, self._context = coroutine, driver, context

            def first(cancelled: BaseException | None) -> Any:
                # Cancelled in this step: what it waits for is cancelled; where that cannot be, the next step is.
                if cancelled is not None and (awaited is None or not awaited.cancel(*cancelled.args)):
                    self._late = cancelled
                return awaited

            self._first = first

        def ended(self, result: Any, error: BaseException | None) -> None:
            """It has returned, or raised."""

            def first(cancelled: BaseException | None) -> Any:
                raise error or cancelled or StopIteration(result)

            self._first = first

        def send(self, value: Any) -> Any:
            """Go on."""
            first, self._first = self._first, None
            if first is not None:
                return first(None)
            assert self._driver is not None
            late, self._late = self._late, None
            if late is not None:
                return self._context.run(self._driver.throw, late)
            return self._context.run(self._driver.send, value)

        def throw(self, *error: Any) -> Any:
            """Go on with an exception."""
            first, self._first = self._first, None
            if first is not None:
                return first(error[0])
            assert self._driver is not None
            self._late = None
            return self._context.run(self._driver.throw, *error)

        def close(self) -> None:
            """End it."""
            if self._driver is not None:
                self._driver.close()

        def __await__(self) -> Generator[Any, Any, Any]:
            assert self._coroutine is not None
            return self._coroutine.__await__()

        def __getattr__(self, name: str) -> Any:
            # What debuggers ask a task's coroutine for: its name, its frame.
            return getattr(self._coroutine, name)

    _NEVER = float("nan")  # equal to nothing: where references are not counted, no task stands by twice
    _count: Callable[[object], float] = getattr(sys, "getrefcount", lambda _: _NEVER)

    class _StandBy:
        """A task that stands by for one loop.

        Raises:
            AttributeError: the loop has no dictionary.
        """

        __slots__ = ("driver", "handed", "loop", "outcome", "references", "send", "step", "task")

        def __init__(self, loop: Any) -> None:
            caught: list[Callable[[], object]] = []

            def call_soon(step: Callable[..., object], *args: Any, context: Context) -> None:
                caught.append(partial(context.run, step, *args))

            self.loop = loop
            self.renew()
            self.handed = _Handed()
            loop.call_soon = call_soon
            try:
                # In an empty context: it must not keep whatever was current when it was made.
                self.task = Context().run(partial(HookTask, self.handed, loop=loop))
            finally:
                del loop.call_soon
            (self.step,) = caught
            self._list(False)
            object.__setattr__(self.task, "changed", False)
            task = self.task  # as in `begin`
            self.references = _count(task)

        def renew(self) -> None:
            """Take a new driver: one ends with a coroutine that raises."""
            self.outcome = _Outcome()
            self.driver = _driver(self.outcome)
            self.send = self.driver.send
            self.send(None)

        def _list(self, listed: bool) -> None:
            """Whether `asyncio.all_tasks` knows it, and whether it is a mistake to lose it."""
            (_register_task if listed else _unregister_task)(self.task)
            self.task._log_destroy_pending = listed  # type: ignore[attr-defined]

        def go_on(self) -> HookTask:
            """Be a task like any other from here on; what it has been handed, it takes up at once."""
            self._list(True)
            self.step()
            return self.task

    _spare: _StandBy | None = None
    """The last one that was not needed. Another loop's is of no use, and dropped."""

    def begin(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T | Going[T]:
        """Run a coroutine of the application up to its end or to where it waits.

        Args:
            coroutine: It may ask for the current task; what it raises, we raise.
            loop: The running loop.

        Returns:
            What it has returned, or a `Going`, also where it has not begun since some task is current already.

        Raises:
            RuntimeError: something that it waited for was cancelled, and it let that pass.
        """
        global _spare
        stand, _spare = _spare, None
        if stand is None or stand.loop is not loop:
            if asyncio.current_task(loop) is not None:
                return Going(coroutine)
            try:
                stand = _StandBy(loop)
            except AttributeError:
                return Going(loop.create_task(coroutine))
        task = stand.task
        try:
            _enter_task(loop, task)
        except RuntimeError:
            _spare = stand
            return Going(coroutine)
        context = copy_context()
        try:
            awaited = context.run(stand.send, coroutine)
        except BaseException as error:
            _leave_task(loop, task)
            if (
                _count(task) == stand.references
                and not task.changed
                and not getweakrefcount(task)
                and not isinstance(error, asyncio.CancelledError)
            ):
                stand.renew()
                _spare = stand
                raise
            stand.handed.ended(None, error)
        else:
            _leave_task(loop, task)
            outcome = stand.outcome
            if awaited is not _ENDED:
                outcome.last = True
                stand.handed.waits(coroutine, stand.driver, context, awaited)
                return Going(stand.go_on())
            result, outcome.result = outcome.result, None
            if _count(task) == stand.references and not task.changed and not getweakrefcount(task):
                _spare = stand
                return result
            stand.handed.ended(result, None)
        try:
            return stand.go_on().result()
        except asyncio.CancelledError as cancelled:
            raise RuntimeError(_CANCELLED) from cancelled
