/* One WebSocket connection as a client: RFC 6455 without what a load does not need (fragments are read, not sent). */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../handshake/accept_key.h"
#include "dialogue.h"
#include "script.h"
#include "stream.h"

enum phase { CONNECTING, SECURING, SHAKING_HANDS, GREETING, EXCHANGING, CLOSING, CLOSED };

enum { CONTROL_MAX = 125, PONG_MAX = CONTROL_MAX + 14 };

struct connection {
    struct stream stream;
    unsigned index;
    enum phase phase;
    bool watching_output;

    /* opening handshake */
    char accept[ACCEPT_LENGTH + 1];
    char *answer; /* the response head, as far as it has come */
    size_t answer_size;
    uint64_t began; /* ns */

    /* what leaves: a run of premade frames, and between frames a pong */
    const uint8_t *unsent;
    size_t unsent_size;
    uint8_t *pong;
    size_t pong_size;
    size_t pong_taken;
    unsigned next;      /* in the script */
    unsigned budget;    /* messages that may be sent now */
    uint64_t sent;      /* messages */
    uint64_t remaining; /* idle mode: messages still to echo */
    uint64_t *sent_at;  /* ns, of the newest messages; made when the first is sent */

    /* what comes */
    uint8_t header[10];
    uint8_t held; /* bytes of a header that is not complete */
    bool fin, control, in_frame, in_message, compressed, checking;
    uint8_t opcode;
    uint64_t left; /* of the frame's payload */
    size_t offset; /* in the message, inflated */
    uint64_t wire; /* bytes of its frames */
    unsigned expected; /* in the script */
    uint64_t received; /* messages */
    uint8_t *payload;  /* of a control frame */
    size_t payload_size;
    void *inflater;

    /* what the application protocol says, where there is one */
    char *text; /* a message as far as it has come */
    size_t text_size, text_room;
    unsigned channel;
    unsigned step; /* of the greeting */
    bool coming_back;
    uint64_t position; /* cut: the offset that was seen last */
    char epoch[EPOCH_MAX + 1];
};

/* How each connection of this run is negotiated; set by the first answer, the same for all. */
extern struct deflate_parameters deflate_parameters;
extern char negotiated_extensions[256];

/* Totals over all connections. */
extern uint64_t bytes_received; /* of messages, with their headers */
extern uint64_t messages_checked;

void connection_begin(struct connection *c, unsigned index, uint64_t now);

/* Goes on with opening; true once it has just come to EXCHANGING. */
bool connection_open_further(struct connection *c);

/* Whether this connection inflates (and so checks) all it receives. Call before its first message. */
void connection_inflate(struct connection *c);

/* Reads once and checks what came; gives the number of messages that were completed, or, of a dialogue, that count. */
unsigned connection_read(struct connection *c);

/* The same for bytes that were read already. */
unsigned connection_take(struct connection *c, const uint8_t *data, size_t size);

/* Lets a pong, the WebSocket's or a dialogue's, leave between two frames. */
void connection_pong(struct connection *c, unsigned first_byte, const void *payload, size_t size);

/* Sends what may be sent, as far as the kernel takes it. */
void connection_write(struct connection *c, uint64_t now);

/* Sends a Close (1000); what then comes, the server's Close and its end, goes to connection_close_further. */
void connection_close(struct connection *c);

/* True once the server has answered and ended, and the connection is gone. */
bool connection_close_further(struct connection *c);

/* When the message that was received as the n-th (from 0) was sent, ns. */
uint64_t connection_sent_at(const struct connection *c, uint64_t n);

/* True when it waits to be writable. */
static inline bool connection_blocked(const struct connection *c)
{
    return c->unsent_size || c->pong_size;
}

#endif
