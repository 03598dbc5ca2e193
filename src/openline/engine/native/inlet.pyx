"""The reading half of a connection: from the socket to a message.

The happy path lives here: a data message in one frame, whole or in pieces, to a str or bytes object, to the listener or the coroutine
that waits. Nothing else does. A control frame, a fragment, a frame of a generic extension, or anything that breaks a rule is handed
over as raw bytes, from the start of the frame, to `Connection._receive_rare`, and so to the one implementation of the rules in
`openline.protocol`. While a `Protocol` object stands (a fragmented message is in progress, the connection is closing) every frame
goes there, one at a time, so that the bound of the queue holds there too.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from openline.engine.native.address cimport local_address, remote_address
from openline.engine.native.codec cimport (
    openline_mask_in_place,
    openline_rotate_key,
    openline_utf8_feed,
    read_header,
)
from openline.engine.native.outlet cimport SHUT, WHOLE
from openline.engine.native.reactor cimport EPOLLERR, EPOLLHUP, EPOLLOUT, READ_SIZE, TURN, Reactor, monotonic

from openline.protocol.states import State

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **payload, Py_ssize_t size) except -1
    PyObject *RawBytes "PyBytes_FromStringAndSize"(const char *data, Py_ssize_t size)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int fd, void *buffer, size_t size, int flags)

cdef int OPEN = State.OPEN
cdef int CLOSING = State.CLOSING
cdef int CLOSED = State.CLOSED

cdef uint8_t TEXT = 0x81             # FIN and opcode
cdef uint8_t BINARY = 0x82
cdef uint8_t RSV1 = 0x40
cdef size_t FIRST_CAPACITY = 1 << 20  # a frame that announces more is given more only as it comes
cdef size_t DIRECT = 16384            # payload that is still to come is read into its message from this size on


cdef class Inlet(Outlet):
    def __cinit__(self):
        self.queue_high = <uint32_t>-1
        self.max_size = <size_t>-1
        self.native = True

    def __dealloc__(self):
        cdef uint32_t at
        for at in range(self.queued):
            Py_DECREF(<object>self.ring[(self.ring_first + at) & (self.ring_size - 1)])
        if self.ring != &self.lone:
            free(self.ring)
        if self.partial != NULL:
            Py_XDECREF(self.partial.payload)
            free(self.partial)


    # -- reading ----------------------------------------------------------------------------------------------------------------

    cdef bint halted(self) noexcept:
        """Nothing more may be parsed: the queue is full, or somebody paused. While closing, messages are thrown away instead."""
        return self.phase <= OPEN and (self.paused or self.held or self.queued >= self.queue_high)

    def start_reading(self):
        if self.fd < 0 or self.doomed or self.ended or self.halted():
            return
        self.reading = True
        self.update_interest()

    def pause(self):
        """Stops reading, until `resume()`."""
        self.paused = True
        self.reading = False
        self.update_interest()

    def resume(self):
        """Goes on reading."""
        self.resume_reading()

    def resume_reading(self):
        self.paused = False
        self.go_on()

    cdef int ready(self, uint32_t events) except -1:
        if events & EPOLLOUT or (self.blocked and events & (EPOLLERR | EPOLLHUP)):
            if self.tls is not None and self.tls.handshaking:
                self.read_tls()
            else:
                self.write_out()
        if events & ~<uint32_t>EPOLLOUT and self.fd >= 0 and not self.doomed and self.reading:
            self.read_socket()
        return 0

    cdef int proceed(self) except -1:
        cdef object rest = self.rest
        if self.mode != DISCARD and self.halted():
            return 0
        if self.protocol is not None and self.mode == FRAMES:
            self.hand_over(NULL, 0)  # what it had no room for
            self.wake_receiver()
        if rest is not None and not self.halted():
            self.rest = None
            self.receive(<uint8_t *>PyBytes_AS_STRING(rest), PyBytes_GET_SIZE(rest))
        if self.doomed or self.rest is not None or (self.mode != DISCARD and self.halted()):
            return 0
        if self.tls is not None and self.tls.more:
            self.read_tls()
            if self.doomed or self.rest is not None or (self.mode != DISCARD and self.halted()):
                return 0
        self.start_reading()
        return 0

    cdef int read_socket(self) except -1:
        cdef Reactor reactor = self.reactor
        cdef ssize_t size
        if (
            self.partial != NULL
            and self.partial.payload != NULL
            and self.tls is None
            and self.partial.length - self.partial.have >= DIRECT
        ):
            return self.read_payload()
        if self.tls is not None:
            try:
                self.tls.fetch(self.fd, reactor.read_buffer, READ_SIZE)
            except OSError as error:
                return self.lost(error)
            self.heard_at = reactor.now
            return self.read_tls()
        size = recv(self.fd, reactor.read_buffer, READ_SIZE, 0)
        if size > 0:
            self.heard_at = reactor.now
            self.receive(reactor.read_buffer, size)
        elif size == 0:
            self.end_of_stream()
        elif errno != EAGAIN and errno != EINTR:
            self.lost(OSError(errno, os.strerror(errno)))
        return 0

    cdef int read_payload(self) except -1:
        """The rest of a large payload is read to where it belongs."""
        cdef Partial *partial = self.partial
        cdef size_t size = min(partial.length - partial.have, <size_t>READ_SIZE * 4)
        cdef ssize_t got
        self.make_room(size)
        got = recv(self.fd, PyBytes_AS_STRING(<object>partial.payload) + partial.have, size, 0)
        if got > 0:
            self.heard_at = self.reactor.now
            self.filled(got)
            self.wake_receiver()
        elif got == 0:
            self.end_of_stream()
        elif errno != EAGAIN and errno != EINTR:
            self.lost(OSError(errno, os.strerror(errno)))
        return 0

    cdef int read_tls(self) except -1:
        cdef uint8_t *plain = self.reactor.plain()
        cdef ssize_t size
        cdef size_t total = 0
        try:
            if self.tls.handshaking:
                if not self.tls.handshake(self.fd):
                    return self.update_interest()
                self.blocked = False
                self.write_out()
                self.handshake_ended(None)
            while self.tls.more and not self.doomed and self.fd >= 0:
                if self.mode == IDLE or (self.mode != DISCARD and (self.halted() or self.rest is not None)):
                    self.reading = False
                    self.update_interest()
                    return 0
                size = self.tls.read(plain, READ_SIZE)
                if size < 0:
                    break
                if size == 0:
                    self.end_of_stream()
                    return 0
                total += size
                self.receive(plain, size)
                if total >= READ_SIZE and self.tls.more:
                    self.reactor.enlist(self)  # its share of this turn; epoll does not see what is decrypted
                    break
            if not self.doomed and self.fd >= 0 and not self.tls.flush(self.fd) and not self.blocked:
                self.blocked = True  # answers of TLS itself (a key update) that the kernel did not take
                self.update_interest()
        except OSError as error:
            self.lost(error)
        return 0

    cdef int end_of_stream(self) except -1:
        """The peer's FIN."""
        self.ended = True
        self.reading = False
        self.update_interest()
        if self.doomed:
            return 0
        if self.mode == DISCARD:
            if self.finish == SHUT:
                self.lost(None)
            else:
                self.want_finish(WHOLE)
        elif self.mode == RAW:
            self.reactor.depth += 1
            try:
                self.receiver.eof_received()
            finally:
                self.reactor.depth -= 1
        elif self.mode == IDLE:
            self.lost(ConnectionResetError("the peer went away before the connection was open"))
        else:
            self.reactor.depth += 1
            try:
                self._eof_received()
            finally:
                self.reactor.depth -= 1
        return 0

    cdef int receive(self, uint8_t *data, size_t size) except -1:
        if self.mode == FRAMES:
            self.receive_frames(data, size)
        elif self.mode == RAW:
            chunk = PyBytes_FromStringAndSize(<char *>data, size)
            self.reactor.depth += 1
            try:
                self.receiver.data_received(chunk)
            finally:
                self.reactor.depth -= 1
        return 0

    # -- frames -----------------------------------------------------------------------------------------------------------------

    cdef int receive_frames(self, uint8_t *data, size_t size) except -1:
        cdef size_t used
        cdef uint64_t limit = self.reactor.now + TURN
        while True:
            used = self.parse(data, size, limit)
            self.wake_receiver()
            if self.fd < 0 or self.doomed or self.mode != FRAMES or used == size:
                return 0
            data += used
            size -= used
            if self.halted():
                if self.broken and self.writers is not None:
                    # Whoever waits to send may be the one who ought to make room: nothing but the end can wake him.
                    return self.lost(None)
                return self.put_off(data, size)
            if monotonic() > limit:
                self.put_off(data, size)
                return self.reactor.enlist(self)

    cdef int put_off(self, const uint8_t *data, size_t size) except -1:
        """Keeps what was read and is not parsed, until the line goes on; nothing more is read before that."""
        self.rest = PyBytes_FromStringAndSize(<char *>data, size)
        self.reading = False
        return self.update_interest()

    cdef ssize_t parse(self, uint8_t *data, size_t size, uint64_t limit) except -1:
        """Works off frames until `data` ends, the line is halted, or (thousands of tiny frames) the time is over; returns how far it came."""
        cdef uint8_t *at = data
        cdef uint8_t *end = data + size
        cdef size_t left
        cdef uint32_t steps = 0
        cdef Header header
        while at < end and self.mode == FRAMES and not self.doomed and not self.halted():
            steps += 1
            if steps & 31 == 0 and monotonic() > limit:
                break
            left = end - at
            if self.rare_left:
                left = min(left, <size_t>self.rare_left)
                self.rare_left -= left
                self.hand_over(at, left)
                at += left
            elif self.partial != NULL:
                at += self.parse_partial(at, left)
            elif not read_header(at, left, &header):
                self.partial = <Partial *>malloc(sizeof(Partial))
                if self.partial == NULL:
                    raise MemoryError
                memset(self.partial, 0, sizeof(Partial))
            elif self.happy(&header, left - header.size):
                at += header.size
                left -= header.size
                if header.length <= left:
                    if header.masked:
                        openline_mask_in_place(at, header.length, header.key)
                    self.frame_complete(&header, at)
                    at += header.length
                else:
                    self.begin_payload(&header)
                    at += self.fill(at, left)
            elif self.waiter is not None and self.queued:
                break  # what came before a Close frame is answered before it is (RFC 6455 section 5.5.1)
            else:
                self.rare_left = header.length
                at += header.size
                if header.length <= left - header.size:
                    # the whole frame at once
                    self.rare_left = 0
                    self.hand_over(at - header.size, header.size + header.length)
                    at += header.length
                else:
                    self.hand_over(at - header.size, header.size)
        return at - data

    cdef ssize_t parse_partial(self, uint8_t *data, size_t size) except -1:
        """Goes on with half a frame."""
        cdef Partial *partial = self.partial
        cdef Header header
        cdef size_t used = 0
        cdef bint complete = False
        cdef bytes head
        if partial.payload != NULL:
            return self.fill(data, size)
        while used < size and not complete:
            partial.head[partial.head_size] = data[used]
            partial.head_size += 1
            used += 1
            complete = read_header(partial.head, partial.head_size, &header)
        if complete and partial.given == 0 and self.happy(&header, 0):
            self.drop_partial()
            if header.length == 0:
                self.frame_complete(&header, data)
            else:
                self.begin_payload(&header)
        elif complete or self.protocol is not None or not self.plausible(partial.head, partial.head_size):
            # All that the Protocol has not had: it may have been made (for a Close frame of ours, say) in the middle of this header.
            # What is wrong fails there as soon as it comes.
            head = PyBytes_FromStringAndSize(<char *>partial.head + partial.given, partial.head_size - partial.given)
            partial.given = partial.head_size
            if complete:
                self.rare_left = header.length
                self.drop_partial()
            self.hand_over(<uint8_t *>PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
        return used

    cdef bint plausible(self, const uint8_t *head, size_t size) noexcept:
        """What there is of a header may begin a frame of the happy path."""
        if size and head[0] != TEXT and head[0] != BINARY:
            return False
        return size < 2 or (head[1] >> 7) != self.masks

    cdef bint happy(self, const Header *header, size_t here) noexcept:
        """A data message in one frame that breaks no rule; a compressed one only when `here`, its payload, has come whole."""
        cdef uint8_t first = header.first
        if first & RSV1 and self.deflate is not None and header.length <= here:
            first ^= RSV1
        return (
            (first == TEXT or first == BINARY)
            and header.masked != self.masks
            and header.minimal
            and header.length <= self.max_size
            and self.protocol is None
            and self.native
        )

    cdef int hand_over(self, const uint8_t *data, size_t size) except -1:
        cdef bytes raw = PyBytes_FromStringAndSize(<char *>data, size)
        self.reactor.depth += 1
        try:
            self._receive_rare(raw)
        except BaseException as error:
            # Nothing may be raised through the parser: it would lose its place in the stream.
            self.reactor.report(self, error)
            self.reset()
        finally:
            self.reactor.depth -= 1
        return 0

    cdef int begin_payload(self, const Header *header) except -1:
        """The header of a frame has come whole, its payload has not."""
        cdef Partial *partial = <Partial *>malloc(sizeof(Partial))
        if partial == NULL:
            raise MemoryError
        memset(partial, 0, sizeof(Partial))
        partial.text = header.first == TEXT
        partial.key = header.key if header.masked else 0
        partial.length = header.length
        partial.payload = self.reactor.take_spare(partial.length)
        partial.capacity = partial.length
        if partial.payload == NULL:
            partial.capacity = min(partial.length, FIRST_CAPACITY)
            partial.payload = RawBytes(NULL, partial.capacity)
        if partial.payload == NULL:
            free(partial)
            raise MemoryError
        self.partial = partial
        return 0

    cdef int make_room(self, size_t size) except -1:
        """Room for `size` more bytes of the payload."""
        cdef Partial *partial = self.partial
        if partial.have + size > partial.capacity:
            partial.capacity = min(partial.length, max(2 * partial.capacity, partial.have + size))
            _PyBytes_Resize(&partial.payload, partial.capacity)

    cdef size_t fill(self, const uint8_t *data, size_t size) except? 0:
        """Copies what has come of the payload; returns how much of `data` belonged to it."""
        cdef Partial *partial = self.partial
        size = min(size, partial.length - partial.have)
        if size == 0:
            return 0
        self.make_room(size)
        memcpy(PyBytes_AS_STRING(<object>partial.payload) + partial.have, data, size)
        self.filled(size)
        return size

    cdef int filled(self, size_t size) except -1:
        """`size` more bytes of the payload stand in their place."""
        cdef Partial *partial = self.partial
        cdef uint8_t *data = <uint8_t *>PyBytes_AS_STRING(<object>partial.payload) + partial.have
        cdef object message
        if partial.key:
            openline_mask_in_place(data, size, openline_rotate_key(partial.key, partial.have & 3))
        partial.have += size
        if partial.text and openline_utf8_feed(&partial.utf8, data, size) < size:
            return self.failed(None)
        if partial.have < partial.length:
            return 0
        if partial.text and partial.utf8.due:
            return self.failed(None)
        message = <object>partial.payload
        Py_DECREF(message)
        partial.payload = NULL
        self.reactor.keep_spare(message)
        if partial.text:
            message = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(message), partial.length, NULL)
        self.drop_partial()
        return self.deliver(message)

    cdef int drop_partial(self) except -1:
        if self.partial != NULL:
            Py_XDECREF(self.partial.payload)
            free(self.partial)
            self.partial = NULL
        return 0

    cdef int frame_complete(self, const Header *header, uint8_t *payload) except -1:
        """A data message that came in one frame, unmasked at `payload`."""
        cdef object message
        if header.first & RSV1:
            try:
                message = self.deflate.decompress_message(
                    PyBytes_FromStringAndSize(<char *>payload, header.length),
                    None if self.max_size == <size_t>-1 else self.max_size,
                )
                if header.first & 0x0F == 1:
                    message = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message), NULL)
            except UnicodeDecodeError:
                return self.failed(None)
            except Exception as error:
                return self.failed(error)
        elif header.first == TEXT:
            try:
                message = PyUnicode_DecodeUTF8(<char *>payload, header.length, NULL)
            except UnicodeDecodeError:
                return self.failed(None)
        else:
            message = PyBytes_FromStringAndSize(<char *>payload, header.length)
        return self.deliver(message)

    cdef int failed(self, object error) except -1:
        """The happy path met bad data: wrong UTF-8 (None), or what the inflator says of it."""
        self.drop_partial()
        self.reactor.depth += 1
        try:
            self._receive_failed(error)
        finally:
            self.reactor.depth -= 1
        return 0

    # -- delivering -------------------------------------------------------------------------------------------------------------

    cdef int deliver(self, object message) except -1:
        if self.on_message is None:
            return self.push(message)
        self.reactor.depth += 1
        PyContext_Enter(self.context)
        try:
            self.on_message(self, message)
        except Exception as error:
            self._callback_failed(error)
        except BaseException as error:
            self.reactor.report(self, error)  # an interrupt: passes when the turn is in order
        finally:
            PyContext_Exit(self.context)
            self.reactor.depth -= 1
        return 0

    cdef int push(self, object message) except -1:
        cdef PyObject **ring
        cdef uint32_t at
        if self.phase != OPEN and self.queued >= self.queue_high:
            return 0
        if self.queued == self.ring_size:
            if self.ring_size == 0:
                self.ring = &self.lone
                self.ring_size = 1
            else:
                ring = <PyObject **>malloc(sizeof(PyObject *) * max(4, 2 * self.ring_size))
                if ring == NULL:
                    raise MemoryError
                for at in range(self.queued):
                    ring[at] = self.ring[(self.ring_first + at) & (self.ring_size - 1)]
                if self.ring != &self.lone:
                    free(self.ring)
                self.ring = ring
                self.ring_size = max(4, 2 * self.ring_size)
            self.ring_first = 0
        Py_INCREF(message)
        self.ring[(self.ring_first + self.queued) & (self.ring_size - 1)] = <PyObject *>message
        self.queued += 1
        return 0

    cdef object pop(self):
        cdef object message = <object>self.ring[self.ring_first]
        Py_DECREF(message)
        self.ring_first = (self.ring_first + 1) & (self.ring_size - 1)
        self.queued -= 1
        if self.queued == 0:
            if self.ring != &self.lone:
                free(self.ring)
            self.ring = NULL
            self.ring_size = 0
        if not self.reading and self.queued <= self.queue_low:
            self.go_on()
        return message

    cdef int go_on(self) except -1:
        """Nothing halts the line any more, or one reason less."""
        if not self.reading and self.fd >= 0 and not self.ended_dry():
            self.reactor.enlist(self)
        return 0

    cdef bint ended_dry(self) noexcept:
        """The peer has sent its FIN and all before it was parsed."""
        return self.ended and self.rest is None and self.protocol is None

    cdef int wake_receiver(self) except -1:
        cdef Suspension waiter = self.waiter
        if waiter is not None and self.queued:
            self.waiter = None
            waiter.wake()
        return 0

    def _deliver(self, message):
        self.deliver(message)
        if self.on_message is None:
            self.wake_receiver()

    def _queued(self):
        return self.queued

    def _queue_full(self):
        return self.halted()

    def _receiving(self):
        return self.waiter is not None

    def _hold(self):
        self.held = True
        self.reading = False
        self.update_interest()

    def _release(self):
        self.held = False
        self.go_on()

    def _wake_all(self):
        cdef Suspension waiter = self.waiter
        cdef list writers = self.writers
        if waiter is not None:
            self.waiter = None
            waiter.wake()
        if writers is not None:
            self.writers = None
            for writer in writers:
                (<Suspension>writer).wake()

    # -- the end ----------------------------------------------------------------------------------------------------------------

    cdef int expired(self) except -1:
        if self.mode == IDLE:
            return self.lost(TimeoutError("the TLS handshake did not end in time"))
        self.reactor.depth += 1
        try:
            if self.mode == RAW:
                self.receiver.deadline_reached()
            else:
                self._deadline_reached()
        finally:
            self.reactor.depth -= 1
        return 0

    cdef int lost(self, object error) except -1:
        if self.fd < 0 or self.doomed:
            return 0
        self.error = error
        if self.phase < CLOSING:
            self.phase = CLOSING
        self.names = (local_address(self.fd), remote_address(self.fd))
        self.reading = False
        self.reactor.retire(self)
        return 0

    cdef int detached(self) except -1:
        cdef object receiver = self.receiver
        self.drop_queue()
        self.drop_partial()
        self.rest = None
        self.receiver = None
        self.phase = CLOSED
        self.on_message = None
        error = self.error
        self.error = None
        if self.mode == IDLE:
            return self.handshake_ended(error or ConnectionResetError("the connection was lost before it was open"))
        self.reactor.depth += 1
        try:
            if receiver is not None:
                receiver.connection_lost(error)
            else:
                self._connection_lost(error)
        finally:
            self._wake_all()
            self.reactor.depth -= 1
        return 0

    cdef int handshake_ended(self, object error) except -1:
        cdef object established = self.established
        if established is not None:
            self.established = None
            self.reactor.depth += 1
            try:
                established(error)
            finally:
                self.reactor.depth -= 1
        return 0

    cdef int disowned(self) except -1:
        self.drop_queue()
        self.phase = CLOSED
        self.mode = IDLE
        return 0
