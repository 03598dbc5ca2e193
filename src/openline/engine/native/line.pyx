"""A connection, as the storey above knows it: the contract of a line, and the hot methods of the API."""

import warnings

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport PyUnicode_CheckExact
from libc.errno cimport errno
from libc.stdlib cimport free, malloc

from openline.engine.native.address cimport local_address, remote_address
from openline.engine.native.codec cimport MAX_HEADER, write_header
from openline.engine.native.outlet cimport HALF, STAY, WHOLE
from openline.engine.native.reactor cimport Reactor
from openline.engine.native.suspension cimport DONE, NEW, WAITING, Suspension, raised, take_short_cuts
from openline.engine.native.tls cimport make_tls

from openline.engine.native.compressor import Compressor
from openline.exceptions import ConcurrencyError, ConnectionClosedOK
from openline.protocol.states import Side, State

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN = 0
        PYGEN_ERROR = -1
        PYGEN_NEXT = 1
    ctypedef PyObject *(*unaryfunc)(PyObject *) except NULL
    ctypedef PyObject *(*iternextfunc)(PyObject *) except? NULL
    ctypedef PySendResult (*sendfunc)(PyObject *, PyObject *, PyObject **) except PYGEN_ERROR
    ctypedef void (*destructor)(PyObject *) noexcept
    ctypedef struct PyAsyncMethods:
        unaryfunc am_await
        unaryfunc am_anext
        sendfunc am_send
    # Slots as we fill them; Cython fills them otherwise, or leaves them empty.
    ctypedef struct Slots "PyTypeObject":
        iternextfunc tp_iternext
        destructor tp_dealloc
        PyAsyncMethods *tp_as_async
        unsigned long tp_flags
    unsigned long Py_TPFLAGS_HEAPTYPE
    Slots *Py_TYPE(PyObject *anything)
    PyObject *PyObject_Init(PyObject *memory, type kind)
    void PyObject_GC_Track(PyObject *waits) noexcept
    void PyObject_GC_UnTrack(PyObject *waits) noexcept
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    void PyErr_SetObject(object kind, object value) noexcept

cdef extern from "<sys/socket.h>" nogil:
    ssize_t send(int fd, const void *data, size_t size, int flags)
    int MSG_NOSIGNAL

cdef extern from "<sys/ioctl.h>" nogil:
    int ioctl(int fd, unsigned long request, int *value)
    unsigned long FIONREAD

cdef int OPEN = State.OPEN
cdef int CLOSING = State.CLOSING
cdef int CLOSED = State.CLOSED
cdef tuple STATES = tuple(sorted(State))

cdef uint8_t TEXT = 0x81             # FIN and opcode
cdef uint8_t BINARY = 0x82
cdef uint8_t RSV1 = 0x40
cdef uint32_t UNBOUNDED = <uint32_t>-1

cdef uint64_t fan_outs = 0           # so far, in this process


