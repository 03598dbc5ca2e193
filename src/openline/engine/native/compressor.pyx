"""Compresses messages (RFC 7692) for less than zlib takes, and in less memory; `compress.h` says how."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t


cdef extern from "<sys/mman.h>" nogil:
    void *mmap(void *address, size_t size, int protection, int flags, int fd, long offset)
    int munmap(void *address, size_t size)
    int PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS
    void *MAP_FAILED

cdef extern from "compress.h" nogil:
    struct openline_window:
        pass
    struct openline_workspace:
        pass
    void openline_compress_prepare()
    size_t openline_window_room(unsigned bits)
    openline_window *openline_window_make(void *memory, unsigned bits)
    void openline_window_clear(openline_window *window)
    size_t openline_compress_bound(size_t size)
    size_t openline_compress(openline_window *window, openline_workspace *work, const uint8_t *data, size_t size, uint8_t *room)

cdef openline_workspace work            # whoever compresses holds the GIL
cdef uint8_t scratch[8192]              # for messages whose result is sure to fit

# Windows that were let go, by bits: without context takeover, and for a broadcast, each message takes one.
cdef openline_window *spare[16][4]
cdef int spares[16]

openline_compress_prepare()


cdef class Compressor:
    """The compressor of one connection: what was sent, and where it can be found.

    Its memory is the kernel's own pages, so that they go back to it when a quiet connection drops its compressor, whatever
    stands around them: 24 KiB for 12 bits, 160 KiB for 15.

    Args:
        bits: Base-2 logarithm of the window in bytes, 9 to 15.
    """

    cdef openline_window *window
    cdef unsigned bits

    def __cinit__(self, unsigned bits):
        cdef void *memory
        if not 9 <= bits <= 15:
            raise ValueError("bits must be between 9 and 15")
        self.bits = bits
        if spares[bits]:
            spares[bits] -= 1
            self.window = spare[bits][spares[bits]]
            openline_window_clear(self.window)
            return
        memory = mmap(NULL, openline_window_room(bits), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        if memory == MAP_FAILED:
            raise MemoryError
        self.window = openline_window_make(memory, bits)

    def __dealloc__(self):
        if self.window == NULL:
            return
        if spares[self.bits] < 4:
            spare[self.bits][spares[self.bits]] = self.window
            spares[self.bits] += 1
        else:
            munmap(self.window, openline_window_room(self.bits))

    def compress(self, bytes data not None):
        """Compress the next piece of a message; what it returns ends with an empty stored block (section 7.2.1)."""
        cdef size_t size = PyBytes_GET_SIZE(data)
        cdef size_t bound = openline_compress_bound(size)
        cdef const uint8_t *source = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef size_t used
        cdef bytes result
        if bound <= sizeof(scratch):
            used = openline_compress(self.window, &work, source, size, scratch)
            return PyBytes_FromStringAndSize(<char *>scratch, used)
        result = PyBytes_FromStringAndSize(NULL, bound)
        used = openline_compress(self.window, &work, source, size, <uint8_t *>PyBytes_AS_STRING(result))
        return result[:used]
