from cpython.object cimport PyObject
from libc.stdint cimport int16_t, uint64_t


cdef enum:
    LEVELS = 6
    SLOTS = 64
    NOWHERE = -1     # buckets that are none
    EXPIRED = -2


cdef class Timer:
    # A node of at most one bucket. The wheel borrows it: whoever arms a timer keeps it alive and disarms it first.
    cdef PyObject *later
    cdef PyObject *earlier
    cdef uint64_t due
    cdef int16_t bucket


cdef class Wheel:
    cdef uint64_t elapsed
    cdef uint64_t occupied[LEVELS]
    cdef PyObject *buckets[LEVELS * SLOTS]

    cdef void arm(self, Timer timer, uint64_t due) noexcept
    cdef void disarm(self, Timer timer) noexcept
    cdef bint next_due(self, uint64_t *due, int *level, int *slot) noexcept
    cdef list advance(self, uint64_t now)
