from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from openline.engine.native.reactor cimport Pollable
from openline.engine.native.suspension cimport Suspension
from openline.engine.native.tls cimport TLS


cdef enum Finish:
    STAY = 0         # go on writing
    HALF = 1         # FIN once the queue is empty
    WHOLE = 2        # close the descriptor once the queue is empty
    SHUT = 3         # our FIN has left


# A piece of the queue. `framed`: it begins with a frame's header, and holds whole frames or a header alone; otherwise it is one
# payload, whose header stands in the piece before it.
cdef struct Chunk:
    Chunk *later
    PyObject *owner  # the bytes object that holds the data; NULL: the data follows this struct
    const uint8_t *data
    size_t size
    size_t sent
    size_t capacity
    bint framed


cdef class Outlet(Pollable):
    cdef Chunk *first
    cdef Chunk *last
    cdef readonly size_t unsent
    cdef uint64_t accepted    # bytes that the kernel has taken since the start
    cdef size_t high_water
    cdef size_t low_water
    cdef size_t max_unsent
    cdef list urgent          # [(opcode, frame)]: pings and pongs that wait for the next frame boundary
    cdef list writers         # suspensions that wait for the low-water mark
    cdef TLS tls
    cdef public object trace  # None, or a FrameTrace: shown every frame that is put
    cdef Finish finish
    cdef bint blocked         # the kernel takes no more; EPOLLOUT is asked for
    cdef bint patient         # the caller of `put` will wait: one message may pass `max_unsent`
    cdef bint reading         # EPOLLIN is asked for
    cdef bint crowded         # went above the high-water mark; `drained` is due
    cdef bint broken          # a write failed: nothing more is written, what the peer sent before is still read
    cdef uint64_t fanned      # the last `fan_out` that sent to it directly, by number

    cdef int put(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, object owner, bint masked, uint32_t key
    ) except -1
    cdef int put_urgent(self, int opcode, bytes frame) except -1
    cdef int append(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, object owner, bint masked, uint32_t key
    ) except -1
    cdef Chunk *new_chunk(self, size_t capacity) except NULL
    cdef int pop_chunk(self) except -1
    cdef int drop_queue(self) except -1
    cdef int drop_whole_frames(self) except -1
    cdef int drop_after(self, Chunk *chunk) except -1
    cdef int show(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, bint masked, uint32_t key
    ) except -1
    cdef int seal(self) except -1
    cdef size_t until_boundary(self) noexcept
    cdef int insert_urgent(self) except -1
    cdef int write_out(self) except -1
    cdef ssize_t transmit_queue(self, size_t limit) except -2
    cdef ssize_t transmit(self, const uint8_t *data, size_t size) except -2
    cdef int consume(self, size_t size) except -1
    cdef int keep_rest(self, const uint8_t *data, size_t size, size_t sent) except -1
    cdef int keep_shared(self, bytes frame, ssize_t sent) except -1
    cdef int update_interest(self) except -1
    cdef int write_failed(self, int error) except -1
    cdef int relieve(self) except -1
    cdef int finish_now(self) except -1
    cdef int want_finish(self, Finish finish) except -1
    cdef int reset(self) except -1
    cdef int drained(self) except -1
    cdef int overrun(self) except -1
    cdef int lost(self, object error) except -1
