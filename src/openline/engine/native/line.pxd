from libc.stdint cimport uint8_t, uint32_t, uint64_t

from openline.engine.native.inlet cimport DISCARD, FRAMES, IDLE, RAW, Inlet
from openline.engine.native.suspension cimport Suspension


cdef class Line(Inlet):
    cdef bint is_plain(self) noexcept
    cdef int emit(self, object message, object text, object compress) except -1
    cdef int emit_payload(self, int opcode, const uint8_t *data, size_t size, object owner, object compress) except -1


cdef class Recv(Suspension):
    cdef Line line
    cdef object decode
    cdef bint iterating       # `__anext__`: a normal close ends the iteration
    cdef bint peek            # `_wait_readable`: the message stays in the queue

    cdef object step(self)
    cdef object finish(self, object message)


cdef class Send(Suspension):
    cdef Line line
    cdef object message
    cdef object text
    cdef object compress
    cdef object inner         # `_send_slow`, when the message has to wait for more than room
    cdef bint drain_only      # `_wait_writable`: nothing to write

    cdef object step(self)
    cdef object step_inner(self)
