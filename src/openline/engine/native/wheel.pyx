"""One timer wheel per reactor.

A connection has one deadline at a time: to finish its handshake, to prove that it lives, to close. With an asyncio timer for each,
10,000 idle connections would mean 10,000 heap entries and handles; here a deadline is two pointers and a number inside the
connection itself, and the loop has one timer, for the nearest.

Hierarchical (Varghese and Lauck, 1987, scheme 7): 6 levels of 64 slots; a slot of level n spans 64**n milliseconds. A timer is put
on the level of the highest 6-bit digit in which its due time differs from now; when the wheel turns into that slot, it falls to a
lower level. Arming, disarming and finding the next slot take constant time.
"""

cdef extern from *:
    int __builtin_clzll(uint64_t) noexcept nogil
    int __builtin_ctzll(uint64_t) noexcept nogil


cdef class Timer:
    def __cinit__(self):
        self.later = self.earlier = NULL
        self.due = 0
        self.bucket = NOWHERE


cdef inline uint64_t rotate_right(uint64_t bits, int by) noexcept:
    return bits if by == 0 else (bits >> by) | (bits << (64 - by))


cdef class Wheel:
    """Deadlines in milliseconds since the wheel was made."""

    cdef void arm(self, Timer timer, uint64_t due) noexcept:
        """Sets (or moves) the one deadline of `timer`; a time that has passed means the next millisecond."""
        cdef uint64_t differs
        cdef int level, index
        cdef PyObject *first
        self.disarm(timer)
        if due <= self.elapsed:
            due = self.elapsed + 1
        timer.due = due
        differs = (self.elapsed ^ due) | (SLOTS - 1)
        level = (63 - __builtin_clzll(differs)) // 6
        if level >= LEVELS:
            level = LEVELS - 1
        index = level * SLOTS + <int>((due >> (6 * level)) & (SLOTS - 1))
        first = self.buckets[index]
        timer.bucket = index
        timer.earlier = NULL
        timer.later = first
        if first != NULL:
            (<Timer>first).earlier = <PyObject *>timer
        self.buckets[index] = <PyObject *>timer
        self.occupied[level] |= <uint64_t>1 << (index & (SLOTS - 1))

    cdef void disarm(self, Timer timer) noexcept:
        cdef int index = timer.bucket
        if index < 0:
            timer.bucket = NOWHERE
            return
        if timer.earlier != NULL:
            (<Timer>timer.earlier).later = timer.later
        else:
            self.buckets[index] = timer.later
            if timer.later == NULL:
                self.occupied[index // SLOTS] &= ~(<uint64_t>1 << (index & (SLOTS - 1)))
        if timer.later != NULL:
            (<Timer>timer.later).earlier = timer.earlier
        timer.later = timer.earlier = NULL
        timer.bucket = NOWHERE

    cdef bint next_due(self, uint64_t *due, int *level, int *slot) noexcept:
        """The start of the next slot that holds a timer; False when none does. A lower level always comes first."""
        cdef int at, current
        cdef uint64_t span, start
        for at in range(LEVELS):
            if self.occupied[at] == 0:
                continue
            current = <int>((self.elapsed >> (6 * at)) & (SLOTS - 1))
            slot[0] = (__builtin_ctzll(rotate_right(self.occupied[at], current)) + current) & (SLOTS - 1)
            span = <uint64_t>1 << (6 * at)
            start = self.elapsed & ~(span * SLOTS - 1)
            due[0] = start + <uint64_t>slot[0] * span
            if due[0] <= self.elapsed:
                due[0] += span * SLOTS  # only the top level wraps
            level[0] = at
            return True
        return False

    cdef list advance(self, uint64_t now):
        """Turns to `now`; returns the timers that are due, disarmed, in the order of their slots.

        Those whose bucket is no longer EXPIRED when their turn comes were armed or disarmed again by what an earlier one did.
        """
        cdef list expired = []
        cdef uint64_t due
        cdef int level, slot
        cdef PyObject *node
        cdef PyObject *later
        cdef Timer timer
        while self.next_due(&due, &level, &slot) and due <= now:
            self.elapsed = due
            node = self.buckets[level * SLOTS + slot]
            self.buckets[level * SLOTS + slot] = NULL
            self.occupied[level] &= ~(<uint64_t>1 << slot)
            while node != NULL:
                timer = <Timer>node
                later = timer.later
                timer.later = timer.earlier = NULL
                timer.bucket = NOWHERE
                if timer.due <= self.elapsed:
                    timer.bucket = EXPIRED
                    expired.append(timer)
                else:
                    self.arm(timer, timer.due)
                node = later
        if now > self.elapsed:
            self.elapsed = now
        return expired


class WheelProbe:
    """The wheel as Python sees it, for its tests: names for timers, milliseconds for due times."""

    def __init__(self):
        self._wheel = Wheel()
        self._timers = {}

    def arm(self, name, due):
        timer = self._timers.setdefault(name, Timer())
        (<Wheel>self._wheel).arm(timer, due)

    def disarm(self, name):
        (<Wheel>self._wheel).disarm(self._timers[name])

    def advance(self, now):
        names = {timer: name for name, timer in self._timers.items()}
        return [names[timer] for timer in (<Wheel>self._wheel).advance(now)]

    def next_due(self):
        cdef uint64_t due
        cdef int level, slot
        return due if (<Wheel>self._wheel).next_due(&due, &level, &slot) else None
