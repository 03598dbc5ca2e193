from cpython.object cimport PyObject
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t

from openline.engine.native.wheel cimport Timer, Wheel


cdef extern from "<sys/epoll.h>" nogil:
    ctypedef union epoll_data_t:
        uint64_t u64
    # packed on x86-64; Cython only needs the names
    cdef struct epoll_event:
        uint32_t events
        epoll_data_t data
    int EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP


cdef enum:
    BATCH = 512              # events worked off in one callback of the loop, at most
    READ_SIZE = 65536        # bytes read from one socket in one callback, at most
    CORK_SIZE = 65536        # bytes laid together into one write, at most
    TURN = 2_000_000         # nanoseconds that one callback of the loop may take
    SPARE_LEAST = 131_072    # bytes of a payload from which its memory is kept for the next
    SPARE_MOST = 4_194_304   # bytes that are kept so, in all
    RANDOM_SIZE = 1024       # octets of randomness fetched at a time, for masking keys


cdef class Pollable(Timer):
    cdef readonly Reactor reactor
    cdef int fd               # -1: not attached, or closed
    cdef uint32_t interest    # the events asked of epoll; 0: not in its set
    cdef int32_t slot
    cdef uint32_t generation
    cdef bint listed          # stands on the reactor's own ready list
    cdef bint doomed          # the descriptor closes at the next sweep
    cdef object __weakref__

    cdef int ready(self, uint32_t events) except -1
    cdef int proceed(self) except -1
    cdef int expired(self) except -1
    cdef int detached(self) except -1
    cdef int disowned(self) except -1
    cdef int flush_corked(self, const uint8_t *data, size_t size) except -1


cdef class Reactor:
    cdef readonly object loop
    cdef object __weakref__
    cdef readonly bint debug
    cdef int epoll
    cdef readonly int attached
    cdef list slots
    cdef list free_slots
    cdef uint32_t generation
    cdef epoll_event events[BATCH]
    cdef int batch_next
    cdef int batch_size
    cdef list listed
    cdef list doomed
    cdef bint running
    cdef int depth            # user code on the stack of this turn: tasks are then woken through the loop
    cdef object context       # empty; the loop's callbacks of the reactor run in it
    cdef bint scheduled
    cdef bint registered
    cdef uint64_t now         # CLOCK_MONOTONIC in nanoseconds, read once a turn and every few events
    cdef Wheel wheel
    cdef object timer
    cdef uint64_t timer_due
    cdef int judging          # not 0: deadlines have come; they are judged once all input at hand was read, or after so many turns
    cdef uint64_t poll_time   # nanoseconds without an event after which a turn ends; 0: it ends at once
    cdef bint loop_wanted     # something of this turn goes on in the loop: it is not to wait for the polling
    cdef object interrupt
    cdef object loop_getter   # of `suspension.pyx`: what its objects answer for `get_loop`
    cdef object finished      # of the same: a future that is done
    cdef uint8_t *read_buffer
    cdef uint8_t *plain_buffer
    cdef uint8_t *cork
    cdef size_t corked
    cdef PyObject *cork_owner
    cdef bint cork_scheduled
    cdef list spares          # large payloads that were delivered: memory for the next ones, once nobody else has them
    cdef size_t spare_size
    cdef bint spares_used     # since the timer ran last
    cdef object spare_timer
    cdef uint8_t random[RANDOM_SIZE]
    cdef int random_left

    cdef int attach(self, Pollable pollable, int fd) except -1
    cdef int ask(self, Pollable pollable, uint32_t events) except -1
    cdef int retire(self, Pollable pollable) except -1
    cdef int enlist(self, Pollable pollable) except -1
    cdef int schedule(self) except -1
    cdef int set_deadline(self, Pollable pollable, double delay) except -1
    cdef int turn(self) except -1
    cdef int work_off(self) except -1
    cdef int keep_polling(self, uint64_t begun) except -1
    cdef int tidy(self) except -1
    cdef int work_off_batch(self) except -1
    cdef int work_off_listed(self) except -1
    cdef int serve(self, Pollable pollable, uint32_t events) except -1
    cdef int judge(self) except -1
    cdef int retime(self) except -1
    cdef int sweep(self) except -1
    cdef int leave(self) except -1
    cdef int take_cork(self, Pollable pollable, size_t size) except -1
    cdef int flush_cork(self) except -1
    cdef int report(self, Pollable pollable, object error) except -1
    cdef uint32_t mask_key(self) except? 0
    cdef uint8_t *plain(self) except NULL
    cdef PyObject *take_spare(self, size_t length) except? NULL
    cdef int keep_spare(self, bytes payload) except -1
    cdef int drop_spares(self) except -1


cdef uint64_t monotonic() noexcept nogil
