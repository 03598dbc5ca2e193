"""The reactor: one epoll set, nested in the running event loop, that serves every WebSocket of that loop.

An epoll descriptor is itself pollable: it is readable while any descriptor in its set is ready. So the loop is given one descriptor
(`add_reader`), and one callback of the loop serves every ready socket: `epoll_wait` with a timeout of zero, then for each `recv`,
parse, deliver, `send`. This works alike on asyncio and uvloop.

The rules, each of which costs something when it is broken:

* *Level-triggered.* A socket that we do not want to read leaves the set altogether: with no events asked for, EPOLLHUP and EPOLLERR
  would still be reported, for ever. What epoll cannot see (bytes that a full queue left behind, or that OpenSSL has already
  decrypted) puts its connection on the reactor's own ready list.
* *Fair.* One callback works off at most one batch of events, about 2 ms, and READ_SIZE bytes a socket (four times as
  much where they are the rest of one payload, read to its place). An unfinished batch is
  continued, not fetched again, or the last sockets of a batch would starve.
* *Descriptors.* An event carries a slot and a generation, never a bare descriptor: a number that was closed and given out again in
  the same batch must not receive its predecessor's event. Descriptors are closed in `sweep` only, in this thread, after the batch,
  with EPOLL_CTL_DEL first. After a fork the child closes its copies and does nothing else: epoll_ctl, shutdown or send there
  would reach the parent's connections.
* *Polling.* With `busy_poll` a turn does not end with its last event, but so many microseconds later, and asks epoll meanwhile: what
  comes then is served without a turn of the loop and without the kernel's waking us. Never longer than TURN in all, never while
  anything of the turn waits for the loop, and with the GIL released while nothing is there.
* *Life.* The loop is held only while a listener or connection is attached. `Registration` is what the loop holds of us; when it dies
  although we did not leave, the loop was closed under live connections.
* *Interrupts.* KeyboardInterrupt and SystemExit from user code pass on to the loop, after the turn is in order.
"""

import contextvars
import os

import warnings
import weakref

cimport cython
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from openline.engine.native.wheel cimport EXPIRED, Timer, Wheel

cdef extern from "<sys/epoll.h>" nogil:
    int epoll_create1(int flags)
    int epoll_ctl(int epoll, int operation, int fd, epoll_event *event)
    int epoll_wait(int epoll, epoll_event *events, int size, int timeout)
    int EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL

cdef extern from "<unistd.h>" nogil:
    int close(int fd)

cdef extern from "<sys/random.h>" nogil:
    ssize_t getrandom(void *buffer, size_t size, unsigned int flags)

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec *out)
    int CLOCK_MONOTONIC

cdef extern from *:
    """
    /* The deprecation is about what stands there, not about the place. */
    #pragma GCC diagnostic push
    #pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    static void openline_forget_hash(PyObject *bytes)
    {
        ((PyBytesObject *)bytes)->ob_shash = -1;
    }
    #pragma GCC diagnostic pop
    """
    void openline_forget_hash(PyObject *bytes)
    Py_ssize_t Py_REFCNT(PyObject *anything)
    PyObject *PyList_GET_ITEM(list of, Py_ssize_t at)
    Py_ssize_t PyBytes_GET_SIZE(PyObject *data)
    void Py_INCREF(PyObject *anything)

cdef double SPARE_TIME = 1.0             # seconds that memory for large messages is kept unused
cdef uint64_t NEVER = <uint64_t>-1
cdef int PATIENCE = 16                   # turns that deadlines wait for input to be read: some connections never run dry

# All reactors of the process, for `after_fork`.
_reactors = weakref.WeakSet()
# The reactor of each loop, both held weakly: the connections and the loop's registration keep a reactor alive.
_by_loop = weakref.WeakKeyDictionary()


cdef uint64_t monotonic() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <uint64_t>now.tv_sec * 1_000_000_000 + <uint64_t>now.tv_nsec


