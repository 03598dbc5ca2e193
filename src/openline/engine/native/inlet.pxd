from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from openline.engine.native.codec cimport MAX_HEADER, Header, openline_utf8
from openline.engine.native.outlet cimport Outlet
from openline.engine.native.suspension cimport Suspension


cdef enum Mode:
    IDLE = 0         # attached; nobody listens yet
    RAW = 1          # bytes go to the receiver
    FRAMES = 2       # a WebSocket
    DISCARD = 3      # bytes are read and thrown away until the peer's FIN


# Half a frame: the beginning of a header, or a header and the beginning of its payload. Exists only meanwhile.
cdef struct Partial:
    uint8_t head[MAX_HEADER]
    uint8_t head_size
    uint8_t given        # of these, how many the Protocol has had
    bint text
    uint32_t key
    size_t length
    size_t have
    size_t capacity
    PyObject *payload    # a bytes object that nobody else knows yet; NULL while the header is incomplete
    openline_utf8 utf8


cdef class Inlet(Outlet):
    cdef dict __dict__

    # The contract of a line (docs/internals/architecture.md); set from above.
    cdef public object options
    cdef public object protocol
    cdef public object listener
    cdef public object deflate
    cdef public object extensions
    cdef public object pings
    cdef public object fragmenting
    cdef public object extra
    cdef public double latency
    cdef public bint streaming

    cdef int phase            # a State
    cdef Mode mode
    cdef object receiver
    cdef object on_message    # the listener's bound method; None: messages are queued for recv()
    cdef object context       # callbacks run in it
    cdef uint64_t heard_at    # nanoseconds
    cdef object error         # why the connection was lost
    cdef object established   # called with None or an error when the TLS handshake has ended
    cdef tuple names          # (local, remote), kept when the descriptor closes

    # receiving
    cdef Partial *partial
    cdef object rest          # bytes read but not parsed, because the queue is full or the line is paused
    cdef uint64_t rare_left   # payload bytes of the frame that is being handed over
    cdef size_t max_size
    cdef bint masks           # we are the client: our frames are masked, the peer's are not
    cdef bint native          # no extension but our own deflate: whole data messages need no Protocol
    cdef bint paused          # by the user
    cdef bint held            # by `recv_streaming`, between two of its fragments
    cdef bint ended           # the peer's FIN has come

    # the queue of recv()
    cdef PyObject **ring
    cdef PyObject *lone       # the ring of one message: mostly no other is there
    cdef uint32_t ring_size   # a power of two
    cdef uint32_t ring_first
    cdef uint32_t queued
    cdef uint32_t queue_high
    cdef uint32_t queue_low
    cdef Suspension waiter    # the coroutine that waits in recv()

    cdef bint halted(self) noexcept
    cdef int read_socket(self) except -1
    cdef int read_payload(self) except -1
    cdef int read_tls(self) except -1
    cdef int end_of_stream(self) except -1
    cdef int receive(self, uint8_t *data, size_t size) except -1
    cdef int receive_frames(self, uint8_t *data, size_t size) except -1
    cdef int put_off(self, const uint8_t *data, size_t size) except -1
    cdef ssize_t parse(self, uint8_t *data, size_t size, uint64_t limit) except -1
    cdef ssize_t parse_partial(self, uint8_t *data, size_t size) except -1
    cdef bint plausible(self, const uint8_t *head, size_t size) noexcept
    cdef bint happy(self, const Header *header, size_t here) noexcept
    cdef int hand_over(self, const uint8_t *data, size_t size) except -1
    cdef int begin_payload(self, const Header *header) except -1
    cdef int make_room(self, size_t size) except -1
    cdef size_t fill(self, const uint8_t *data, size_t size) except? 0
    cdef int filled(self, size_t size) except -1
    cdef int drop_partial(self) except -1
    cdef int frame_complete(self, const Header *header, uint8_t *payload) except -1
    cdef int deliver(self, object message) except -1
    cdef int push(self, object message) except -1
    cdef object pop(self)
    cdef int go_on(self) except -1
    cdef bint ended_dry(self) noexcept
    cdef int handshake_ended(self, object error) except -1
    cdef int wake_receiver(self) except -1
    cdef int failed(self, object error) except -1
