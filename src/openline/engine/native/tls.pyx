"""TLS under a connection, in two ways that behave alike.

`SSLContext.wrap_bio` makes the TLS object in both, so that everything an `ssl.SSLContext` can do (SNI and its callback, client
certificates, key log, verification) stays CPython's.

* `DirectTLS` reads and writes through the object's own `SSL *`, on the socket: no Python call, no memory BIO and no copy between them.
  The pointer is found where CPython keeps it; it is trusted only after the same place of the context has given the `SSL_CTX *` that
  OpenSSL itself names (`SSL_get_SSL_CTX`). OpenSSL's functions are taken from the library that the `_ssl` module is linked to; its
  headers are not needed.
* `ObjectTLS` moves ciphertext through the object's two memory BIOs. It serves where the above does not hold: another layout, an
  OpenSSL that is linked statically. `OPENLINE_TLS=object` forces it.
"""

import _ssl
import os
import ssl
import sys

from cpython.buffer cimport PyBUF_READ, PyBUF_WRITE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from cpython.object cimport PyObject
from libc.errno cimport EAGAIN, EINTR, errno

cdef extern from "<sys/socket.h>" nogil:
    ssize_t recv(int fd, void *buffer, size_t size, int flags)
    ssize_t send(int fd, const void *data, size_t size, int flags)
    int MSG_NOSIGNAL

cdef extern from "<dlfcn.h>" nogil:
    void *dlopen(const char *file, int flags)
    void *dlsym(void *library, const char *name)
    int RTLD_LAZY, RTLD_NOLOAD

cdef size_t WRITE_SIZE = 65536
cdef size_t RECORD = 16384  # plaintext of one TLS record, at most (RFC 8446 section 5.1)

_WantRead = ssl.SSLWantReadError
_WantWrite = ssl.SSLWantWriteError
_ZeroReturn = ssl.SSLZeroReturnError
_SSLError = ssl.SSLError


cdef class TLS:
    """What both ways share: the handshake and the end are CPython's own."""

    cdef bint holds_output(self) noexcept:
        """Bytes wait here for the socket to become writable."""
        return False

    cdef int fetch(self, int fd, uint8_t *buffer, size_t size) except -1:
        """The socket is readable: takes what is there, through `buffer`."""
        raise NotImplementedError

    cdef bint handshake(self, int fd) except -1:
        """Goes on with the handshake; True when it is done. Raises ssl.SSLError, after the alert was sent as far as it can be."""
        raise NotImplementedError

    cdef ssize_t read(self, uint8_t *buffer, size_t size) except -2:
        """Plaintext; 0 at its end, -1 when more ciphertext is needed.

        A FIN without close_notify is an end too: the WebSocket closing handshake tells truncation from an end.
        """
        raise NotImplementedError

    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2:
        """Encrypts and sends; returns how much of `data` was taken, -1 for none."""
        raise NotImplementedError

    cdef bint flush(self, int fd) except -1:
        """Sends what is encrypted; False when the kernel did not take it all."""
        return True

    cdef bint close_notify(self, int fd) except -1:
        """Tells the peer that nothing more will come; False when the kernel did not take it: call again, once it is writable."""
        raise NotImplementedError


# -- through memory BIOs ----------------------------------------------------------------------------------------------------------


cdef class ObjectTLS(TLS):
    """Ciphertext that the kernel refuses is held here, at most one write; while it waits, no more plaintext is encrypted: what is still
    plain in the queue can be overtaken by a ping, what is encrypted cannot."""

    cdef object incoming
    cdef object outgoing
    cdef bint all_came            # the peer's FIN, too, is in `incoming`
    cdef bytes pending
    cdef Py_ssize_t pending_sent

    cdef bint holds_output(self) noexcept:
        return self.pending is not None

    cdef int fetch(self, int fd, uint8_t *buffer, size_t size) except -1:
        cdef ssize_t got = recv(fd, buffer, size, 0)
        if got > 0:
            self.incoming.write(PyMemoryView_FromMemory(<char *>buffer, got, PyBUF_READ))
        elif got == 0:
            self.incoming.write_eof()
            self.all_came = True
        elif errno == EAGAIN or errno == EINTR:
            return 0
        else:
            raise OSError(errno, os.strerror(errno))
        self.more = True
        return 0

    cdef bint handshake(self, int fd) except -1:
        if not self.flush(fd):
            return False
        try:
            self.ssl_object.do_handshake()
        except (_WantRead, _WantWrite):
            self.more = False
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
            if not isinstance(error, ssl.SSLEOFError) and error.reason != "UNEXPECTED_EOF_WHILE_READING":
                raise
            got = 0
        if got == 0:
            self.ended = True
            self.more = False
        return got

    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2:
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


    cdef bint close_notify(self, int fd) except -1:
        if self.handshaking:
            return True
        if not self.notified:
            self.notified = True
            # `unwrap` goes on to read, and would take what the peer is still sending for a breach of TLS: it finds nothing.
            unread = b"" if self.all_came else self.incoming.read()
            try:
                self.ssl_object.unwrap()
            except (OSError, ValueError):
                pass  # it wants the peer's close_notify, for which nobody waits here
            if unread:
                self.incoming.write(unread)
        return self.flush(fd)


