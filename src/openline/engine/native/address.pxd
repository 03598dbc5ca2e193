cdef object local_address(int fd)
cdef object remote_address(int fd)