cdef class Line(Inlet):
    def __cinit__(self):
        cdef type kind = type(self)
        self.extensions = ()
        # A class made in Python finds `__anext__` by its name, for each message; its slot may as well hold ours, where the name means ours.
        # A later assignment to the name fills the slot anew.
        if (<Slots *>kind).tp_as_async.am_anext != (<Slots *>Line).tp_as_async.am_anext and kind.__anext__ is Line.__anext__:
            (<Slots *>kind).tp_as_async.am_anext = (<Slots *>Line).tp_as_async.am_anext

    # -- the contract, both phases ----------------------------------------------------------------------------------------------

    @property
    def loop(self):
        return self.reactor.loop

    @property
    def state(self):
        return STATES[self.phase]

    @state.setter
    def state(self, int state):
        self.phase = state

    @property
    def heard(self):
        return self.heard_at / 1e9

    def attach(self, Reactor reactor, int fd):
        """Takes a connected, non-blocking socket over. Nothing is read before `begin_raw` or `begin_frames`."""
        reactor.attach(self, fd)
        self.heard_at = reactor.now

    def start_tls(self, context, *, bint server_side=False, server_hostname=None, established=None):
        """Speaks TLS from here on. What is written meanwhile waits for the handshake.

        `established` is called with None when the handshake is done, or with the error that ended it.
        """
        self.flush()
        self.established = established
        self.tls = make_tls(context, self.fd, server_side, server_hostname)
        self.blocked = True
        if not server_side:
            try:
                if self.tls.handshake(self.fd):
                    # The server was quicker than our next step, as on a loopback: no event will say that it is done.
                    self.blocked = False
                    self.handshake_ended(None)
            except OSError as error:
                self.lost(error)
                return
        self.start_reading()
        self.update_interest()

    def begin_raw(self, receiver):
        self.receiver = receiver
        self.mode = RAW
        if self.tls is not None and self.tls.more:
            self.reactor.enlist(self)
        else:
            self.start_reading()

    def write_raw(self, data):
        cdef const uint8_t[::1] view = data
        if view.shape[0]:
            self.put(NULL, 0, &view[0], view.shape[0], data if PyBytes_CheckExact(data) else None, False, 0)
        return self.unsent

    def pause_raw(self):
        self.pause()

    def resume_raw(self):
        self.resume_reading()

    def begin_frames(self, bytes rest not None=b""):
        """From here on this is a WebSocket; `rest` came with the head."""
        options = self.options
        self.mode = FRAMES
        self.receiver = None
        self.masks = self.side == Side.CLIENT
        self.max_size = min(
            <size_t>-1 if options.max_message_size is None else <size_t>options.max_message_size,
            <size_t>-1 if options.max_fragment_size is None else <size_t>options.max_fragment_size,
        )
        self.queue_high = UNBOUNDED if options.max_queue_high is None else max(1, options.max_queue_high)
        self.queue_low = 0 if options.max_queue_low is None else options.max_queue_low
        self.high_water = options.write_high
        self.low_water = options.write_low
        self.max_unsent = <size_t>-1 if options.max_unsent is None else <size_t>options.max_unsent
        self.context = options.context
        if options.busy_poll:
            self.reactor.poll_for(options.busy_poll)
        if self.deflate is not None:
            self.deflate.use(Compressor)
        self.native = len(self.extensions) == (0 if self.deflate is None else 1)
        self.seal()
        if self.listener is not None:
            self.on_message = self.listener.on_message
        if rest:
            # A copy: frames are unmasked where they lie, and nobody may see his bytes object change.
            self.rest = PyBytes_FromStringAndSize(PyBytes_AS_STRING(rest), PyBytes_GET_SIZE(rest))
            self.reactor.enlist(self)
        else:
            self.start_reading()

    def set_deadline(self, delay):
        if self.fd >= 0 and not self.doomed:
            self.reactor.set_deadline(self, -1 if delay is None else delay)

    def half_close(self):
        self.want_finish(HALF)

    def close_descriptor(self):
        self.want_finish(WHOLE)

    def discard(self):
        """Reads and throws away from here on."""
        self.mode = DISCARD
        self.paused = False
        self.rest = None
        self.rare_left = 0
        self.drop_partial()
        if self.fd < 0 or self.doomed:
            return
        if self.ended:
            self.want_finish(WHOLE)
        else:
            self.start_reading()

    def abort(self):
        if self.phase < CLOSING:
            self.phase = CLOSING
        self.reset()

    def unread(self):
        cdef int waiting = 0
        if self.fd < 0:
            return False
        if self.tls is not None and self.tls.more:
            return True
        ioctl(self.fd, FIONREAD, &waiting)
        return waiting > 0

    def get_extra_info(self, name, default=None):
        if name == "sockname" or name == "peername":
            names = self.names or (local_address(self.fd), remote_address(self.fd))
            found = names[name == "peername"]
        elif name == "socket":
            if self.fd < 0:
                return default
            from openline.engine.socket_view import SocketView

            found = SocketView(self.fd)
        elif self.tls is None:
            return default
        elif name == "ssl_object":
            found = self.tls.ssl_object
        elif name == "sslcontext":
            found = self.tls.ssl_object.context
        elif name == "peercert":
            found = self.tls.ssl_object.getpeercert()
        elif name == "cipher":
            found = self.tls.ssl_object.cipher()
        elif name == "compression":
            found = self.tls.ssl_object.compression()
        else:
            return default
        return default if found is None else found

    def is_closing(self):
        return self.fd < 0 or self.doomed or self.finish != STAY

    # -- sending ----------------------------------------------------------------------------------------------------------------

    cdef int emit(self, object message, object text, object compress) except -1:
        """Writes one data message in one frame."""
        cdef Py_buffer view
        cdef Py_ssize_t size
        cdef const char *data
        if self.phase != OPEN:
            raise self._closed_error()
        if not self.native:
            self._queue_frames(self._encode_message(message, text, compress))
            return 0
        if PyUnicode_CheckExact(message) or isinstance(message, str):
            data = PyUnicode_AsUTF8AndSize(message, &size)
            return self.emit_payload(
                BINARY if text is False else TEXT, <const uint8_t *>data, size, None, compress
            )
        if PyBytes_CheckExact(message):
            return self.emit_payload(
                TEXT if text is True else BINARY,
                <const uint8_t *>PyBytes_AS_STRING(message), PyBytes_GET_SIZE(message), message, compress,
            )
        PyObject_GetBuffer(message, &view, PyBUF_SIMPLE)
        try:
            return self.emit_payload(TEXT if text is True else BINARY, <const uint8_t *>view.buf, view.len, None, compress)
        finally:
            PyBuffer_Release(&view)

    cdef int emit_payload(self, int first, const uint8_t *data, size_t size, object owner, object compress) except -1:
        cdef uint8_t head[MAX_HEADER]
        cdef uint32_t key = 0
        cdef object compressed = None
        if self.deflate is not None and compress is not False:
            if owner is None:
                owner = PyBytes_FromStringAndSize(<const char *>data, size)
            compressed = self.deflate.compress_message(owner) if compress is None else self.deflate.deflate(owner, fin=True)
            if compressed is not None:
                owner = compressed
                data = <const uint8_t *>PyBytes_AS_STRING(compressed)
                size = PyBytes_GET_SIZE(compressed)
                first |= RSV1
        if self.masks:
            key = self.reactor.mask_key()
        return self.put(head, write_header(head, first, size, self.masks, key), data, size, owner, self.masks, key)

    def send_nowait(self, message, *, text=None, compress=None):
        """Queues a message; returns the bytes that the kernel has refused so far (0 while corked)."""
        if self.fragmenting is not None:
            raise ConcurrencyError("a fragmented message is being sent")
        self.emit(message, text, compress)
        return self.unsent

    def send(self, message, *, text=None, compress=None):
        cdef Send awaitable
        if self.phase != OPEN or self.fragmenting is not None or not (
            PyUnicode_CheckExact(message) or PyBytes_CheckExact(message)
            or isinstance(message, (str, bytes, bytearray, memoryview))
        ):
            return self._send_slow(message, text, compress)
        awaitable = new_send(self)
        awaitable.message = message
        awaitable.text = text
        awaitable.compress = compress
        return awaitable

    def flush(self):
        """Hands what is corked to the kernel now."""
        if self.reactor is not None and self.reactor.cork_owner == <PyObject *>self:
            self.reactor.flush_cork()

    def drop_unsent(self):
        """See `openline.engine.base.Line`."""
        self.drop_whole_frames()

    def _queue_frames(self, frames):
        cdef const uint8_t[::1] view = frames
        self.put(NULL, 0, &view[0], view.shape[0], frames if PyBytes_CheckExact(frames) else None, False, 0)

    def _queue_urgent(self, int opcode, bytes frame):
        self.put_urgent(opcode, frame)

    def _wait_writable(self):
        cdef Send awaitable = new_send(self)
        awaitable.drain_only = True
        return awaitable

    cdef int drained(self) except -1:
        self.reactor.depth += 1
        try:
            if self.mode == RAW:
                self.receiver.drained()
            elif self.mode == FRAMES:
                self._drained()
        finally:
            self.reactor.depth -= 1
        return 0

    cdef int overrun(self) except -1:
        self._overrun()
        return 0

    cdef bint is_plain(self) noexcept:
        return (
            self.phase == OPEN and self.fragmenting is None and not self.masks and self.native and self.deflate is None
        )

    @property
    def plain(self):
        return self.is_plain()

    @staticmethod
    def split_plain(lines):
        cdef list plain = []
        cdef list others = []
        for line in lines:
            (plain if isinstance(line, Line) and (<Line>line).is_plain() else others).append(line)
        return plain, others

    @staticmethod
    def fan_out(lines, bytes frame not None):
        """Sends one unmasked frame to every line of `lines` (native, open, of this thread's loop).

        Where nothing is corked or queued, the frame goes straight to the kernel, in one loop without the GIL; elsewhere it goes behind what
        is there. A line that cannot take it all refers to the frame; nothing is copied.

        The system calls push the lines out of the cache, so each is looked at once, before them: it is counted as served, and afterwards
        only those are corrected that were not.
        """
        global fan_outs
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(frame)
        cdef size_t size = PyBytes_GET_SIZE(frame)
        cdef list everyone = list(lines)
        cdef list direct = []
        cdef list behind = []
        cdef Line line
        cdef Py_ssize_t count = 0, at
        cdef int *fds = <int *>malloc(len(everyone) * sizeof(int) + 1)
        cdef ssize_t *sent = <ssize_t *>malloc(len(everyone) * sizeof(ssize_t) + 1)
        if fds == NULL or sent == NULL:
            free(fds)
            free(sent)
            raise MemoryError
        try:
            fan_outs += 1
            for line in everyone:
                if line.fd < 0 or line.doomed or line.broken:
                    continue
                if (
                    line.fanned == fan_outs  # who stands among them twice gets the second frame behind the first
                    or line.first != NULL
                    or line.blocked
                    or line.tls is not None
                    or line.trace is not None
                    or (line.reactor.cork_owner == <PyObject *>line and line.reactor.corked)
                ):
                    behind.append(line)
                else:
                    line.fanned = fan_outs
                    line.accepted += size
                    direct.append(line)
                    fds[count] = line.fd
                    count += 1
            with nogil:
                for at in range(count):
                    sent[at] = send(fds[at], data, size, MSG_NOSIGNAL)
                    if sent[at] < 0:
                        sent[at] = -errno
            for at in range(count):
                if <size_t>sent[at] != size:
                    line = <Line>direct[at]
                    line.accepted -= size
                    line.keep_shared(frame, sent[at])
            for line in behind:
                line.put(NULL, 0, data, size, frame, False, 0)
        finally:
            free(fds)
            free(sent)

    # -- receiving, for the user ------------------------------------------------------------------------------------------------

    def recv(self, decode=None):
        cdef Recv awaitable = new_recv(self)
        awaitable.decode = decode
        return awaitable

    def _wait_readable(self):
        cdef Recv awaitable = self.recv()
        awaitable.peek = True
        return awaitable

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef Recv awaitable = new_recv(self)
        awaitable.iterating = True
        return awaitable