cdef class Pollable(Timer):
    """Something with a descriptor in the reactor's set: a connection or a listening socket."""

    def __cinit__(self):
        self.fd = -1
        self.slot = -1

    cdef int ready(self, uint32_t events) except -1:
        """epoll reported `events`."""
        raise NotImplementedError

    cdef int proceed(self) except -1:
        """The turn came to this one on the reactor's ready list."""
        raise NotImplementedError

    cdef int expired(self) except -1:
        """The deadline has passed, and all input at hand was read before."""
        raise NotImplementedError

    cdef int detached(self) except -1:
        """The descriptor was closed."""
        raise NotImplementedError

    cdef int disowned(self) except -1:
        """The descriptor was closed without ceremony: we are in a forked child, or the loop was closed. Nobody is to be called."""
        raise NotImplementedError

    cdef int flush_corked(self, const uint8_t *data, size_t size) except -1:
        """Writes what was corked for this one; keeps what the kernel does not take."""
        raise NotImplementedError


@cython.final
@cython.no_gc_clear  # __dealloc__ needs the reactor
cdef class Registration:
    """What the loop holds of a reactor. It dies unannounced only when the loop is closed under live connections."""

    cdef Reactor reactor

    def __call__(self):
        self.reactor.turn()

    def __repr__(self):
        return f"<openline reactor, {self.reactor.attached} descriptors>"

    def __dealloc__(self):
        if self.reactor is not None and self.reactor.registered:
            self.reactor.abandon()


