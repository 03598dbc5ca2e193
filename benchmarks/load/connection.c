#define _GNU_SOURCE
#include "connection.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "options.h"

enum { READ_SIZE = 1 << 20, CHECK_EVERY = 64, TEXT_MAX = 1 << 20 };
enum { FIN = 0x80, CONTINUATION = 0x0, TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xA };

uint64_t bytes_received, messages_checked;

static uint8_t input[READ_SIZE];

void connection_inflate(struct connection *c)
{
    c->inflater = make_inflater();
}

static const struct message *expected(const struct connection *c)
{
    return &script.messages[c->expected];
}

static void take_plain(void *taker, const uint8_t *data, size_t size)
{
    struct connection *c = taker;
    const struct message *message = expected(c);
    if (size > message->size - c->offset)
        fail("message %llu of connection %u is longer than the %zu bytes that were sent", (unsigned long long)c->received,
             c->index, message->size);
    if (c->checking && memcmp(data, message->data + c->offset, size))
        fail("message %llu of connection %u differs from what was sent", (unsigned long long)c->received, c->index);
    c->offset += size;
}

static void take_compressed(struct connection *c, const uint8_t *data, size_t size)
{
    const char *reason;
    if (!inflate_piece(c->inflater, data, size, take_plain, c, &reason))
        fail("message %llu of connection %u cannot be inflated: %s", (unsigned long long)c->received, c->index, reason);
}

static void take_text(struct connection *c, const uint8_t *data, size_t size)
{
    if (c->text_size + size > TEXT_MAX)
        fail("connection %u got a message of more than %d bytes", c->index, TEXT_MAX);
    if (c->text_size + size > c->text_room) {
        c->text_room = c->text_size + size > 2 * c->text_room ? c->text_size + size : 2 * c->text_room;
        c->text = realloc(c->text, c->text_room);
    }
    memcpy(c->text + c->text_size, data, size);
    c->text_size += size;
}

static void take_payload(struct connection *c, const uint8_t *data, size_t size)
{
    if (c->control) {
        memcpy(c->payload + c->payload_size, data, size);
        c->payload_size += size;
    } else if (options.dialogue) {
        take_text(c, data, size);
    } else if (!c->compressed) {
        take_plain(c, data, size);
    } else if (c->inflater) {
        take_compressed(c, data, size);
    }
}

void connection_pong(struct connection *c, unsigned first_byte, const void *payload, size_t size)
{
    /* Only the newest ping need be answered (RFC 6455 5.5.3), and one that is partly sent must end first. */
    if (c->pong_taken)
        return;
    if (size > CONTROL_MAX)
        fail("a pong of %zu bytes", size);
    if (!c->pong)
        c->pong = malloc(PONG_MAX);
    c->pong_size = write_frame(c->pong, first_byte, payload, size);
}

static void answer_control(struct connection *c)
{
    if (c->opcode == CLOSE)
        fail("the server closed connection %u: code %d, \"%.*s\"", c->index,
             c->payload_size >= 2 ? c->payload[0] << 8 | c->payload[1] : 1005,
             c->payload_size > 2 ? (int)c->payload_size - 2 : 0, (const char *)c->payload + 2);
    if (c->opcode == PING)
        connection_pong(c, FIN | PONG, c->payload, c->payload_size);
    c->payload_size = 0;
}

/* How many messages are complete with this frame. */
static unsigned end_frame(struct connection *c)
{
    c->in_frame = false;
    if (c->control) {
        answer_control(c);
        return 0;
    }
    if (!c->fin)
        return 0;
    if (options.dialogue) {
        size_t size = c->text_size;
        c->text_size = 0;
        c->in_message = false;
        bytes_received += c->wire;
        return dialogue_take(c, c->text, size);
    }
    bool measurable = !c->compressed || c->inflater;
    if (c->compressed && c->inflater) {
        take_compressed(c, (const uint8_t *)"\x00\x00\xff\xff", 4); /* RFC 7692 7.2.2 */
        if (deflate_parameters.server_no_context_takeover)
            forget_inflated(c->inflater);
    }
    if (measurable && c->offset != expected(c)->size)
        fail("message %llu of connection %u has %zu bytes instead of %zu", (unsigned long long)c->received, c->index,
             c->offset, expected(c)->size);
    messages_checked += c->checking;
    bytes_received += c->wire;
    c->in_message = false;
    c->received++;
    if (++c->expected == script.count)
        c->expected = 0;
    return 1;
}