@cython.final
cdef class Recv(Suspension):
    """What `recv()` returns: a coroutine that waits for the next message."""

    def __dealloc__(self):
        if self.stage == NEW:
            warnings.warn("coroutine 'Connection.recv' was never awaited", RuntimeWarning, stacklevel=2)

    cdef object step(self):
        """The next message, or None to wait."""
        cdef Line line = self.line
        if self.stage == DONE:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if line.streaming and not self.peek:
            self.stage = DONE
            raise ConcurrencyError("cannot call recv while recv_streaming is in the middle of a message")
        if line.queued:
            self.stage = DONE
            return True if self.peek else self.finish(line.pop())
        if self.peek and self.stage == WAITING:
            self.stage = DONE
            return True  # `_wake_all`: whoever waits looks for himself
        if line.phase == CLOSED:
            if self.peek:
                self.stage = DONE
                return True
            self.stage = DONE
            error = line._closed_error()
            if self.iterating and isinstance(error, ConnectionClosedOK):
                raise StopAsyncIteration
            raise error
        if line.waiter is not None or line.on_message is not None:
            self.stage = DONE
            if line.waiter is None:
                raise ConcurrencyError("messages of this connection go to its listener; recv() is not available")
            raise ConcurrencyError("cannot call recv while another coroutine is already running recv")
        if line.held:
            line._release()
        self.stage = WAITING
        self.blocking = True
        line.waiter = self
        return None

    cdef object finish(self, object message):
        if self.decode is not None:
            if self.decode and isinstance(message, bytes):
                try:
                    return message.decode()
                except UnicodeDecodeError as error:
                    raise self.line._undecodable(error) from error
            if not self.decode and isinstance(message, str):
                return message.encode()
        return message

    cdef int forget(self) except -1:
        if self.line.waiter is self:
            self.line.waiter = None
        return 0

    def __next__(self):  # for who calls it by name; `await` takes `recv_next`
        message = self.step()
        if message is None:
            return self
        raise StopIteration(message)

    __name__ = "recv"
    __qualname__ = "Connection.recv"