cdef class Reactor:
    """One per loop that has connections. Not thread-safe: everything runs in the loop's thread."""

    def __cinit__(self, loop):
        self.loop = loop
        self.debug = loop.get_debug()
        self.epoll = -1
        self.context = contextvars.Context()
        self.slots = []
        self.free_slots = []
        self.listed = []
        self.doomed = []
        self.spares = []
        self.wheel = Wheel()
        self.timer_due = NEVER
        self.now = monotonic()
        self.wheel.elapsed = self.now // 1_000_000
        self.read_buffer = <uint8_t *>malloc(READ_SIZE)
        self.cork = <uint8_t *>malloc(CORK_SIZE)
        if self.read_buffer == NULL or self.cork == NULL:
            raise MemoryError
        _reactors.add(self)

    def __dealloc__(self):
        if self.epoll >= 0:
            close(self.epoll)
        free(self.read_buffer)
        free(self.plain_buffer)
        free(self.cork)
        memset(self.random, 0, RANDOM_SIZE)

    # -- descriptors ------------------------------------------------------------------------------------------------------------

    cdef int attach(self, Pollable pollable, int fd) except -1:
        """Takes the descriptor over; no events are asked for yet."""
        cdef epoll_event event
        if self.epoll < 0:
            self.epoll = epoll_create1(EPOLL_CLOEXEC)
            if self.epoll < 0:
                raise OSError(errno, os.strerror(errno))
            registration = Registration()
            (<Registration>registration).reactor = self
            # An empty context: what a handler runs in is never what `add_reader` happened to be called in.
            self.context.run(self.loop.add_reader, self.epoll, registration)
            self.registered = True
            self.debug = self.loop.get_debug()
        if self.free_slots:
            pollable.slot = self.free_slots.pop()
            self.slots[pollable.slot] = pollable
        else:
            pollable.slot = len(self.slots)
            self.slots.append(pollable)
        self.generation += 1
        pollable.generation = self.generation
        pollable.reactor = self
        pollable.fd = fd
        pollable.interest = 0
        pollable.doomed = False
        self.attached += 1
        return 0

    cdef int ask(self, Pollable pollable, uint32_t events) except -1:
        """Changes the events asked for; 0 takes the descriptor out of the set."""
        cdef epoll_event event
        cdef int operation
        if events == pollable.interest or pollable.fd < 0 or pollable.doomed:
            return 0
        operation = EPOLL_CTL_DEL if events == 0 else EPOLL_CTL_ADD if pollable.interest == 0 else EPOLL_CTL_MOD
        event.events = events
        event.data.u64 = (<uint64_t>pollable.generation << 32) | <uint32_t>pollable.slot
        if epoll_ctl(self.epoll, operation, pollable.fd, &event) < 0:
            raise OSError(errno, os.strerror(errno))
        pollable.interest = events
        return 0

    cdef int retire(self, Pollable pollable) except -1:
        """Closes the descriptor at the end of this turn (or of the next, when none is under way)."""
        if pollable.doomed or pollable.fd < 0:
            return 0
        if pollable.interest:
            self.ask(pollable, 0)
        pollable.doomed = True
        self.doomed.append(pollable)
        if not self.running:
            self.schedule()
        return 0

    cdef int sweep(self) except -1:
        cdef Pollable pollable
        cdef list doomed
        while self.doomed:
            doomed = self.doomed
            self.doomed = []
            for pollable in doomed:
                self.wheel.disarm(pollable)
                if self.cork_owner == <PyObject *>pollable:
                    self.cork_owner = NULL
                    self.corked = 0
                close(pollable.fd)
                pollable.fd = -1
                self.slots[pollable.slot] = None
                self.free_slots.append(pollable.slot)
                self.attached -= 1
                try:
                    pollable.detached()
                except BaseException as error:
                    self.report(pollable, error)
                if self.corked:
                    self.flush_cork()
        if self.attached == 0:
            self.leave()
        return 0

    cdef int leave(self) except -1:
        """The last descriptor is gone: the loop is let go."""
        if self.epoll < 0:
            return 0
        self.registered = False  # first: the loop drops its registration now
        if not self.loop.is_closed():
            self.loop.remove_reader(self.epoll)
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
            self.timer_due = NEVER
        close(self.epoll)
        self.epoll = -1
        self.slots.clear()
        self.free_slots.clear()
        self.batch_next = self.batch_size = 0
        self.poll_time = 0
        self.drop_spares()
        return 0

    def abandon(self):
        """The loop was closed under live connections."""
        cdef int count = self.disown()
        if count:
            warnings.warn(
                f"the event loop was closed with {count} open WebSocket descriptors; close servers and connections first",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def disown(self):
        """Closes every descriptor, and nothing else: no epoll_ctl, no shutdown, no callback. Returns how many there were."""
        cdef Pollable pollable
        cdef int count = 0
        self.registered = False
        for entry in self.slots:
            if entry is None:
                continue
            pollable = <Pollable>entry
            self.wheel.disarm(pollable)
            if pollable.fd >= 0:
                close(pollable.fd)
                count += 1
            pollable.fd = -1
            pollable.interest = 0
            pollable.disowned()
        self.slots.clear()
        self.free_slots.clear()
        self.listed.clear()
        self.doomed.clear()
        self.corked = 0
        self.cork_owner = NULL
        self.attached = 0
        self.batch_next = self.batch_size = 0
        self.timer = None
        self.timer_due = NEVER
        self.poll_time = 0
        self.drop_spares()
        if self.epoll >= 0:
            close(self.epoll)
            self.epoll = -1
        return count

    # -- turns ------------------------------------------------------------------------------------------------------------------

    cdef int enlist(self, Pollable pollable) except -1:
        """Puts a connection on the reactor's own ready list: it has work that epoll cannot see."""
        if pollable.listed or pollable.fd < 0:
            return 0
        pollable.listed = True
        self.listed.append(pollable)
        if not self.running:
            self.schedule()
        return 0

    cdef int schedule(self) except -1:
        self.loop_wanted = True
        if not self.scheduled and not self.loop.is_closed():
            self.scheduled = True
            self.loop.call_soon(self.scheduled_turn, context=self.context)
        return 0

    def scheduled_turn(self):
        self.scheduled = False
        self.turn()

    def deadline_turn(self):
        self.timer = None
        self.timer_due = NEVER
        self.judging = PATIENCE
        self.turn()

    cdef int turn(self) except -1:
        if self.running:
            return 0  # a handler runs the loop from inside itself
        self.running = True
        self.loop_wanted = False
        self.now = monotonic()
        try:
            self.work_off()
            if self.poll_time:
                self.keep_polling(self.now)
        finally:
            self.tidy()
            self.running = False
        if self.epoll < 0:
            pass
        elif self.listed or self.judging:
            self.schedule()
        else:
            self.retime()
        if self.interrupt is not None:
            error = self.interrupt
            self.interrupt = None
            raise error
        return 0

    cdef int work_off(self) except -1:
        self.work_off_batch()
        if self.listed:
            self.work_off_listed()
        if self.judging:
            self.judging -= 1
            if self.batch_next == self.batch_size and self.batch_size < BATCH and not self.listed:
                self.judging = 0
            if self.judging == 0:
                self.judge()
        return 0

    cdef int tidy(self) except -1:
        """Whatever a turn has begun leaves."""
        while self.corked or self.doomed:
            if self.corked:
                self.flush_cork()
            self.sweep()
        return 0

    cdef int keep_polling(self, uint64_t begun) except -1:
        """Serves what comes soon after the last event, before the loop is asked again."""
        cdef uint64_t quiet_at = monotonic() + self.poll_time
        cdef epoll_event *events = self.events
        cdef int epoll, found
        while True:
            self.tidy()
            if self.loop_wanted or self.listed or self.judging or self.epoll < 0 or self.interrupt is not None:
                return 0
            if self.batch_next == self.batch_size:
                epoll = self.epoll
                with nogil:
                    found = epoll_wait(epoll, events, BATCH, 0)
                self.batch_next = 0
                self.batch_size = max(found, 0)
            self.now = monotonic()
            if self.batch_next < self.batch_size:
                self.work_off_batch()
                self.now = monotonic()
                quiet_at = self.now + self.poll_time
            if self.now > quiet_at or self.now > begun + TURN:
                return 0

    def poll_for(self, int microseconds):
        """Turns last so much longer than their last event; the longest that was asked for holds, until the last descriptor is gone."""
        self.poll_time = max(self.poll_time, <uint64_t>microseconds * 1000)

    cdef int work_off_batch(self) except -1:
        cdef uint64_t limit = self.now + TURN
        cdef uint64_t data
        cdef uint32_t events, slot
        cdef Pollable pollable
        cdef object entry
        if self.epoll < 0:
            return 0
        if self.batch_next == self.batch_size:
            self.batch_next = 0
            self.batch_size = epoll_wait(self.epoll, self.events, BATCH, 0)
            if self.batch_size < 0:
                self.batch_size = 0
                if errno != EINTR:
                    raise OSError(errno, os.strerror(errno))
        while self.batch_next < self.batch_size:
            data = self.events[self.batch_next].data.u64
            events = self.events[self.batch_next].events
            self.batch_next += 1
            slot = <uint32_t>data
            if slot >= <uint32_t>len(self.slots):
                continue
            entry = self.slots[slot]
            if entry is None:
                continue
            pollable = <Pollable>entry
            if pollable.generation != <uint32_t>(data >> 32) or pollable.doomed:
                continue
            self.serve(pollable, events & (pollable.interest | EPOLLERR | EPOLLHUP))
            if self.batch_next & 7 == 0:
                self.now = monotonic()
                if self.now > limit:
                    break
        return 0

    cdef int work_off_listed(self) except -1:
        cdef list listed = self.listed
        cdef Pollable pollable
        cdef uint64_t limit
        cdef Py_ssize_t done = 0
        self.now = monotonic()
        limit = self.now + TURN
        self.listed = []
        for pollable in listed:
            done += 1
            pollable.listed = False
            if pollable.fd >= 0 and not pollable.doomed:
                self.serve(pollable, 0)
            if done & 7 == 0:
                self.now = monotonic()
                if self.now > limit:
                    self.listed = listed[done:] + self.listed
                    break
        return 0

    cdef int serve(self, Pollable pollable, uint32_t events) except -1:
        """One connection's share of a turn: whatever it raises is its own, and its cork is empty afterwards."""
        cdef uint64_t begun = monotonic() if self.debug else 0
        try:
            if events:
                pollable.ready(events)
            else:
                pollable.proceed()
        except BaseException as error:
            self.report(pollable, error)
        if self.corked:
            self.flush_cork()
        if self.debug and (monotonic() - begun) / 1e9 > self.loop.slow_callback_duration:
            import logging  # rare, and only in debug mode

            logging.getLogger("openline").warning(
                "handling input took %.3f seconds: %r", (monotonic() - begun) / 1e9, pollable
            )
        return 0

    cdef int report(self, Pollable pollable, object error) except -1:
        """An exception that a pollable did not handle: an interrupt passes at the end of the turn, anything else is a defect."""
        if not isinstance(error, Exception):
            if self.interrupt is None:
                self.interrupt = error
            return 0
        self.loop.call_exception_handler(
            {"message": "unhandled exception in the WebSocket reactor", "exception": error, "source": pollable}
        )
        return 0

    # -- deadlines --------------------------------------------------------------------------------------------------------------

    cdef int set_deadline(self, Pollable pollable, double delay) except -1:
        """One deadline per pollable, in seconds from now; negative: none. Rounded up by at most 1.6 %, so that many share a slot."""
        cdef uint64_t due, grain
        if delay < 0:
            self.wheel.disarm(pollable)
            return 0
        if delay > 31_536_000:
            delay = 31_536_000  # a year; the wheel is not made for more
        due = <uint64_t>(delay * 1000)
        grain = 1
        while grain * 128 <= due:
            grain <<= 1
        due += (monotonic() + 999_999) // 1_000_000
        due = (due + grain - 1) // grain * grain
        self.wheel.arm(pollable, due)
        if due < self.timer_due and not self.running:
            self.retime()
        return 0

    cdef int retime(self) except -1:
        """Sets the loop's one timer to the nearest slot. A timer that comes too early (its deadline was taken back) does no harm."""
        cdef uint64_t due, now
        cdef int level, slot
        if not self.wheel.next_due(&due, &level, &slot) or due >= self.timer_due:
            return 0
        if self.timer is not None:
            self.timer.cancel()
        self.timer_due = due
        now = monotonic()
        due *= 1_000_000
        self.timer = self.loop.call_later(
            0 if due <= now else (due - now) / 1e9, self.deadline_turn, context=self.context
        )
        return 0

    cdef int judge(self) except -1:
        cdef Pollable pollable
        for timer in self.wheel.advance(monotonic() // 1_000_000):
            pollable = <Pollable>timer
            if pollable.fd < 0 or pollable.doomed or pollable.bucket != EXPIRED:
                continue
            try:
                pollable.expired()
            except BaseException as error:
                self.report(pollable, error)
            if self.corked:
                self.flush_cork()
        return 0

    # -- the cork ---------------------------------------------------------------------------------------------------------------

    cdef int take_cork(self, Pollable pollable, size_t size) except -1:
        """Gives the shared buffer to `pollable`, which now may write `size` bytes to it; its former owner's bytes leave first."""
        # A loop: flushing may end in a callback that writes to somebody else.
        while self.corked and (self.cork_owner != <PyObject *>pollable or self.corked + size > CORK_SIZE):
            self.flush_cork()
        self.cork_owner = <PyObject *>pollable
        if not self.running and not self.cork_scheduled:
            self.cork_scheduled = True
            self.loop.call_soon(self.scheduled_flush, context=self.context)
        return 0

    def scheduled_flush(self):
        self.cork_scheduled = False
        if self.corked:
            self.flush_cork()

    cdef int flush_cork(self) except -1:
        cdef size_t size = self.corked
        cdef object owner
        if size == 0:
            return 0
        owner = <object>self.cork_owner
        self.corked = 0
        self.cork_owner = NULL
        (<Pollable>owner).flush_corked(self.cork, size)
        return 0

    # -- odds -------------------------------------------------------------------------------------------------------------------

    cdef uint32_t mask_key(self) except? 0:
        """Four fresh octets from the kernel's generator (RFC 6455 section 5.3: a strong source of entropy)."""
        cdef uint32_t key
        cdef ssize_t got
        if self.random_left == 0:
            got = getrandom(self.random, RANDOM_SIZE, 0)
            while got < RANDOM_SIZE:
                if got < 0 and errno != EINTR:
                    raise OSError(errno, os.strerror(errno))
                got = getrandom(self.random, RANDOM_SIZE, 0)
            self.random_left = RANDOM_SIZE
        self.random_left -= 4
        memcpy(&key, self.random + self.random_left, 4)
        memset(self.random + self.random_left, 0, 4)
        return key

    cdef uint8_t *plain(self) except NULL:
        """The buffer for decrypted bytes; only reactors that serve TLS have one."""
        if self.plain_buffer == NULL:
            self.plain_buffer = <uint8_t *>malloc(READ_SIZE)
            if self.plain_buffer == NULL:
                raise MemoryError
        return self.plain_buffer

    # -- memory of large messages -----------------------------------------------------------------------------------------------

    # A fresh megabyte costs more than reading it from the socket: the kernel clears and maps every page of it, and takes them all back
    # when the message goes. So the bytes objects of the last large messages are remembered, and one of them that nobody else knows any
    # more (we hold its only reference) becomes the next message. What was not used for a second is let go.

    cdef PyObject *take_spare(self, size_t length) except? NULL:
        """A bytes object of this length that nobody knows, as a new reference; NULL: there is none."""
        cdef Py_ssize_t at
        cdef PyObject *payload
        if length < SPARE_LEAST:
            return NULL
        for at in range(len(self.spares)):
            payload = PyList_GET_ITEM(self.spares, at)
            if <size_t>PyBytes_GET_SIZE(payload) == length and Py_REFCNT(payload) == 1:
                Py_INCREF(payload)
                del self.spares[at]
                self.spare_size -= length
                self.spares_used = True
                openline_forget_hash(payload)
                return payload
        return NULL

    cdef int keep_spare(self, bytes payload) except -1:
        """Remembers a payload that is about to be delivered."""
        cdef size_t size = len(payload)
        if size < SPARE_LEAST or size > SPARE_MOST:
            return 0
        while self.spare_size + size > SPARE_MOST:
            self.spare_size -= len(<bytes>self.spares.pop(0))
        self.spares.append(payload)
        self.spare_size += size
        self.spares_used = True
        if self.spare_timer is None:
            self.spare_timer = self.loop.call_later(SPARE_TIME, self.age_spares, context=self.context)
        return 0

    def age_spares(self):
        self.spare_timer = None
        if self.spares_used:
            self.spares_used = False
            self.spare_timer = self.loop.call_later(SPARE_TIME, self.age_spares, context=self.context)
        else:
            self.drop_spares()

    cdef int drop_spares(self) except -1:
        self.spares.clear()
        self.spare_size = 0
        if self.spare_timer is not None:
            self.spare_timer.cancel()
            self.spare_timer = None
        return 0


def reactor_of(loop):
    """The reactor of `loop`; made on first use, and gone with its last connection."""
    reference = _by_loop.get(loop)
    reactor = None if reference is None else reference()
    if reactor is None:
        reactor = Reactor(loop)
        _by_loop[loop] = weakref.ref(reactor)
    return reactor


def after_fork():
    for reactor in list(_reactors):
        (<Reactor>reactor).disown()


os.register_at_fork(after_in_child=after_fork)
