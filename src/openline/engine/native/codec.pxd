from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef extern from "codec.h" nogil:
    uint32_t openline_rotate_key(uint32_t key, size_t phase)
    void openline_mask_in_place(uint8_t *data, size_t size, uint32_t key)
    void openline_mask_copy(uint8_t *out, const uint8_t *data, size_t size, uint32_t key)
    ctypedef struct openline_utf8:
        uint8_t due
        uint8_t low
        uint8_t high
    size_t openline_utf8_feed(openline_utf8 *state, const uint8_t *data, size_t size)


cdef enum:
    MAX_HEADER = 14  # two octets, eight of length, four of masking key

cdef struct Header:
    uint8_t first    # FIN, RSV1-3, opcode
    bint masked
    uint32_t key     # as it stands in memory
    uint64_t length
    uint8_t size     # of the header itself
    bint minimal     # the length is encoded as section 5.2 has it: in as few octets as it can be, the top bit of eight clear

cdef int read_header(const uint8_t *data, size_t size, Header *header) noexcept nogil
cdef size_t write_header(uint8_t *out, uint8_t first, uint64_t length, bint masked, uint32_t key) noexcept nogil