@cython.final
cdef class Send(Suspension):
    """What `send()` returns: a coroutine that writes, and waits while too much is queued."""

    def __dealloc__(self):
        if self.stage == NEW and not self.drain_only:
            warnings.warn("coroutine 'Connection.send' was never awaited", RuntimeWarning, stacklevel=2)

    cdef object step(self):
        """None: done. Otherwise what to wait for."""
        cdef Line line = self.line
        cdef object message
        if self.inner is not None:
            return self.step_inner()
        if self.stage == DONE:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if self.stage == NEW:
            self.stage = DONE
            if not self.drain_only:
                message = self.message
                self.message = None
                if line.fragmenting is not None or line.phase != OPEN:
                    # It was not so when `send` was called.
                    self.inner = line._send_slow(message, self.text, self.compress)
                    return self.step_inner()
                line.patient = True
                try:
                    line.emit(message, self.text, self.compress)
                finally:
                    line.patient = False
            if line.unsent <= line.high_water:
                return None
        elif line.phase == CLOSED:
            self.stage = DONE
            raise line._closed_error()
        elif line.unsent <= line.low_water:
            self.stage = DONE
            return None
        if line.phase == CLOSED:
            self.stage = DONE
            raise line._closed_error()
        self.stage = WAITING
        self.blocking = True
        if line.writers is None:
            line.writers = []
        line.writers.append(self)
        return self

    cdef object step_inner(self):
        try:
            return self.inner.send(None)
        except StopIteration:
            self.inner = None
            return None

    cdef int forget(self) except -1:
        if self.line.writers is not None and self in self.line.writers:
            self.line.writers.remove(self)
        return 0

    def __next__(self):  # for who calls it by name; `await` takes `send_next`
        waits_for = self.step()
        if waits_for is None:
            raise StopIteration
        return waits_for

    def throw(self, kind, value=None, traceback=None):
        if self.inner is None:
            return Suspension.throw(self, kind, value, traceback)
        return self.inner.throw(raised(kind, value, traceback))

    def close(self):
        if self.inner is not None:
            self.inner.close()
        Suspension.close(self)

    __name__ = "send"
    __qualname__ = "Connection.send"


