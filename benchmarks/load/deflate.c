#include "deflate.h"

#include <stdlib.h>

#include "failure.h"
#include "options.h"

#ifdef WITH_DEFLATE
#include <zlib.h>

void prepare_deflate(void)
{
}

size_t deflate_bound(size_t size)
{
    return size + size / 1000 + 64; /* what cannot be compressed is stored, and the flush */
}

void *make_compressor(const struct deflate_parameters *parameters)
{
    z_stream *stream = calloc(1, sizeof *stream);
    /* 12 bits, or fewer where the server bids it: the window does not change what inflating costs. */
    int bits = parameters->client_window_bits < 12 ? parameters->client_window_bits : 12;
    if (deflateInit2(stream, 6, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        fail("zlib cannot compress with %d window bits", bits);
    return stream;
}

void *make_inflater(void)
{
    z_stream *stream = calloc(1, sizeof *stream);
    if (inflateInit2(stream, -15) != Z_OK)
        fail("zlib cannot inflate");
    return stream;
}

/* RFC 7692 7.2.1: ends in an empty block, whose last four bytes are left out. */
size_t compress_message(void *compressor, const uint8_t *data, size_t size, uint8_t *to)
{
    z_stream *stream = compressor;
    size_t room = deflate_bound(size);
    stream->next_in = (Bytef *)data;
    stream->avail_in = (uInt)size;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || !stream->avail_out)
        fail("zlib: %s", stream->msg ? stream->msg : "the output does not fit");
    return room - stream->avail_out - 4;
}

void forget_compressed(void *compressor)
{
    deflateReset(compressor);
}

void forget_inflated(void *inflater)
{
    inflateReset(inflater);
}

bool inflate_piece(void *inflater, const uint8_t *data, size_t size, take_inflated take, void *taker, const char **reason)
{
    static uint8_t inflated[65536];
    z_stream *stream = inflater;
    stream->next_in = (Bytef *)data;
    stream->avail_in = (uInt)size;
    do {
        stream->next_out = inflated;
        stream->avail_out = sizeof inflated;
        int result = inflate(stream, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR) {
            *reason = stream->msg ? stream->msg : "it ends early";
            return false;
        }
        take(taker, inflated, sizeof inflated - stream->avail_out);
    } while (stream->avail_in || !stream->avail_out);
    return true;
}
#else
void prepare_deflate(void)
{
    if (options.extensions)
        fail("built without compression, as zlib's headers were not found");
}

/* Nothing below is reached, since prepare_deflate has failed. */

size_t deflate_bound(size_t size)
{
    return size;
}

void *make_compressor(const struct deflate_parameters *parameters)
{
    (void)parameters;
    abort();
}

void *make_inflater(void)
{
    abort();
}

size_t compress_message(void *compressor, const uint8_t *data, size_t size, uint8_t *to)
{
    (void)compressor, (void)data, (void)size, (void)to;
    abort();
}

void forget_compressed(void *compressor)
{
    (void)compressor;
}

void forget_inflated(void *inflater)
{
    (void)inflater;
}

bool inflate_piece(void *inflater, const uint8_t *data, size_t size, take_inflated take, void *taker, const char **reason)
{
    (void)inflater, (void)data, (void)size, (void)take, (void)taker, (void)reason;
    abort();
}
#endif