# -- through the SSL * ------------------------------------------------------------------------------------------------------------

# Where CPython keeps the pointers: Modules/_ssl.c, unchanged from 3.11 to 3.14.
cdef struct SSLSocketLayout:
    PyObject head
    PyObject *socket
    void *ssl
    void *context

cdef struct SSLContextLayout:
    PyObject head
    void *context

cdef struct OpenSSL:
    int (*SSL_read)(void *ssl, void *buffer, int size) noexcept nogil
    int (*SSL_write)(void *ssl, const void *data, int size) noexcept nogil
    int (*SSL_shutdown)(void *ssl) noexcept nogil
    int (*SSL_get_error)(void *ssl, int result) noexcept nogil
    int (*SSL_has_pending)(void *ssl) noexcept nogil
    void *(*SSL_get_SSL_CTX)(void *ssl) noexcept nogil
    void (*SSL_set_bio)(void *ssl, void *read, void *write) noexcept nogil
    void (*SSL_set_read_ahead)(void *ssl, int on) noexcept nogil
    void *(*BIO_new_socket)(int fd, int close) noexcept nogil
    unsigned long (*ERR_get_error)() noexcept nogil
    void (*ERR_clear_error)() noexcept nogil
    void (*ERR_error_string_n)(unsigned long code, char *text, size_t size) noexcept nogil

cdef OpenSSL openssl
cdef int direct = -1  # not yet known, no, yes

cdef enum:
    ERROR_SSL = 1
    ERROR_WANT_READ = 2
    ERROR_WANT_WRITE = 3
    ERROR_SYSCALL = 5
    ERROR_ZERO_RETURN = 6
    UNEXPECTED_EOF = 294      # SSL_R_UNEXPECTED_EOF_WHILE_READING


cdef void *ssl_pointer(object ssl_object) noexcept:
    return (<SSLSocketLayout *><PyObject *>ssl_object).ssl


cdef bint find_openssl() except -1:
    """Looks for OpenSSL's functions, and whether the pointers stand where they are expected."""
    cdef void *library
    cdef void **slot = <void **>&openssl
    if os.environ.get("OPENLINE_TLS") == "object" or not (3, 11) <= sys.version_info[:2] <= (3, 14):
        return False
    if hasattr(sys, "getobjects") or not hasattr(_ssl, "__file__"):
        return False  # a build with other object headers, or OpenSSL inside the interpreter
    library = dlopen(os.fsencode(_ssl.__file__), RTLD_LAZY | RTLD_NOLOAD)
    if library == NULL:
        return False
    names = (
        b"SSL_read", b"SSL_write", b"SSL_shutdown", b"SSL_get_error", b"SSL_has_pending", b"SSL_get_SSL_CTX", b"SSL_set_bio",
        b"SSL_set_read_ahead", b"BIO_new_socket", b"ERR_get_error", b"ERR_clear_error", b"ERR_error_string_n",
    )
    for at, name in enumerate(names):
        slot[<int>at] = dlsym(library, name)
        if slot[<int>at] == NULL:
            return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    probe = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    found = probe._sslobj
    return openssl.SSL_get_SSL_CTX(ssl_pointer(found)) == (<SSLContextLayout *><PyObject *>context).context