# -- short cuts -----------------------------------------------------------------------------------------------------------------
#
# What the interpreter calls for every message. A `__next__` that raises StopIteration in Cython makes a traceback each time, which costs
# more than all the rest. `am_send` needs no exception at all; where the interpreter does not ask for it (`await` in CPython 3.12 and 3.13),
# `tp_iternext` may say "done" by setting the exception bare, or (for None) by none at all.

cdef PySendResult recv_send(PyObject *awaitable, PyObject *value, PyObject **result) except PYGEN_ERROR:
    cdef object message = (<Recv>awaitable).step()
    if message is None:
        Py_INCREF(<object>awaitable)
        result[0] = awaitable
        return PYGEN_NEXT
    Py_INCREF(message)
    result[0] = <PyObject *>message
    return PYGEN_RETURN


cdef PySendResult send_send(PyObject *awaitable, PyObject *value, PyObject **result) except PYGEN_ERROR:
    cdef object waits_for = (<Send>awaitable).step()
    Py_INCREF(waits_for)
    result[0] = <PyObject *>waits_for
    return PYGEN_RETURN if waits_for is None else PYGEN_NEXT


cdef PyObject *recv_next(PyObject *awaitable) except? NULL:
    cdef object message = (<Recv>awaitable).step()
    if message is None:
        Py_INCREF(<object>awaitable)
        return awaitable
    PyErr_SetObject(StopIteration, message)  # a str or bytes: nothing that the interpreter would take apart
    return NULL


cdef PyObject *send_next(PyObject *awaitable) except? NULL:
    cdef object waits_for = (<Send>awaitable).step()
    if waits_for is None:
        return NULL
    Py_INCREF(waits_for)
    return <PyObject *>waits_for


