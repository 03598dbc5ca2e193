/* What is done to every byte: masking and the check of UTF-8.
 *
 * Plain C so that the compiler vectorises it for the machine's baseline; no intrinsics, no dispatch at run time. All loads go
 * through memcpy: the buffers have any alignment.
 */
#ifndef OPENLINE_CODEC_H
#define OPENLINE_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The key as it stands in memory, rotated so that it begins at `phase` (RFC 6455 section 5.3: octet i is masked by key[i % 4]). */
static inline uint32_t openline_rotate_key(uint32_t key, size_t phase)
{
    uint8_t in[4], out[4];
    memcpy(in, &key, 4);
    for (unsigned i = 0; i < 4; i++)
        out[i] = in[(phase + i) & 3];
    memcpy(&key, out, 4);
    return key;
}

static inline void openline_mask_in_place(uint8_t *data, size_t size, uint32_t key)
{
    uint64_t wide = ((uint64_t)key << 32) | key, word;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, data + i, 8);
        word ^= wide;
        memcpy(data + i, &word, 8);
    }
    uint8_t bytes[8];
    memcpy(bytes, &wide, 8);
    for (size_t j = 0; i < size; i++, j++)
        data[i] ^= bytes[j];
}

/* The same from one buffer into another; they do not overlap. */
static inline void openline_mask_copy(uint8_t *restrict out, const uint8_t *restrict data, size_t size, uint32_t key)
{
    uint64_t wide = ((uint64_t)key << 32) | key, word;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, data + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    uint8_t bytes[8];
    memcpy(bytes, &wide, 8);
    for (size_t j = 0; i < size; i++, j++)
        out[i] = data[i] ^ bytes[j];
}

/* Where an incremental check of UTF-8 stands: how many continuation bytes are due, and the range of the next one (RFC 3629
 * section 4 narrows only the second byte of a character). All zero: between characters. */
typedef struct {
    uint8_t due, low, high;
} openline_utf8;

/* Returns how many bytes are right; less than size: the byte at that place is wrong. */
static inline size_t openline_utf8_feed(openline_utf8 *state, const uint8_t *data, size_t size)
{
    uint8_t due = state->due, low = state->low, high = state->high;
    size_t i = 0;
    while (i < size) {
        if (due == 0) {
            uint64_t word;
            while (i + 8 <= size) {
                memcpy(&word, data + i, 8);
                if (word & 0x8080808080808080ULL)
                    break;
                i += 8;
            }
            if (i == size)
                break;
            uint8_t first = data[i];
            if (first >= 0x80) {
                if (first < 0xC2 || first > 0xF4)
                    return i;
                low = 0x80;
                high = 0xBF;
                if (first < 0xE0) {
                    due = 1;
                } else if (first < 0xF0) {
                    due = 2;
                    if (first == 0xE0)
                        low = 0xA0;
                    else if (first == 0xED)
                        high = 0x9F;
                } else {
                    due = 3;
                    if (first == 0xF0)
                        low = 0x90;
                    else if (first == 0xF4)
                        high = 0x8F;
                }
            }
        } else {
            if (data[i] < low || data[i] > high)
                return i;
            low = 0x80;
            high = 0xBF;
            due--;
        }
        i++;
    }
    state->due = due;
    state->low = low;
    state->high = high;
    return i;
}

#endif
