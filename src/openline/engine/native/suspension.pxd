from libc.stdint cimport uint8_t

from openline.engine.native.reactor cimport Reactor


# Where the coroutine stands.
cdef enum:
    NEW = 0
    WAITING = 1
    DONE = 2


cdef class Suspension:
    cdef Reactor reactor
    cdef object callback
    cdef object context
    cdef object cancel_message
    cdef uint8_t stage
    cdef bint blocking
    cdef bint cancelling

    cdef int wake(self) except -1
    cdef int forget(self) except -1


cdef object raised(object kind, object value, object traceback)
cdef int take_short_cuts(type kind) except -1
