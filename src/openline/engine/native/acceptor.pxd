from openline.engine.native.line cimport Line
from openline.engine.native.reactor cimport Pollable


cdef class Acceptor(Pollable):
    cdef object sock          # Python's socket object; it owns the descriptor
    cdef object factory
    cdef object context       # ssl.SSLContext, or None
    cdef double tls_timeout
    cdef bint exhausted       # out of descriptors, and said so

    cdef set greeting         # connections in their TLS handshake

    cdef int introduce(self, Line line) except -1
    cdef int accept_one(self) except -1
