from openline.engine.native.reactor cimport Reactor


cdef class Suspension:
    cdef Reactor reactor
    cdef object callback
    cdef object context
    cdef object cancel_message
    cdef bint blocking
    cdef bint cancelling

    cdef int wake(self) except -1
    cdef int forget(self) except -1
