#define _GNU_SOURCE
#include "script.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dialogue.h"
#include "failure.h"
#include "options.h"

struct script script;

enum { HEADER_MAX = 14, RSV1 = 0x40, FIN = 0x80, TEXT = 1, BINARY = 2 };

void load_script(void)
{
    FILE *file = fopen(options.messages, "rb");
    if (!file)
        fail("cannot open %s", options.messages);
    uint32_t size;
    while (fread(&size, sizeof size, 1, file)) {
        size = le32toh(size);
        uint8_t *data = malloc(size + 1u);
        if (fread(data, 1, size, file) != size)
            fail("%s ends within a message", options.messages);
        script.messages = realloc(script.messages, (script.count + 1) * sizeof *script.messages);
        script.messages[script.count++] = (struct message){data, size};
    }
    fclose(file);
    if (!script.count)
        fail("no message in %s", options.messages);
}

size_t write_frame(uint8_t *to, unsigned first_byte, const uint8_t *payload, size_t size)
{
    uint8_t *at = to, key[4];
    *at++ = (uint8_t)first_byte;
    if (size < 126) {
        *at++ = (uint8_t)(0x80 | size);
    } else if (size < 65536) {
        uint16_t length = htobe16((uint16_t)size);
        *at++ = 0x80 | 126;
        memcpy(at, &length, 2);
        at += 2;
    } else {
        uint64_t length = htobe64(size);
        *at++ = 0x80 | 127;
        memcpy(at, &length, 8);
        at += 8;
    }
    if (getrandom(key, sizeof key, 0) != sizeof key)
        fail("getrandom");
    memcpy(at, key, 4);
    at += 4;
    for (size_t i = 0; i < size; i++)
        at[i] = payload[i] ^ key[i & 3];
    return (size_t)(at - to) + size;
}

void make_frames(const struct deflate_parameters *deflate)
{
    unsigned again = options.in_flight, total = script.count + again;
    size_t room = 0, largest = 0;
    for (unsigned i = 0; i < total; i++) {
        size_t size = script.messages[i % script.count].size + (options.dialogue ? dialogue_overhead() : 0);
        room += HEADER_MAX + deflate_bound(size);
        largest = size > largest ? size : largest;
    }
    script.wire = malloc(room);
    script.offset = malloc((total + 1) * sizeof *script.offset);
    size_t at = 0;
    uint8_t *packed = malloc(deflate_bound(largest));
    void *compressor = deflate->negotiated ? make_compressor(deflate) : NULL;
    unsigned first_byte = FIN | (options.text ? TEXT : BINARY) | (compressor ? RSV1 : 0);
    for (unsigned i = 0; i < script.count; i++) {
        const struct message *message = &script.messages[i];
        script.offset[i] = at;
        if (compressor) {
            size_t size = compress_message(compressor, message->data, message->size, packed);
            at += write_frame(script.wire + at, first_byte, packed, size);
            if (deflate->client_no_context_takeover)
                forget_compressed(compressor);
        } else if (options.dialogue) {
            size_t size = dialogue_wrap((char *)packed, 0, message->data, message->size);
            at += write_frame(script.wire + at, first_byte, packed, size);
        } else {
            at += write_frame(script.wire + at, first_byte, message->data, message->size);
        }
    }
    /* The first message refers to nothing before it, so the stream may be repeated as it is, window and all. */
    for (unsigned i = script.count; i <= total; i++) {
        script.offset[i] = at;
        unsigned original = i - script.count;
        if (i < total) {
            size_t size = script.offset[original + 1] - script.offset[original];
            memcpy(script.wire + at, script.wire + script.offset[original], size);
            at += size;
        }
    }
    free(packed);
}
