"""The writing half of a connection.

Small frames are laid into the reactor's shared buffer (the cork) and leave together: at the end of the connection's share of a turn,
elsewhere by one `call_soon`, at once when the buffer is full. A large frame leaves at once, header and payload in one `writev`. What
the kernel refuses is queued here, in the order of the calls; a payload in a bytes object is referred to and not copied, so that a
broadcast that waits for 500 slow readers is held once.

Pings and pongs overtake what is queued, at the next boundary between frames: the headers of the queue's first piece tell where it is.
Of each opcode only the newest waits (RFC 6455 section 5.5.3).
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from openline.engine.native.codec cimport Header, openline_mask_copy, read_header
from openline.engine.native.reactor cimport CORK_SIZE, EPOLLIN, EPOLLOUT, Reactor

cdef extern from "<sys/socket.h>" nogil:
    ssize_t send(int fd, const void *data, size_t size, int flags)
    int shutdown(int fd, int how)
    int setsockopt(int fd, int level, int name, const void *value, unsigned int size)
    int MSG_NOSIGNAL, SHUT_WR, SOL_SOCKET, SO_LINGER
    struct linger:
        int l_onoff
        int l_linger
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int fd, const msghdr *message, int flags)

cdef extern from "<sys/ioctl.h>" nogil:
    int ioctl(int fd, unsigned long request, int *value)
    unsigned long TIOCOUTQ  # SIOCOUTQ by its other name

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void *iov_base
        size_t iov_len

cdef size_t CORKED_FRAME = 8192    # a larger frame is not copied into the cork
cdef size_t SMALL_CHUNK = 1024     # what is queued frame by frame is gathered in pieces of this size and, as they fill, up to ...
cdef size_t LARGE_CHUNK = 32768
cdef int PIECES = 16               # in one writev


cdef class Outlet(Pollable):
    def __cinit__(self):
        # Until it is a WebSocket, with its own marks: `drained` when all has left.
        self.high_water = self.low_water = 0
        self.max_unsent = <size_t>-1

    def __dealloc__(self):
        cdef Chunk *chunk
        while self.first != NULL:
            chunk = self.first
            self.first = chunk.later
            if chunk.owner != NULL:
                Py_DECREF(<object>chunk.owner)
            free(chunk)

    @property
    def written(self):
        """Bytes put since the connection was made, sent or not; of TLS, those inside it."""
        return self.accepted + self.unsent

    @property
    def taken(self):
        """Bytes that the peer's TCP has acknowledged: what lies in the kernel's send buffer is no sign of life."""
        cdef int waiting = 0
        if self.fd >= 0:
            ioctl(self.fd, TIOCOUTQ, &waiting)
        return self.accepted - min(self.accepted, <uint64_t>waiting)

    # -- what the upper half overrides -----------------------------------------------------------------------------------------

    cdef int drained(self) except -1:
        """The queue fell to the low-water mark after it had been above the high one."""
        return 0

    cdef int overrun(self) except -1:
        """`max_unsent` would be passed."""
        return 0

    cdef int lost(self, object error) except -1:
        """The connection is gone; `error` says why (None: in order)."""
        return 0

    # -- putting --------------------------------------------------------------------------------------------------------------

    cdef int put(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, object owner, bint masked, uint32_t key
    ) except -1:
        """Writes one frame, header and payload, after everything put before it. `owner`: the bytes object of the payload, or None."""
        cdef Reactor reactor = self.reactor
        cdef uint8_t *room
        cdef size_t total = head_size + size, waiting
        if self.fd < 0 or self.doomed or self.broken:
            return 0
        if self.trace is not None:
            self.show(head, head_size, payload, size, masked, key)
        if self.first == NULL and total <= CORKED_FRAME:
            reactor.take_cork(self, total)
            if self.first == NULL:
                room = reactor.cork + reactor.corked
                reactor.corked += total
                if head_size:
                    memcpy(room, head, head_size)
                if masked:
                    openline_mask_copy(room + head_size, payload, size, key)
                else:
                    memcpy(room + head_size, payload, size)
                return 0
        if reactor.cork_owner == <PyObject *>self and reactor.corked:
            reactor.flush_cork()
        waiting = self.unsent
        if waiting and waiting + total > self.max_unsent:
            return self.overrun()
        self.append(head, head_size, payload, size, owner, masked, key)
        if not self.blocked:
            self.write_out()
        if self.unsent > self.high_water:
            self.crowded = True
        if self.unsent > self.max_unsent and not waiting and not self.patient:
            return self.overrun()
        return 0

    cdef int put_urgent(self, int opcode, bytes frame) except -1:
        """Writes a ping or pong at the next frame boundary."""
        cdef Py_ssize_t at
        if self.first == NULL:
            return self.put(NULL, 0, <const uint8_t *>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), None, False, 0)
        if self.trace is not None:
            self.trace.sent(frame)
        if self.urgent is None:
            self.urgent = []
        for at in range(len(self.urgent)):
            if self.urgent[at][0] == opcode:
                self.urgent[at] = (opcode, frame)
                return 0
        self.urgent.append((opcode, frame))
        return 0

    cdef int append(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, object owner, bint masked, uint32_t key
    ) except -1:
        cdef Chunk *chunk = self.last
        cdef bint refer = owner is not None and not masked and size > CORKED_FRAME
        cdef size_t copied = head_size if refer else head_size + size
        cdef size_t capacity = SMALL_CHUNK
        if copied and (chunk == NULL or chunk.owner != NULL or chunk.size + copied > chunk.capacity):
            if chunk != NULL and chunk.owner == NULL:
                capacity = min(2 * chunk.capacity, LARGE_CHUNK)
            if refer and chunk == NULL:
                capacity = head_size  # a lone large frame: nothing is likely to be gathered behind its header
            chunk = self.new_chunk(max(capacity, copied))
        if head_size:
            memcpy(<uint8_t *>chunk.data + chunk.size, head, head_size)
            chunk.size += head_size
        if refer:
            chunk = self.new_chunk(0)
            chunk.owner = <PyObject *>owner
            Py_INCREF(owner)
            chunk.data = payload
            chunk.size = size
            chunk.framed = head_size == 0  # a frame that came whole, header included
        elif masked:
            openline_mask_copy(<uint8_t *>chunk.data + chunk.size, payload, size, key)
            chunk.size += size
        else:
            memcpy(<uint8_t *>chunk.data + chunk.size, payload, size)
            chunk.size += size
        self.unsent += head_size + size
        return 0

    cdef Chunk *new_chunk(self, size_t capacity) except NULL:
        cdef Chunk *chunk = <Chunk *>malloc(sizeof(Chunk) + capacity)
        if chunk == NULL:
            raise MemoryError
        chunk.later = NULL
        chunk.owner = NULL
        chunk.data = <uint8_t *>(chunk + 1)
        chunk.size = chunk.sent = 0
        chunk.capacity = capacity
        chunk.framed = True
        if self.last == NULL:
            self.first = chunk
        else:
            self.last.later = chunk
        self.last = chunk
        return chunk

    cdef int pop_chunk(self) except -1:
        cdef Chunk *chunk = self.first
        self.first = chunk.later
        if self.first == NULL:
            self.last = NULL
        if chunk.owner != NULL:
            Py_DECREF(<object>chunk.owner)
        free(chunk)
        return 0

    cdef int drop_queue(self) except -1:
        while self.first != NULL:
            self.pop_chunk()
        self.unsent = 0
        self.urgent = None
        if self.reactor is not None and self.reactor.cork_owner == <PyObject *>self:
            self.reactor.cork_owner = NULL
            self.reactor.corked = 0
        return 0

    cdef int drop_whole_frames(self) except -1:
        """Drops what is queued behind the frame of which a part has left."""
        cdef size_t keep, rest
        cdef Chunk *chunk
        if self.reactor is None:
            return 0
        if self.reactor.cork_owner == <PyObject *>self:
            self.reactor.cork_owner = NULL
            self.reactor.corked = 0
        if self.tls is not None and (self.tls.stuck or self.tls.handshaking):
            return 0  # OpenSSL has to be given the same bytes once more
        self.urgent = None
        keep = rest = self.until_boundary()
        chunk = self.first
        while chunk != NULL and rest > chunk.size - chunk.sent:
            rest -= chunk.size - chunk.sent
            chunk = chunk.later
        if keep == 0 or chunk == NULL:
            while self.first != NULL:
                self.pop_chunk()
            self.unsent = 0
            return 0
        chunk.size = chunk.sent + rest
        self.unsent = keep
        self.drop_after(chunk)
        return 0

    cdef int drop_after(self, Chunk *chunk) except -1:
        cdef Chunk *later = chunk.later
        cdef Chunk *dropped
        chunk.later = NULL
        self.last = chunk
        while later != NULL:
            dropped = later
            later = later.later
            if dropped.owner != NULL:
                Py_DECREF(<object>dropped.owner)
            free(dropped)
        return 0

    cdef int show(
        self, const uint8_t *head, size_t head_size, const uint8_t *payload, size_t size, bint masked, uint32_t key
    ) except -1:
        """Gives the trace what goes on the wire."""
        cdef bytes wire = PyBytes_FromStringAndSize(NULL, head_size + size)
        cdef uint8_t *out = <uint8_t *>PyBytes_AS_STRING(wire)
        if head_size:
            memcpy(out, head, head_size)
        if size:
            openline_mask_copy(out + head_size, payload, size, key if masked else 0)
        self.trace.sent(wire)
        return 0

    cdef int seal(self) except -1:
        """What is queued so far is no frames (it is HTTP): a ping goes behind it, and no frame is gathered with it."""
        cdef Chunk *chunk
        if self.reactor.cork_owner == <PyObject *>self and self.reactor.corked:
            self.reactor.flush_cork()
        chunk = self.first
        while chunk != NULL:
            chunk.framed = False
            chunk.capacity = chunk.size
            chunk = chunk.later
        return 0

    # -- boundaries -----------------------------------------------------------------------------------------------------------

    cdef size_t until_boundary(self) noexcept:
        """How many bytes of the queue still belong to a frame of which a part has left."""
        cdef Chunk *chunk = self.first
        cdef Header header
        cdef size_t at = 0
        if chunk == NULL:
            return 0
        if not chunk.framed:
            return chunk.size - chunk.sent
        while at < chunk.sent:
            read_header(chunk.data + at, chunk.size - at, &header)
            at += header.size + <size_t>header.length
        return at - chunk.sent  # may reach into the next piece: the payload of the last header

    cdef int insert_urgent(self) except -1:
        """At a frame boundary: what is urgent goes before the rest of the queue."""
        cdef Chunk *first = self.first
        cdef Chunk *last = self.last
        cdef Chunk *chunk
        cdef bytes frames = b"".join([frame for _, frame in self.urgent])
        self.urgent = None
        if first != NULL and first.sent:
            # A boundary inside a piece: its rest becomes a piece of its own.
            self.first = self.last = NULL
            chunk = self.new_chunk(first.size - first.sent)
            memcpy(<uint8_t *>chunk.data, first.data + first.sent, first.size - first.sent)
            chunk.size = first.size - first.sent
            chunk.later = first.later
            if first == last:
                last = chunk
            if first.owner != NULL:
                Py_DECREF(<object>first.owner)
            free(first)
            first = chunk
        self.first = self.last = NULL
        chunk = self.new_chunk(PyBytes_GET_SIZE(frames))
        memcpy(<uint8_t *>chunk.data, PyBytes_AS_STRING(frames), PyBytes_GET_SIZE(frames))
        chunk.size = PyBytes_GET_SIZE(frames)
        if first != NULL:
            chunk.later = first
            self.last = last
        self.unsent += chunk.size
        return 0

    # -- writing --------------------------------------------------------------------------------------------------------------

    cdef int write_out(self) except -1:
        """Writes as much of the queue as the kernel takes."""
        cdef size_t limit
        cdef ssize_t size
        while self.first != NULL or self.urgent is not None or (self.tls is not None and self.tls.holds_output()):
            limit = <size_t>-1
            if self.urgent is not None and (self.tls is None or not self.tls.stuck):
                limit = self.until_boundary()
                if limit == 0:
                    self.insert_urgent()
                    limit = <size_t>-1
            size = self.transmit_queue(limit)
            if size < 0:
                self.blocked = not self.broken
                self.update_interest()
                self.relieve()
                return 0
            self.consume(size)
        self.blocked = False
        self.update_interest()
        self.relieve()
        if self.finish != STAY and self.first == NULL and not self.blocked:  # who was relieved may have put more
            self.finish_now()
        return 0

    cdef ssize_t transmit_queue(self, size_t limit) except -2:
        """One system call's worth of the queue; returns what was taken, or -1 when the kernel takes nothing."""
        cdef iovec pieces[16]
        cdef msghdr message
        cdef Chunk *chunk = self.first
        cdef int count = 0
        cdef size_t size
        cdef ssize_t sent
        if chunk == NULL or self.tls is not None or chunk.later == NULL:
            if chunk == NULL:
                return self.transmit(NULL, 0)
            return self.transmit(chunk.data + chunk.sent, min(limit, chunk.size - chunk.sent))
        while chunk != NULL and count < PIECES and limit:
            size = min(limit, chunk.size - chunk.sent)
            pieces[count].iov_base = <void *>(chunk.data + chunk.sent)
            pieces[count].iov_len = size
            count += 1
            limit -= size
            chunk = chunk.later
        memset(&message, 0, sizeof(msghdr))
        message.msg_iov = pieces
        message.msg_iovlen = count
        while True:
            sent = sendmsg(self.fd, &message, MSG_NOSIGNAL)
            if sent >= 0:
                self.accepted += sent
                return sent
            if errno == EINTR:
                continue
            if errno != EAGAIN:
                self.write_failed(errno)
            return -1

    cdef ssize_t transmit(self, const uint8_t *data, size_t size) except -2:
        """Hands bytes to TLS or to the kernel; returns how many were taken, or -1 for none."""
        cdef ssize_t sent
        if self.broken:
            return -1
        if self.tls is not None:
            try:
                sent = self.tls.write(self.fd, data, size)
            except OSError as error:
                self.write_failed(error.errno or 0)
                return -1
            if sent > 0:
                self.accepted += sent
            return sent
        while True:
            sent = send(self.fd, data, size, MSG_NOSIGNAL)
            if sent >= 0:
                self.accepted += sent
                return sent
            if errno == EINTR:
                continue
            if errno != EAGAIN:
                self.write_failed(errno)
            return -1

    cdef int consume(self, size_t size) except -1:
        cdef size_t left
        self.unsent -= size
        while self.first != NULL:
            left = self.first.size - self.first.sent
            if size < left:
                self.first.sent += size
                return 0
            size -= left
            self.pop_chunk()
        return 0

    cdef int flush_corked(self, const uint8_t *data, size_t size) except -1:
        cdef ssize_t sent = 0, taken
        if self.fd < 0 or self.doomed or self.broken:
            return 0
        while not self.blocked and <size_t>sent < size:
            taken = self.transmit(data + sent, size - sent)
            if self.broken:
                return 0
            if taken < 0:
                break
            sent += taken
            if self.tls is None:
                break  # the kernel has taken what it has room for; TLS takes a record at a time
        if <size_t>sent < size or (self.tls is not None and self.tls.holds_output()):
            self.keep_rest(data, size, sent)
        elif self.finish != STAY:
            self.finish_now()
        return 0

    cdef int keep_rest(self, const uint8_t *data, size_t size, size_t sent) except -1:
        """Queues what the kernel refused of the cork: the whole of it, so that the frame boundaries stay known."""
        cdef Chunk *chunk
        if sent < size:
            chunk = self.new_chunk(size)
            memcpy(<uint8_t *>chunk.data, data, size)
            chunk.size = size
            chunk.sent = sent
            self.unsent += size - sent
        if self.unsent > self.high_water:
            self.crowded = True
        self.blocked = True
        self.update_interest()
        if self.unsent > self.max_unsent:
            return self.overrun()
        return 0

    cdef int keep_shared(self, bytes frame, ssize_t sent) except -1:
        """Queues what the kernel refused of a frame that many connections share. A negative `sent` is an error number."""
        if sent < 0:
            if sent != -EAGAIN and sent != -EINTR:
                return self.write_failed(-<int>sent)
            sent = 0
        self.accepted += sent
        if <size_t>PyBytes_GET_SIZE(frame) - sent > self.max_unsent:
            return self.overrun()
        self.append(NULL, 0, <const uint8_t *>PyBytes_AS_STRING(frame), PyBytes_GET_SIZE(frame), frame, False, 0)
        self.first.sent = sent
        self.unsent -= sent
        if self.unsent > self.high_water:
            self.crowded = True
        self.blocked = True
        return self.update_interest()

    cdef int update_interest(self) except -1:
        cdef uint32_t events = 0
        if self.fd < 0 or self.doomed:
            return 0
        if self.reading:
            events = EPOLLIN
        if self.blocked and (self.tls is None or not self.tls.handshaking or self.tls.holds_output()):
            events |= EPOLLOUT
        if events != self.interest:
            self.reactor.ask(self, events)
        return 0

    cdef int write_failed(self, int error) except -1:
        """Nothing can be written any more. What the peer sent before it went (its Close frame, perhaps) is still to be read."""
        self.broken = True
        self.blocked = False
        self.drop_queue()
        if self.reading:
            self.update_interest()
        else:
            self.lost(OSError(error, os.strerror(error)) if error else None)
        return 0

    cdef int relieve(self) except -1:
        """After a write: wakes those who wait for the low-water mark. A write that failed relieves nobody: they learn of the end."""
        cdef list writers
        if self.broken or self.unsent > self.low_water:
            return 0
        if self.writers is not None:
            writers = self.writers
            self.writers = None
            for writer in writers:
                (<Suspension>writer).wake()
        if self.crowded:
            self.crowded = False
            self.drained()
        return 0

    # -- finishing ------------------------------------------------------------------------------------------------------------

    cdef int want_finish(self, Finish finish) except -1:
        """Shuts down the writing side, or closes, once everything put so far has left."""
        cdef Reactor reactor = self.reactor
        if self.fd < 0 or self.doomed or (self.finish == SHUT and finish == HALF):
            return 0
        self.finish = finish
        if reactor.cork_owner == <PyObject *>self and reactor.corked:
            reactor.flush_cork()
        if self.first == NULL and not self.blocked and not self.doomed and self.finish == finish:
            self.finish_now()
        return 0

    cdef int finish_now(self) except -1:
        """The queue is empty."""
        if self.finish == SHUT:
            return 0
        if self.tls is not None and not self.broken:
            try:
                if not self.tls.close_notify(self.fd):
                    self.blocked = True
                    return self.update_interest()
            except OSError:
                pass  # the peer has gone: it needs no word of farewell
        if self.finish == WHOLE:
            self.lost(None)
        else:
            self.finish = SHUT
            if not self.broken:
                shutdown(self.fd, SHUT_WR)
        return 0

    cdef int reset(self) except -1:
        """Drops what is queued and closes now; the peer is sent a reset where that loses bytes."""
        cdef linger now
        if self.fd < 0 or self.doomed:
            return 0
        if self.unsent or (self.reactor.cork_owner == <PyObject *>self and self.reactor.corked):
            now.l_onoff = 1
            now.l_linger = 0
            setsockopt(self.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(linger))
        self.drop_queue()
        self.lost(None)
        return 0