# Each message takes one object of each class, one after the other, so a few spare ones serve all connections: nothing is allocated, and
# what is used again is warm in the cache. An object that is about to be freed is emptied and lives on among the spares, out of the
# garbage collector's sight, until it is given out as a new one. Its reference count was 0: nobody can know it from before.

cdef enum:
    SPARES = 16

cdef struct Spares:
    int count
    PyObject *kept[SPARES]
    destructor bury           # what Cython made to free one

cdef Spares spare_recvs
cdef Spares spare_sends


cdef PyObject *take_spare(Spares *spares) noexcept:
    """A reference to an object as good as new; there must be one."""
    cdef PyObject *awaitable
    spares.count -= 1
    awaitable = spares.kept[spares.count]
    (<Suspension>awaitable).stage = NEW
    PyObject_GC_Track(awaitable)
    return awaitable


cdef bint live_on(Spares *spares, PyObject *dying, type kind) noexcept:
    """Whether there is room for it. One that was never awaited is freed the long way, on which it says so."""
    if spares.count == SPARES or (<Suspension>dying).stage == NEW or Py_TYPE(dying) != <Slots *>kind:
        return False
    PyObject_GC_UnTrack(dying)
    PyObject_Init(dying, kind)
    return True


cdef void keep_spare(Spares *spares, PyObject *awaitable) noexcept:
    cdef Suspension suspension = <Suspension>awaitable
    suspension.stage = DONE
    suspension.blocking = suspension.cancelling = False
    suspension.reactor = None
    if suspension.callback is not None:
        suspension.callback = suspension.context = None
    if suspension.cancel_message is not None:
        suspension.cancel_message = None
    if spares.count < SPARES:
        spares.kept[spares.count] = awaitable
        spares.count += 1
    else:
        Py_DECREF(suspension)  # emptying this one has freed others


cdef Recv new_recv(Line line):
    cdef Recv awaitable
    if spare_recvs.count:
        awaitable = <Recv>take_spare(&spare_recvs)
        Py_DECREF(awaitable)  # which counts it a second time
    else:
        awaitable = Recv.__new__(Recv)
    awaitable.line = line
    awaitable.reactor = line.reactor
    return awaitable


cdef Send new_send(Line line):
    cdef Send awaitable
    if spare_sends.count:
        awaitable = <Send>take_spare(&spare_sends)
        Py_DECREF(awaitable)
    else:
        awaitable = Send.__new__(Send)
    awaitable.line = line
    awaitable.reactor = line.reactor
    return awaitable


cdef void recv_dealloc(PyObject *dying) noexcept:
    cdef Recv awaitable
    if not live_on(&spare_recvs, dying, Recv):
        spare_recvs.bury(dying)
        return
    awaitable = <Recv>dying
    awaitable.line = None
    awaitable.decode = None
    awaitable.iterating = awaitable.peek = False
    keep_spare(&spare_recvs, dying)


cdef void send_dealloc(PyObject *dying) noexcept:
    cdef Send awaitable
    if not live_on(&spare_sends, dying, Send):
        spare_sends.bury(dying)
        return
    awaitable = <Send>dying
    awaitable.line = None
    awaitable.message = awaitable.text = awaitable.compress = awaitable.inner = None
    awaitable.drain_only = False
    keep_spare(&spare_sends, dying)


cdef int equip(type kind, iternextfunc next, sendfunc send, PyAsyncMethods *methods, Spares *spares, destructor dealloc) except -1:
    cdef Slots *slots = <Slots *>kind
    slots.tp_iternext = next
    methods[0] = slots.tp_as_async[0]  # a copy: the classes share what they inherited
    methods.am_send = send
    slots.tp_as_async = methods
    if not slots.tp_flags & Py_TPFLAGS_HEAPTYPE:  # whose objects count references to their class, too
        spares.bury = slots.tp_dealloc
        slots.tp_dealloc = dealloc
    return take_short_cuts(kind)


cdef PyAsyncMethods recv_methods
cdef PyAsyncMethods send_methods
equip(Recv, recv_next, recv_send, &recv_methods, &spare_recvs, recv_dealloc)
equip(Send, send_next, send_send, &send_methods, &spare_sends, send_dealloc)