static size_t header_size(const uint8_t *header, size_t held)
{
    if (held < 2)
        return 2;
    unsigned length = header[1] & 0x7F;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

/* RFC 6455 5.2: everything that a header can have wrong. */
static void begin_frame(struct connection *c, const uint8_t *header)
{
    unsigned opcode = header[0] & 15, length = header[1];
    bool rsv1 = header[0] & 0x40;
    if (length & 0x80)
        fail("a masked frame from the server (RFC 6455 5.1)");
    if (header[0] & 0x30 || (rsv1 && (!deflate_parameters.negotiated || opcode == CONTINUATION || opcode >= CLOSE)))
        fail("reserved bits in a frame header: 0x%02x (RFC 6455 5.2)", header[0]);
    uint64_t size = length;
    if (length == 126) {
        uint16_t value;
        memcpy(&value, header + 2, 2);
        size = be16toh(value);
    } else if (length == 127) {
        memcpy(&size, header + 2, 8);
        size = be64toh(size);
    }
    if ((length == 126 && size < 126) || (length == 127 && (size < 65536 || size >> 63)))
        fail("a length that is not minimal (RFC 6455 5.2)");
    c->fin = header[0] & 0x80;
    c->control = opcode >= CLOSE;
    c->left = size;
    c->in_frame = true;
    c->opcode = (uint8_t)opcode;
    if (c->control) {
        if (opcode > PONG || !c->fin || size > CONTROL_MAX)
            fail("a malformed control frame: 0x%02x, %llu bytes (RFC 6455 5.5)", header[0], (unsigned long long)size);
        if (!c->payload)
            c->payload = malloc(CONTROL_MAX);
        return;
    }
    if (opcode != (c->in_message ? CONTINUATION : options.text ? TEXT : BINARY))
        fail("opcode %u where %s was expected (RFC 6455 5.4)", opcode,
             c->in_message ? "a continuation" : options.text ? "text" : "binary");
    if (!c->in_message) {
        c->in_message = true;
        c->compressed = rsv1;
        c->offset = 0;
        c->wire = 0;
        c->checking = c->received % CHECK_EVERY == 0 && (!rsv1 || c->inflater);
    }
    c->wire += header_size(header, 2) + size;
}

/* Puts a header together that came in pieces; gives how many bytes it took. */
static size_t take_header(struct connection *c, const uint8_t *data, size_t size)
{
    if (!c->held && size >= 2 && size >= header_size(data, size)) {
        begin_frame(c, data);
        return header_size(data, size);
    }
    size_t taken = 0;
    while (taken < size && c->held < header_size(c->header, c->held))
        c->header[c->held++] = data[taken++];
    if (c->held == header_size(c->header, c->held)) {
        begin_frame(c, c->header);
        c->held = 0;
    }
    return taken;
}

unsigned connection_read(struct connection *c)
{
    ssize_t got = read_stream(&c->stream, input, sizeof input);
    if (got < 0)
        return 0;
    if (got == 0)
        fail("the server ended connection %u without a closing handshake (RFC 6455 7.1.1)", c->index);
    return connection_take(c, input, (size_t)got);
}

unsigned connection_take(struct connection *c, const uint8_t *data, size_t size)
{
    unsigned completed = 0;
    const uint8_t *end = data + size;
    while (data < end) {
        if (!c->in_frame)
            data += take_header(c, data, (size_t)(end - data));
        if (c->in_frame) {
            size_t here = (size_t)(end - data) < c->left ? (size_t)(end - data) : (size_t)c->left;
            take_payload(c, data, here);
            data += here;
            c->left -= here;
            if (!c->left)
                completed += end_frame(c);
        }
    }
    return completed;
}

static bool flush_frames(struct connection *c)
{
    size_t taken = write_stream(&c->stream, c->unsent, c->unsent_size);
    c->unsent += taken;
    c->unsent_size -= taken;
    return !c->unsent_size;
}

static bool flush_pong(struct connection *c)
{
    c->pong_taken += write_stream(&c->stream, c->pong + c->pong_taken, c->pong_size - c->pong_taken);
    if (c->pong_taken < c->pong_size)
        return false;
    c->pong_size = c->pong_taken = 0;
    return true;
}

void connection_write(struct connection *c, uint64_t now)
{
    if ((c->unsent_size && !flush_frames(c)) || (c->pong_size && !flush_pong(c)) || !c->budget)
        return;
    if (!c->sent_at)
        c->sent_at = malloc(options.in_flight * sizeof *c->sent_at);
    unsigned count = c->budget < options.in_flight ? c->budget : options.in_flight;
    c->unsent = script.wire + script.offset[c->next];
    c->unsent_size = script.offset[c->next + count] - script.offset[c->next];
    for (unsigned i = 0; i < count; i++)
        c->sent_at[c->sent++ % options.in_flight] = now;
    c->next = (c->next + count) % script.count;
    c->budget -= count;
    flush_frames(c);
}

void connection_close(struct connection *c)
{
    uint8_t frame[16];
    size_t size = write_frame(frame, FIN | CLOSE, (const uint8_t *)"\x03\xe8", 2);
    if (write_stream(&c->stream, frame, size) != size)
        fail("the kernel does not take a Close");
    c->phase = CLOSING;
}

bool connection_close_further(struct connection *c)
{
    /* The Close of a server that echoes the code, as all do, is four bytes (RFC 6455 5.5.1). */
    ssize_t got = read_stream(&c->stream, c->header + c->held, sizeof c->header - c->held);
    if (got < 0)
        return false;
    c->held += (uint8_t)got;
    if (c->held > 4 || (got == 0 && (c->held != 4 || memcmp(c->header, "\x88\x02\x03\xe8", 4))))
        fail("connection %u: the answer to a Close is no Close of the same code (RFC 6455 5.5.1)", c->index);
    if (got)
        return false;
    close_stream(&c->stream);
    c->phase = CLOSED;
    return true;
}

uint64_t connection_sent_at(const struct connection *c, uint64_t n)
{
    return c->sent_at[n % options.in_flight];
}
