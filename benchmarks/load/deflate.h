/* permessage-deflate (RFC 7692) over zlib, where its headers were found. */
#ifndef DEFLATE_H
#define DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deflate_parameters {
    bool negotiated;
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    int client_window_bits; /* 15 where the server set none */
};

/* Fails where compression is asked for and not built in. */
void prepare_deflate(void);

/* Bytes that a compressed message may take. */
size_t deflate_bound(size_t size);

/* For all messages of one direction; kept until the end. */
void *make_compressor(const struct deflate_parameters *parameters);
void *make_inflater(void);

/* One message into `to`, which has room for its bound; gives its size. */
size_t compress_message(void *compressor, const uint8_t *data, size_t size, uint8_t *to);

/* The next message refers to nothing before it. */
void forget_compressed(void *compressor);
void forget_inflated(void *inflater);

/* Called with each piece of what was inflated. */
typedef void (*take_inflated)(void *taker, const uint8_t *data, size_t size);

/* False, and the reason, when the data is not deflate's. */
bool inflate_piece(void *inflater, const uint8_t *data, size_t size, take_inflated take, void *taker, const char **reason);

#endif
