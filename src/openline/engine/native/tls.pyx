# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""TLS under a connection: ciphertext in and out of two memory BIOs of an `ssl.SSLObject`.

`SSLContext.wrap_bio` makes the object, so that everything an `ssl.SSLContext` can do (SNI and its callback, client certificates, key
log, verification, session reuse) stays CPython's.

Ciphertext that the kernel refuses is held here, at most one write of WRITE_SIZE; while it waits, no more plaintext is encrypted: what
is still plain in the queue can be overtaken by a ping, what is encrypted cannot.
"""

import os
import ssl

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.errno cimport EAGAIN, EINTR, errno

cdef extern from "<sys/socket.h>" nogil:
    ssize_t send(int fd, const void *data, size_t size, int flags)
    int MSG_NOSIGNAL

cdef size_t WRITE_SIZE = 65536

_WantRead = ssl.SSLWantReadError
_WantWrite = ssl.SSLWantWriteError
_ZeroReturn = ssl.SSLZeroReturnError
_SSLError = ssl.SSLError


cdef class TLS:
    def __cinit__(self, context, bint server_side, server_hostname):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.ssl_object = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self.handshaking = True

    cdef bint holds_output(self) noexcept:
        return self.pending is not None

    cdef int feed(self, const uint8_t *data, size_t size) except -1:
        """Ciphertext from the peer."""
        self.incoming.write(PyMemoryView_FromMemory(<char *>data, size, PyBUF_READ))
        self.more = True
        return 0

    cdef int feed_eof(self) except -1:
        self.incoming.write_eof()
        self.more = True
        return 0

    cdef bint handshake(self, int fd) except -1:
        """Goes on with the handshake; True when it is done. Raises ssl.SSLError, after the alert was sent as far as it can be."""
        try:
            self.ssl_object.do_handshake()
        except (_WantRead, _WantWrite):
            self.flush(fd)
            return False
        except _SSLError:
            try:
                self.flush(fd)
            except OSError:
                pass  # the alert is a courtesy
            raise
        self.handshaking = False
        self.flush(fd)
        return True

    cdef ssize_t read(self, uint8_t *buffer, size_t size) except -2:
        """Plaintext; 0 at its end, -1 when more ciphertext is needed."""
        cdef ssize_t got
        if self.ended:
            return 0
        try:
            got = self.ssl_object.read(size, PyMemoryView_FromMemory(<char *>buffer, size, PyBUF_WRITE))
        except (_WantRead, _WantWrite):
            self.more = False
            return -1
        except _ZeroReturn:
            got = 0
        except _SSLError as error:
            # A FIN without close_notify. The WebSocket closing handshake tells truncation from an end, so it is an end here.
            if not isinstance(error, ssl.SSLEOFError) and error.reason != "UNEXPECTED_EOF_WHILE_READING":
                raise
            got = 0
        if got == 0:
            self.ended = True
            self.more = False
        return got

    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2:
        """Encrypts and sends; returns how much of `data` was taken (its ciphertext may still wait here), -1 for none."""
        if self.pending is not None and not self.flush(fd):
            return -1
        if size == 0:
            return 0
        if self.handshaking:
            return -1
        size = min(size, WRITE_SIZE)
        try:
            self.ssl_object.write(PyMemoryView_FromMemory(<char *>data, size, PyBUF_READ))
        except (_WantRead, _WantWrite):
            return -1
        self.flush(fd)
        return size

    cdef bint flush(self, int fd) except -1:
        """Sends the ciphertext at hand; False when the kernel did not take it all."""
        cdef ssize_t sent
        cdef Py_ssize_t size
        while True:
            if self.pending is None:
                if self.outgoing.pending == 0:
                    return True
                self.pending = self.outgoing.read()
                self.pending_sent = 0
            size = PyBytes_GET_SIZE(self.pending) - self.pending_sent
            sent = send(fd, PyBytes_AS_STRING(self.pending) + self.pending_sent, size, MSG_NOSIGNAL)
            if sent == size:
                self.pending = None
            elif sent >= 0:
                self.pending_sent += sent
            elif errno == EAGAIN:
                return False
            elif errno != EINTR:
                raise OSError(errno, os.strerror(errno))

    cdef int close_notify(self, int fd) except -1:
        """Tells the peer that nothing more will come; as far as the kernel takes it."""
        if self.handshaking:
            return 0
        try:
            self.ssl_object.unwrap()
        except (OSError, ValueError):
            pass  # it wants the peer's close_notify, for which nobody waits here
        try:
            self.flush(fd)
        except OSError:
            pass
        return 0
