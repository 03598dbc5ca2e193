"""How a coroutine waits for the reactor: an object that quacks like asyncio's future, and wakes its task at once.

A future wakes its task through `call_soon`: one more turn of the loop for each message. When the reactor's own callback has a message
for a task, nothing else of that loop is running, so it runs the task's wake-up directly, in the task's context. The rules:

* Directly only from the reactor's callback and with no user code on the stack (`depth`); from anywhere else (another task, a
  broadcast, a timer) through `call_soon`. Otherwise asyncio answers "Cannot enter into task" and the task hangs.
* A suspension wakes its task once.
* `cancel()` schedules the wake-up and returns True, as a future does; the task then asks for `result()` and is given CancelledError.

The protocol is asyncio's own for foreign futures: `_asyncio_future_blocking`, `add_done_callback(callback, context=)`, `get_loop`,
`result`, `cancel`.
"""

import asyncio
import collections.abc

from cpython.object cimport PyObject

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1


cdef class Suspension:
    cdef int wake(self) except -1:
        """Wakes the task that waits here, if one still does."""
        cdef object callback = self.callback
        cdef object context = self.context
        cdef Reactor reactor = self.reactor
        if callback is None:
            return 0
        self.callback = self.context = None
        if not reactor.running or reactor.depth:
            reactor.loop.call_soon(callback, self, context=context)
            return 0
        reactor.depth += 1
        PyContext_Enter(context)
        try:
            callback(self)
        except BaseException as error:
            reactor.report(None, error)
        finally:
            PyContext_Exit(context)
            reactor.depth -= 1
        return 0

    cdef int forget(self) except -1:
        """Nobody is to wake this one any more: it was cancelled."""
        return 0

    @property
    def _asyncio_future_blocking(self):
        # None, unless a task is just being asked to wait: `asyncio.isfuture` would take the coroutine for a future otherwise, and
        # `wait_for`, `gather` and `ensure_future` would wait for it without ever starting it.
        return True if self.blocking else None

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, bint value):
        self.blocking = value

    def get_loop(self):
        return self.reactor.loop

    def add_done_callback(self, callback, *, context=None):
        self.callback = callback
        self.context = context

    def remove_done_callback(self, callback):
        if self.callback != callback:
            return 0
        self.callback = self.context = None
        return 1

    def done(self):
        return False

    def cancelled(self):
        return self.cancelling

    def exception(self):
        return None

    def cancel(self, msg=None):
        cdef object callback = self.callback
        if callback is None:
            return False
        self.cancelling = True
        self.cancel_message = msg
        self.forget()
        self.callback = None
        self.reactor.loop.call_soon(callback, self, context=self.context)
        self.context = None
        return True

    def result(self):
        if self.cancelling:
            self.cancelling = False
            raise asyncio.CancelledError() if self.cancel_message is None else asyncio.CancelledError(self.cancel_message)
        return None

    # The protocol of coroutines; `__next__` is of the kind.

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def send(self, value):
        return self.__next__()

    def throw(self, kind, value=None, traceback=None):
        self.forget()
        self.stage = DONE
        raise raised(kind, value, traceback)

    def close(self):
        self.forget()
        self.stage = DONE

    @property
    def cr_running(self):
        return False

    @property
    def cr_await(self):
        return self if self.stage == WAITING else None


cdef object raised(object kind, object value, object traceback):
    """The exception that a coroutine's `throw` is given: one object, or a class, a value and a traceback in the old form."""
    if not isinstance(kind, type):
        return kind
    if value is None:
        value = kind()
    elif not isinstance(value, BaseException):
        value = kind(value)
    return value if traceback is None else value.with_traceback(traceback)


collections.abc.Coroutine.register(Suspension)
