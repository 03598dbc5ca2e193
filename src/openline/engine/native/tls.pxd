from libc.stdint cimport uint8_t


cdef class TLS:
    cdef readonly object ssl_object
    cdef object incoming
    cdef object outgoing
    cdef bytes pending        # ciphertext that the kernel has refused
    cdef Py_ssize_t pending_sent
    cdef readonly bint handshaking
    cdef bint more            # decrypted or decryptable bytes may be waiting
    cdef bint ended           # the peer's close_notify or FIN has come

    cdef bint holds_output(self) noexcept
    cdef int feed(self, const uint8_t *data, size_t size) except -1
    cdef int feed_eof(self) except -1
    cdef bint handshake(self, int fd) except -1
    cdef ssize_t read(self, uint8_t *buffer, size_t size) except -2
    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2
    cdef bint flush(self, int fd) except -1
    cdef int close_notify(self, int fd) except -1
