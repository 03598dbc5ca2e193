"""Frames, natively: the twin of ``openline.protocol.frames``.

The functions with Python signatures give exactly what their namesakes in ``protocol.frames`` give; the tests hold one against the
other. The engine itself uses the C functions.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport INT64_MAX
from libc.string cimport memcpy

from openline.protocol.frames import FrameHeader, Opcode

cdef tuple OPCODES = tuple(
    Opcode(code) if code in Opcode._value2member_map_ else code for code in range(16)
)


cdef int read_header(const uint8_t *data, size_t size, Header *header) noexcept nogil:
    """Reads the header at `data`; returns 0 when it is not all there (RFC 6455 section 5.2)."""
    cdef uint8_t second
    cdef size_t need = 2
    cdef int i
    if size < 2:
        return 0
    header.first = data[0]
    second = data[1]
    header.masked = second >> 7
    header.length = second & 0x7F
    if header.length == 126:
        need = 4
    elif header.length == 127:
        need = 10
    if size < need + 4 * header.masked:
        return 0
    header.minimal = True
    if need == 4:
        header.length = (<uint64_t>data[2] << 8) | data[3]
        header.minimal = header.length > 125
    elif need == 10:
        header.length = 0
        for i in range(2, 10):
            header.length = (header.length << 8) | data[i]
        header.minimal = 0xFFFF < header.length <= INT64_MAX
    header.key = 0
    if header.masked:
        memcpy(&header.key, data + need, 4)
        need += 4
    header.size = <uint8_t>need
    return 1


cdef size_t write_header(uint8_t *out, uint8_t first, uint64_t length, bint masked, uint32_t key) noexcept nogil:
    """Writes a header of at most MAX_HEADER octets; returns its size."""
    cdef size_t size = 2
    cdef uint8_t mask_bit = 0x80 if masked else 0
    cdef int i
    out[0] = first
    if length < 126:
        out[1] = mask_bit | <uint8_t>length
    elif length <= 0xFFFF:
        out[1] = mask_bit | 126
        out[2] = <uint8_t>(length >> 8)
        out[3] = <uint8_t>(length & 0xFF)
        size = 4
    else:
        out[1] = mask_bit | 127
        for i in range(8):
            out[2 + i] = <uint8_t>((length >> (56 - 8 * i)) & 0xFF)
        size = 10
    if masked:
        memcpy(out + size, &key, 4)
        size += 4
    return size


def parse_header(const uint8_t[::1] data not None, Py_ssize_t offset=0):
    """See `openline.protocol.frames.parse_header`."""
    cdef Header header
    cdef bytes mask = None
    cdef Py_ssize_t size = data.shape[0] - offset
    if size <= 0 or not read_header(&data[offset], size, &header):
        return None
    if header.masked:
        mask = PyBytes_FromStringAndSize(<char *>&header.key, 4)
    return FrameHeader(
        bool(header.first & 0x80), header.first & 0x70, OPCODES[header.first & 0x0F], mask, header.length, header.size
    )


def encode_frame(opcode, const uint8_t[::1] payload not None, *, bint fin=True, int rsv=0, const uint8_t[::1] mask=None):
    """See `openline.protocol.frames.encode_frame`."""
    cdef uint8_t head[MAX_HEADER]
    cdef uint32_t key = 0
    cdef size_t length = payload.shape[0], size
    cdef bint masked = mask is not None
    cdef bytes frame
    cdef uint8_t *out
    if masked:
        if mask.shape[0] != 4:
            raise ValueError("a masking key has four octets (RFC 6455 section 5.3)")
        memcpy(&key, &mask[0], 4)
    size = write_header(head, (0x80 if fin else 0) | <uint8_t>rsv | <uint8_t>(<int>opcode), length, masked, key)
    frame = PyBytes_FromStringAndSize(NULL, size + length)
    out = <uint8_t *>PyBytes_AS_STRING(frame)
    memcpy(out, head, size)
    if length:
        openline_mask_copy(out + size, &payload[0], length, key)
    return frame


def apply_mask(const uint8_t[::1] data not None, const uint8_t[::1] mask not None, Py_ssize_t offset=0):
    """See `openline.protocol.frames.apply_mask`."""
    cdef uint32_t key
    cdef size_t length = data.shape[0]
    cdef bytes out = PyBytes_FromStringAndSize(NULL, length)
    if mask.shape[0] != 4:
        raise ValueError("a masking key has four octets (RFC 6455 section 5.3)")
    memcpy(&key, &mask[0], 4)
    if length:
        openline_mask_copy(<uint8_t *>PyBytes_AS_STRING(out), &data[0], length, openline_rotate_key(key, offset & 3))
    return out


def valid_utf8_prefix(const uint8_t[::1] data not None):
    """How many leading bytes of `data` can begin a UTF-8 text (RFC 6455 section 8.1): its length, or the place of the first wrong byte."""
    cdef openline_utf8 state
    state.due = state.low = state.high = 0
    if data.shape[0] == 0:
        return 0
    return openline_utf8_feed(&state, &data[0], data.shape[0])
