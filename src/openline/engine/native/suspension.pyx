"""How a coroutine waits for the reactor: an object that quacks like asyncio's future, and wakes its task at once.

A future wakes its task through `call_soon`: one more turn of the loop for each message. When the reactor's own callback has a message
for a task, nothing else of that loop is running, so it runs the task's wake-up directly, in the task's context. The rules:

* Directly only from the reactor's callback and with no user code on the stack (`depth`); from anywhere else (another task, a
  broadcast, a timer) through `call_soon`. Otherwise asyncio answers "Cannot enter into task" and the task hangs.
* A suspension wakes its task once.
* `cancel()` schedules the wake-up and returns True, as a future does; the task then asks for `result()` and is given CancelledError.

The protocol is asyncio's own for foreign futures: `_asyncio_future_blocking`, `add_done_callback(callback, context=)`, `get_loop`,
`result`, `cancel`. A task goes through it for each message that it waits for, so the steps of that way are short cuts (at the end of
this file), each of which leaves all but the very case that asyncio's C code makes to the ordinary methods.
"""

import asyncio
import collections.abc

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE

cdef extern from "Python.h":
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    ctypedef PyObject *(*PyCFunction)(PyObject *, PyObject *)
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
    int METH_NOARGS, METH_FASTCALL, METH_KEYWORDS
    object PyCFunction_New(PyMethodDef *definition, object bound)
    bint PyCFunction_CheckExact(object function)
    PyCFunction PyCFunction_GET_FUNCTION(object function)
    object PyObject_CallOneArg(object function, object argument)
    object PyObject_GenericGetAttr(object owner, object name)
    int PyObject_GenericSetAttr(object owner, object name, PyObject *value) except -1
    PyObject *PyObject_Vectorcall(object function, PyObject *const *arguments, size_t count, PyObject *names) except NULL
    int PyUnicode_CompareWithASCIIString(object text, const char *ascii)
    void PyType_Modified(type kind) noexcept
    # Slots as we fill them; Cython declares none of them for its own classes.
    ctypedef PyObject *(*getattrofunc)(PyObject *, PyObject *) except NULL
    ctypedef int (*setattrofunc)(PyObject *, PyObject *, PyObject *) except -1
    ctypedef struct Slots "PyTypeObject":
        getattrofunc tp_getattro
        setattrofunc tp_setattro


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
            reactor.loop_wanted = True
            reactor.loop.call_soon(callback, self, context=context)
            return 0
        reactor.depth += 1
        PyContext_Enter(context)
        try:
            PyObject_CallOneArg(callback, finished(reactor) if is_wakeup(callback) else self)
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
        self.reactor.loop_wanted = True
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


# -- short cuts -----------------------------------------------------------------------------------------------------------------
#
# What `Task` asks of a foreign future, for each wait, in C: the attributes `_asyncio_future_blocking` and `get_loop`, the first
# of them set, `add_done_callback` called with one argument and `context=`; and then `result()`, by a name that CPython 3.11 makes anew
# each time. By way of Cython's properties and bound methods, that was half of what a message cost in user space.

cdef PyCFunction task_wakeup = NULL
cdef object FLAG = "_asyncio_future_blocking"
cdef object GET_LOOP = "get_loop"
cdef object ADD = "add_done_callback"
cdef object UNSET = False             # as an object: Cython would compare a pointer with 0
cdef tuple context_names              # the names of the keywords that asyncio gives: always one tuple

cdef PyMethodDef get_loop_definition
get_loop_definition.ml_name = "get_loop"
get_loop_definition.ml_meth = <PyCFunction>loop_itself
get_loop_definition.ml_flags = METH_NOARGS

cdef PyMethodDef add_definition
add_definition.ml_name = "add_done_callback"
add_definition.ml_meth = <PyCFunction><void *>add_done_callback
add_definition.ml_flags = METH_FASTCALL | METH_KEYWORDS


cdef bint is_wakeup(object callback) except -1:
    """The wake-up of asyncio's own task (or of a subclass of it), which asks the future that it is given for nothing but its result."""
    global task_wakeup
    if not PyCFunction_CheckExact(callback):
        return False
    if task_wakeup == NULL and callback.__name__ == "task_wakeup" and isinstance(callback.__self__, asyncio.Task):
        task_wakeup = PyCFunction_GET_FUNCTION(callback)
    return PyCFunction_GET_FUNCTION(callback) == task_wakeup


cdef object finished(Reactor reactor):
    """A future of asyncio that is done, with None: of such a one the task reads the result without a call."""
    if reactor.finished is None:
        future = asyncio.Future(loop=reactor.loop)
        future.set_result(None)
        reactor.finished = future
    return reactor.finished


cdef PyObject *loop_itself(PyObject *loop, PyObject *nothing) noexcept:
    Py_INCREF(<object>loop)
    return loop


cdef PyObject *add_done_callback(
    PyObject *waits, PyObject *const *arguments, Py_ssize_t count, PyObject *names
) except NULL:
    global context_names
    cdef Suspension suspension = <Suspension>waits
    if (
        names != NULL and names != <PyObject *>context_names and PyTuple_GET_SIZE(<object>names) == 1
        and PyUnicode_CompareWithASCIIString(<object>PyTuple_GET_ITEM(<object>names, 0), "context") == 0
    ):
        context_names = <tuple>names
    if count == 1 and names == <PyObject *>context_names and names != NULL:
        suspension.callback = <object>arguments[0]
        suspension.context = <object>arguments[1]
        Py_INCREF(None)
        return <PyObject *>None
    return PyObject_Vectorcall(PyObject_GenericGetAttr(suspension, ADD), arguments, count, names)


cdef PyObject *get_attribute(PyObject *waits, PyObject *name) except NULL:
    cdef Suspension suspension = <Suspension>waits
    cdef Reactor reactor
    cdef object found
    # By identity: asyncio's names are interned, as ours are. Where they should not be, the ordinary way finds the same.
    if name == <PyObject *>FLAG:
        found = True if suspension.blocking else None
    elif name == <PyObject *>GET_LOOP:
        reactor = suspension.reactor
        if reactor.loop_getter is None:
            reactor.loop_getter = PyCFunction_New(&get_loop_definition, reactor.loop)
        found = reactor.loop_getter
    elif name == <PyObject *>ADD:
        found = PyCFunction_New(&add_definition, suspension)
    else:
        found = PyObject_GenericGetAttr(suspension, <object>name)
    Py_INCREF(found)
    return <PyObject *>found


cdef int set_attribute(PyObject *waits, PyObject *name, PyObject *value) except -1:
    if name == <PyObject *>FLAG and value == <PyObject *>UNSET:
        (<Suspension>waits).blocking = False
        return 0
    return PyObject_GenericSetAttr(<object>waits, <object>name, value)


cdef int take_short_cuts(type kind) except -1:
    """Puts them into the slots of a class of suspensions."""
    (<Slots *>kind).tp_getattro = get_attribute
    (<Slots *>kind).tp_setattro = set_attribute
    PyType_Modified(kind)
    return 0