cdef class DirectTLS(TLS):
    """OpenSSL on the socket. It reads ahead, and its buffers go when they are empty, so that an idle connection has none."""

    cdef object keeper            # owns the SSL *
    cdef void *ssl
    cdef bint wants_write

    cdef bint holds_output(self) noexcept:
        return self.stuck > 0 or self.wants_write

    cdef int fetch(self, int fd, uint8_t *buffer, size_t size) except -1:
        self.more = True  # `read` goes to the socket itself
        return 0

    cdef bint handshake(self, int fd) except -1:
        self.wants_write = False
        try:
            self.ssl_object.do_handshake()
        except _WantRead:
            self.more = False
            return False
        except _WantWrite:
            self.wants_write = True
            return False
        self.handshaking = False
        self.more = True
        return True

    cdef ssize_t read(self, uint8_t *buffer, size_t size) except -2:
        cdef int got
        if self.ended:
            return 0
        openssl.ERR_clear_error()
        got = openssl.SSL_read(self.ssl, buffer, <int>size)
        if got > 0:
            self.more = openssl.SSL_has_pending(self.ssl)
            return got
        self.more = False
        if self.failure(got):
            self.ended = True
            return 0
        return -1

    cdef ssize_t write(self, int fd, const uint8_t *data, size_t size) except -2:
        cdef int sent
        if self.handshaking:
            return -1
        self.wants_write = False
        if size == 0:
            return 0
        size = min(size, RECORD)
        if self.stuck:
            size = self.stuck  # the very record that OpenSSL has begun
        openssl.ERR_clear_error()
        sent = openssl.SSL_write(self.ssl, data, <int>size)
        if sent > 0:
            self.stuck = 0
            return sent
        if self.failure(sent):
            raise OSError(104, "the peer closed the TLS connection")
        self.stuck = size
        return -1

    cdef bint close_notify(self, int fd) except -1:
        """One call, and no `unwrap`: that would go on to read, and take what the peer is still sending for a breach of TLS."""
        cdef int result
        if self.handshaking or self.notified:
            return True
        openssl.ERR_clear_error()
        result = openssl.SSL_shutdown(self.ssl)
        if result < 0 and openssl.SSL_get_error(self.ssl, result) == ERROR_WANT_WRITE:
            self.wants_write = True
            return False
        self.notified = True
        return True

    cdef bint failure(self, int result) except -1:
        """Why a call gave nothing: False for "later", True for the peer's end; anything else is raised."""
        cdef int kind = openssl.SSL_get_error(self.ssl, result)
        cdef unsigned long code
        cdef char text[256]
        if kind == ERROR_WANT_READ or kind == ERROR_WANT_WRITE:
            return False
        if kind == ERROR_ZERO_RETURN:
            return True
        if kind == ERROR_SYSCALL:
            if errno == 0:
                return True
            raise OSError(errno, os.strerror(errno))
        code = openssl.ERR_get_error()
        if code & 0x7FFFFF == UNEXPECTED_EOF:
            return True
        openssl.ERR_error_string_n(code, text, sizeof(text))
        raise ssl.SSLError(ssl.SSL_ERROR_SSL, text.decode("ascii", "replace"))


cdef TLS make_tls(object context, int fd, bint server_side, object server_hostname):
    """Begins TLS on a socket; nothing is sent yet."""
    global direct
    cdef ObjectTLS through
    cdef DirectTLS straight
    cdef void *bio
    incoming = ssl.MemoryBIO()
    outgoing = ssl.MemoryBIO()
    ssl_object = context.wrap_bio(incoming, outgoing, server_side=server_side, server_hostname=server_hostname)
    if direct < 0:
        direct = find_openssl()
    if not direct:
        through = ObjectTLS.__new__(ObjectTLS)
        through.ssl_object = ssl_object
        through.incoming = incoming
        through.outgoing = outgoing
        through.handshaking = True
        return through
    straight = DirectTLS.__new__(DirectTLS)
    straight.ssl_object = ssl_object
    straight.keeper = ssl_object._sslobj
    straight.ssl = ssl_pointer(straight.keeper)
    straight.handshaking = True
    bio = openssl.BIO_new_socket(fd, 0)
    if bio == NULL:
        raise MemoryError
    openssl.SSL_set_bio(straight.ssl, bio, bio)
    openssl.SSL_set_read_ahead(straight.ssl, 1)
    return straight
