from openline.engine.native.reactor cimport Pollable


cdef class Acceptor(Pollable):
    cdef object sock          # Python's socket object; it owns the descriptor
    cdef object factory
    cdef object context       # ssl.SSLContext, or None
    cdef double tls_timeout
    cdef bint exhausted       # out of descriptors, and said so

    cdef int accept_one(self) except -1
