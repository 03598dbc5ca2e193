/* The messages, in turn and without end, and the frames that carry them. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deflate.h"

struct message {
    const uint8_t *data;
    size_t size;
};

struct script {
    unsigned count;
    struct message *messages;
    uint8_t *wire;  /* all frames, and the first `in_flight` again, so that a run of them is one piece */
    size_t *offset; /* of each frame in `wire`, and of the end */
};

extern struct script script;

/* Reads --messages. */
void load_script(void);

/* Masks and, where negotiated, compresses: the same stream for every connection, which must start it at its beginning. */
void make_frames(const struct deflate_parameters *deflate);

/* A masked frame into `to`, which has room for 14 bytes more than the payload; gives its size. */
size_t write_frame(uint8_t *to, unsigned first_byte, const uint8_t *payload, size_t size);

#endif
