from libc.stdint cimport uint8_t


# TLS under a connection. `fd` is the connection's socket; what is plain stays in the connection's own queues.
cdef class TLS:
    cdef readonly object ssl_object
    cdef readonly bint handshaking
    cdef bint more            # decrypted or decryptable bytes may be waiting where epoll does not see them
    cdef bint ended           # the peer's close_notify or FIN has come
    cdef bint notified        # ours is made
    cdef size_t stuck         # the first so many bytes of the queue are half on their way: they must be offered again as they are

    cdef bint holds_output(self) noexcept
    cdef int fetch(self, int fd, uint8_t *buffer, size_t size) except -1
    cdef bint handshake(self, int fd) except -1
    cdef ssize_t read(self, uint8_t *buffer, size_t size) except -2
    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2
    cdef bint flush(self, int fd) except -1
    cdef bint close_notify(self, int fd) except -1


cdef TLS make_tls(object context, int fd, bint server_side, object server_hostname)
