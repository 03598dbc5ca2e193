"""Addresses of a descriptor, in the form of Python's socket module, without a socket object."""

import socket

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memset

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned int socklen_t
    struct sockaddr:
        unsigned short sa_family
    struct sockaddr_storage:
        unsigned short ss_family
    int getsockname(int fd, sockaddr *address, socklen_t *size)
    int getpeername(int fd, sockaddr *address, socklen_t *size)
    int AF_INET, AF_INET6, AF_UNIX

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_port
        uint32_t sin6_flowinfo
        in6_addr sin6_addr
        uint32_t sin6_scope_id

cdef extern from "<sys/un.h>" nogil:
    struct sockaddr_un:
        char *sun_path

cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *source, char *out, socklen_t size)
    uint16_t ntohs(uint16_t value)
    uint32_t ntohl(uint32_t value)


cdef object present(sockaddr_storage *storage, socklen_t size):
    cdef char text[64]
    cdef sockaddr_in *v4
    cdef sockaddr_in6 *v6
    if storage.ss_family == AF_INET:
        v4 = <sockaddr_in *>storage
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text))
        return (text.decode("ascii"), ntohs(v4.sin_port))
    if storage.ss_family == AF_INET6:
        v6 = <sockaddr_in6 *>storage
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text))
        return (text.decode("ascii"), ntohs(v6.sin6_port), ntohl(v6.sin6_flowinfo), v6.sin6_scope_id)
    if storage.ss_family == AF_UNIX:
        if size <= sizeof(unsigned short):
            return ""
        path = (<char *>storage)[sizeof(unsigned short):size]
        return path if path[:1] == b"\0" else path.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return None


cdef object local_address(int fd):
    cdef sockaddr_storage storage
    cdef socklen_t size = sizeof(storage)
    if fd < 0 or getsockname(fd, <sockaddr *>&storage, &size) < 0:
        return None
    return present(&storage, size)


cdef object remote_address(int fd):
    cdef sockaddr_storage storage
    cdef socklen_t size = sizeof(storage)
    if fd < 0 or getpeername(fd, <sockaddr *>&storage, &size) < 0:
        return None
    return present(&storage, size)
