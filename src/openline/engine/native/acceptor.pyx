"""A listening socket in the reactor's set.

When the process runs out of descriptors, `accept` fails at once, for ever, and the socket stays readable: a loop that reports each
failure spins and fills the disk. So the socket leaves the set for RETRY seconds, and one line says so, until accepting has worked again.
"""

import logging
import os
import socket

from libc.errno cimport (
    EAGAIN, ECONNABORTED, EINTR, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EPROTO, errno,
)
from libc.stdint cimport uint32_t

from openline.engine.native.reactor cimport EPOLLIN, Reactor

cdef extern from "<sys/socket.h>" nogil:
    int accept4(int fd, void *address, unsigned int *size, int flags)
    int setsockopt(int fd, int level, int name, const void *value, unsigned int size)
    int SOCK_NONBLOCK, SOCK_CLOEXEC

cdef extern from "<netinet/in.h>" nogil:
    int IPPROTO_TCP

cdef extern from "<netinet/tcp.h>" nogil:
    int TCP_NODELAY

cdef extern from "<unistd.h>" nogil:
    int dup3(int fd, int other, int flags)
    int close(int fd)

cdef int BOUND = 64           # connections accepted in one callback of the loop, at most
cdef double RETRY = 0.25      # seconds until accepting is tried again when there are no descriptors


cdef class Acceptor(Pollable):
    def __init__(self, Reactor reactor, sock, factory, context, double tls_timeout):
        self.sock = sock
        self.factory = factory
        self.context = context
        self.tls_timeout = tls_timeout
        self.greeting = set()
        # The reactor closes what it is given; the socket object keeps its own descriptor for its owner to look at.
        reactor.attach(self, os.dup(sock.fileno()))
        reactor.ask(self, EPOLLIN)

    def __repr__(self):
        return f"<openline acceptor {self.sock!r}>"

    def close(self):
        """Stops accepting; connections stay, but for those still in their TLS handshake."""
        if self.fd >= 0 and not self.doomed:
            # A listening socket takes connections for as long as any descriptor of it is open; the sweep is only soon.
            self.sock.close()
            self.reactor.retire(self)
            for line in list(self.greeting):
                (<Line>line).abort()

    cdef int introduce(self, Line line) except -1:
        """The connection is ready for its first byte."""
        try:
            line._connection_made()
        except BaseException:
            line.abort()
            raise
        return 0

    cdef int ready(self, uint32_t events) except -1:
        cdef int count
        for count in range(BOUND):
            if self.doomed or self.accept_one() == 0:
                return 0
        return 0

    cdef int expired(self) except -1:
        return self.reactor.ask(self, EPOLLIN)

    cdef int detached(self) except -1:
        return 0

    cdef int disowned(self) except -1:
        self.sock.close()  # or a forked child would keep the port taken
        return 0

    cdef int accept_one(self) except -1:
        """Returns 0 when there is nothing more to accept for now."""
        cdef int fd = accept4(self.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
        cdef int one = 1
        cdef int failure
        cdef Line line
        if fd < 0:
            failure = errno
            if failure == EMFILE or failure == ENFILE or failure == ENOBUFS or failure == ENOMEM:
                if not self.exhausted:
                    self.exhausted = True
                    logging.getLogger("openline.server").error(
                        "out of resources for new connections (%s); accepting pauses until there are some again",
                        os.strerror(failure),
                    )
                self.reactor.ask(self, 0)
                self.reactor.set_deadline(self, RETRY)
                return 0
            if failure == EAGAIN:
                return 0
            if failure == EINVAL:
                # It listens no more: somebody has shut it down. It would stay readable for ever.
                logging.getLogger("openline.server").error("the listening socket was shut down; no connections can be accepted")
                self.reactor.ask(self, 0)
                return 0
            if failure == EINTR or failure == ECONNABORTED or failure == EPERM or failure == EPROTO:
                return 1
            # accept(2) passes pending network errors of the new connection; they are its own.
            return 1
        if self.exhausted:
            self.exhausted = False
            logging.getLogger("openline.server").error("accepting connections again")
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int))  # fails on Unix sockets, which need none
        try:
            line = self.factory()
        except BaseException:
            close(fd)
            raise
        line.attach(self.reactor, fd)
        if self.context is None:
            self.introduce(line)
            return 1

        def established(error):
            self.greeting.discard(line)
            if error is None:
                (<Line>line).set_deadline(None)
                self.introduce(line)
            else:
                logging.getLogger("openline.server").info("TLS handshake failed: %s", error)

        self.greeting.add(line)
        line.set_deadline(self.tls_timeout)
        line.start_tls(self.context, server_side=True, established=established)
        return 1
