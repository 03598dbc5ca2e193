/* A compressor of messages into DEFLATE (RFC 1951), for permessage-deflate (RFC 7692).
 *
 * It finds repetitions as everybody does: a table by a hash of four bytes leads to the last place where they stood, a chain from
 * there to the places before, and a longer match one byte later is preferred. What makes it quick is what it leaves out: matches
 * of three bytes, long searches (messages repeat what stood a few messages before, not what is far away), Huffman codes of a
 * block's own where those of section 3.2.6 are clearly shorter than the description of others, and all allocation for a message.
 *
 * The caller gives room for everything: `openline_compress_bound`. Nothing here calls Python, allocates or fails.
 */
#ifndef OPENLINE_COMPRESS_H
#define OPENLINE_COMPRESS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    COMPRESS_MIN_MATCH = 4,
    COMPRESS_MAX_MATCH = 258,
    COMPRESS_CHAIN = 32,       /* places that are looked at */
    COMPRESS_GOOD = 8,         /* a match so long: a quarter of them, for the byte after it */
    COMPRESS_NICE = 130,       /* a match so long is taken at once */
    COMPRESS_LAZY = 32,        /* after a shorter match the next byte is tried, too */
    COMPRESS_SYMBOLS = 8192,   /* of one block */
    COMPRESS_LITERALS = 286,
    COMPRESS_DISTANCES = 30,
    COMPRESS_LENGTH_CODES = 19,
    COMPRESS_END = 256,        /* the symbol that ends a block */
};

/* What one connection keeps: the window, and how to find things in it. The arrays stand behind it, in one piece of memory. */
struct openline_window {
    uint32_t size;    /* 1 << bits */
    uint32_t shift;   /* of a hash */
    uint32_t have;    /* bytes in `data` */
    uint32_t hashed;  /* bytes of `data` that can be found */
    uint16_t *head;   /* by hash: the last place; 0: none, so that nothing is found at place 0 */
    uint16_t *chain;  /* by place modulo size: the place before */
    uint8_t *data;    /* 2 * size bytes */
};

/* What a message needs while it is compressed; one serves all. */
struct openline_workspace {
    uint32_t count;
    uint32_t start;      /* of the block, in `data`; only where `whole` */
    int whole;           /* the block's bytes all stand in `data` */
    uint32_t extra;      /* bits beside the codes */
    uint16_t distance[COMPRESS_SYMBOLS]; /* 0: a literal */
    uint16_t length[COMPRESS_SYMBOLS];   /* or the literal */
    uint32_t literals[COMPRESS_LITERALS];
    uint32_t distances[COMPRESS_DISTANCES];
};

struct openline_bits {
    uint8_t *at;
    uint64_t held;
    unsigned count;
};

struct openline_codes {
    uint8_t literal_size[COMPRESS_LITERALS + 2];
    uint16_t literal[COMPRESS_LITERALS + 2];
    uint8_t distance_size[COMPRESS_DISTANCES + 2];
    uint16_t distance[COMPRESS_DISTANCES + 2];
};

/* Section 3.2.5. */
static const uint16_t openline_length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                                  31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t openline_length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t openline_distance_base[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                                    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t openline_distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                                    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
/* Section 3.2.7. */
static const uint8_t openline_length_order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

static uint8_t openline_length_symbol[259]; /* less 257 */
static struct openline_codes openline_fixed;

static inline unsigned openline_distance_symbol(uint32_t distance)
{
    uint32_t less = distance - 1;
    if (less < 4)
        return less;
    unsigned top = 31 - (unsigned)__builtin_clz(less);
    return 2 * top + ((less >> (top - 1)) & 1);
}

static inline uint32_t openline_load32(const uint8_t *data)
{
    uint32_t value;
    memcpy(&value, data, 4);
    return value;
}

static inline uint64_t openline_load64(const uint8_t *data)
{
    uint64_t value;
    memcpy(&value, data, 8);
    return value;
}

/* -- codes ------------------------------------------------------------------------------------------------------------------ */

static uint16_t openline_reversed(unsigned code, unsigned size)
{
    unsigned reversed = 0;
    for (unsigned i = 0; i < size; i++)
        reversed |= ((code >> i) & 1u) << (size - 1 - i);
    return (uint16_t)reversed;
}

/* Codes from their lengths (section 3.2.2), turned round: the stream has them from their highest bit on. */
static void openline_assign(const uint8_t *sizes, uint16_t *codes, unsigned count)
{
    uint16_t of_size[16] = {0}, next[16];
    for (unsigned i = 0; i < count; i++)
        of_size[sizes[i]]++;
    of_size[0] = 0;
    unsigned code = 0;
    for (unsigned size = 1; size < 16; size++) {
        code = (code + of_size[size - 1]) << 1;
        next[size] = (uint16_t)code;
    }
    for (unsigned i = 0; i < count; i++)
        codes[i] = sizes[i] ? openline_reversed(next[sizes[i]]++, sizes[i]) : 0;
}

/* Lengths of the best codes for these frequencies, none longer than `most`. At least two symbols get one: decoders want that. */
static void openline_code_sizes(const uint32_t *frequencies, uint8_t *sizes, unsigned count, unsigned most)
{
    uint64_t sorted[COMPRESS_LITERALS + 2]; /* frequency above, symbol in the lowest ten bits; later: parent, then depth */
    unsigned used = 0;
    memset(sizes, 0, count);
    for (unsigned i = 0; i < count; i++)
        if (frequencies[i])
            sorted[used++] = ((uint64_t)frequencies[i] << 10) | i;
    if (used < 2) {
        unsigned only = used ? (unsigned)(sorted[0] & 1023) : 0;
        sizes[only] = 1;
        sizes[only ? 0 : 1] = 1;
        return;
    }
    /* By insertion where few, by shells where many: at most 286. */
    for (unsigned gap = used > 32 ? 57 : 1; gap; gap = gap == 57 ? 23 : gap == 23 ? 10 : gap == 10 ? 4 : gap == 4 ? 1 : 0)
        for (unsigned i = gap; i < used; i++) {
            uint64_t moving = sorted[i];
            unsigned j = i;
            for (; j >= gap && sorted[j - gap] > moving; j -= gap)
                sorted[j] = sorted[j - gap];
            sorted[j] = moving;
        }
    /* Two queues: symbols by frequency, and pairs in the order of their making, which is by frequency, too. */
    uint64_t weight[COMPRESS_LITERALS + 2];
    uint16_t parent_of_pair[COMPRESS_LITERALS + 2], parent_of_symbol[COMPRESS_LITERALS + 2];
    unsigned symbol = 0, pair = 0;
    for (unsigned made = 0; made + 1 < used; made++) {
        uint64_t sum = 0;
        for (int half = 0; half < 2; half++) {
            if (symbol < used && (pair >= made || (sorted[symbol] >> 10) <= weight[pair])) {
                sum += sorted[symbol] >> 10;
                parent_of_symbol[symbol++] = (uint16_t)made;
            } else {
                sum += weight[pair];
                parent_of_pair[pair++] = (uint16_t)made;
            }
        }
        weight[made] = sum;
    }
    uint16_t depth[COMPRESS_LITERALS + 2];
    unsigned of_size[COMPRESS_LITERALS + 2] = {0};
    depth[used - 2] = 0;
    for (unsigned made = used - 2; made-- > 0;)
        depth[made] = (uint16_t)(depth[parent_of_pair[made]] + 1);
    unsigned longest = 0;
    for (unsigned i = 0; i < used; i++) {
        unsigned size = depth[parent_of_symbol[i]] + 1u;
        if (size > most)
            size = most;
        of_size[size]++;
        if (size > longest)
            longest = size;
    }
    /* Cut short, the codes claim more than there is (Kraft): some are made longer until they fit. */
    uint32_t claimed = 0;
    for (unsigned size = 1; size <= longest; size++)
        claimed += (uint32_t)of_size[size] << (most - size);
    while (claimed > (1u << most)) {
        unsigned size = most - 1;
        while (!of_size[size])
            size--;
        of_size[size]--;
        of_size[size + 1] += 2;
        of_size[most]--;
        claimed--;
    }
    /* The rarest get the longest. */
    unsigned next = 0;
    for (unsigned size = most; size; size--)
        for (unsigned n = 0; n < of_size[size]; n++)
            sizes[sorted[next++] & 1023] = (uint8_t)size;
}

/* Once a process, before anything else. */
static void openline_compress_prepare(void)
{
    for (unsigned symbol = 0; symbol < 29; symbol++) {
        unsigned end = symbol + 1 < 29 ? openline_length_base[symbol + 1] : 259;
        for (unsigned length = openline_length_base[symbol]; length < end; length++)
            openline_length_symbol[length] = (uint8_t)symbol;
    }
    for (unsigned i = 0; i < 288; i++)
        openline_fixed.literal_size[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    memset(openline_fixed.distance_size, 5, 32);
    openline_assign(openline_fixed.literal_size, openline_fixed.literal, 288);
    openline_assign(openline_fixed.distance_size, openline_fixed.distance, 32);
}

/* -- writing ---------------------------------------------------------------------------------------------------------------- */

static inline void openline_put(struct openline_bits *bits, uint64_t value, unsigned count)
{
    bits->held |= value << bits->count;
    bits->count += count;
    while (bits->count >= 8) {
        *bits->at++ = (uint8_t)bits->held;
        bits->held >>= 8;
        bits->count -= 8;
    }
}

static inline void openline_align(struct openline_bits *bits)
{
    if (bits->count)
        openline_put(bits, 0, 8 - bits->count);
}

static uint64_t openline_cost(const struct openline_workspace *work, const struct openline_codes *codes)
{
    uint64_t cost = work->extra;
    for (unsigned i = 0; i < COMPRESS_LITERALS; i++)
        cost += (uint64_t)work->literals[i] * codes->literal_size[i];
    for (unsigned i = 0; i < COMPRESS_DISTANCES; i++)
        cost += (uint64_t)work->distances[i] * codes->distance_size[i];
    return cost;
}

static void openline_put_symbols(const struct openline_workspace *work, const struct openline_codes *codes, struct openline_bits *bits)
{
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t distance = work->distance[i];
        unsigned length = work->length[i];
        if (!distance) {
            openline_put(bits, codes->literal[length], codes->literal_size[length]);
            continue;
        }
        unsigned symbol = openline_length_symbol[length];
        openline_put(bits, codes->literal[257 + symbol], codes->literal_size[257 + symbol]);
        openline_put(bits, length - openline_length_base[symbol], openline_length_extra[symbol]);
        symbol = openline_distance_symbol(distance);
        openline_put(bits, codes->distance[symbol], codes->distance_size[symbol]);
        openline_put(bits, distance - openline_distance_base[symbol], openline_distance_extra[symbol]);
    }
    openline_put(bits, codes->literal[COMPRESS_END], codes->literal_size[COMPRESS_END]);
}

/* How the lengths of a block's own codes are told (section 3.2.7). */
struct openline_description {
    unsigned literals, distances, orders, count;
    uint8_t symbol[COMPRESS_LITERALS + COMPRESS_DISTANCES], more[COMPRESS_LITERALS + COMPRESS_DISTANCES];
    uint8_t sizes[COMPRESS_LENGTH_CODES];
    uint64_t cost;
};

static void openline_describe(const struct openline_codes *codes, struct openline_description *description)
{
    static const uint8_t extra[19] = {[16] = 2, [17] = 3, [18] = 7};
    uint8_t sizes[COMPRESS_LITERALS + COMPRESS_DISTANCES];
    uint32_t frequencies[COMPRESS_LENGTH_CODES] = {0};
    unsigned literals = COMPRESS_LITERALS, distances = COMPRESS_DISTANCES;
    while (literals > 257 && !codes->literal_size[literals - 1])
        literals--;
    while (distances > 1 && !codes->distance_size[distances - 1])
        distances--;
    memcpy(sizes, codes->literal_size, literals);
    memcpy(sizes + literals, codes->distance_size, distances);
    unsigned total = literals + distances, count = 0;
    for (unsigned i = 0; i < total;) {
        unsigned run = 1;
        while (i + run < total && sizes[i + run] == sizes[i])
            run++;
        unsigned left = run, symbol = sizes[i];
        if (!symbol) {
            while (left >= 3) {
                unsigned part = left < 138 ? left : 138;
                description->symbol[count] = part < 11 ? 17 : 18;
                description->more[count++] = (uint8_t)(part < 11 ? part - 3 : part - 11);
                left -= part;
            }
        } else if (run > 3) {
            description->symbol[count] = (uint8_t)symbol;
            description->more[count++] = 0;
            left--;
            while (left >= 3) {
                unsigned part = left < 6 ? left : 6;
                description->symbol[count] = 16;
                description->more[count++] = (uint8_t)(part - 3);
                left -= part;
            }
        }
        while (left--) {
            description->symbol[count] = (uint8_t)symbol;
            description->more[count++] = 0;
        }
        i += run;
    }
    for (unsigned i = 0; i < count; i++)
        frequencies[description->symbol[i]]++;
    openline_code_sizes(frequencies, description->sizes, COMPRESS_LENGTH_CODES, 7);
    unsigned orders = COMPRESS_LENGTH_CODES;
    while (orders > 4 && !description->sizes[openline_length_order[orders - 1]])
        orders--;
    description->literals = literals;
    description->distances = distances;
    description->orders = orders;
    description->count = count;
    description->cost = 14 + 3 * orders;
    for (unsigned i = 0; i < COMPRESS_LENGTH_CODES; i++)
        description->cost += (uint64_t)frequencies[i] * (description->sizes[i] + extra[i]);
}

static void openline_put_description(const struct openline_description *description, struct openline_bits *bits)
{
    uint16_t codes[COMPRESS_LENGTH_CODES];
    openline_assign(description->sizes, codes, COMPRESS_LENGTH_CODES);
    openline_put(bits, description->literals - 257, 5);
    openline_put(bits, description->distances - 1, 5);
    openline_put(bits, description->orders - 4, 4);
    for (unsigned i = 0; i < description->orders; i++)
        openline_put(bits, description->sizes[openline_length_order[i]], 3);
    for (unsigned i = 0; i < description->count; i++) {
        unsigned symbol = description->symbol[i];
        openline_put(bits, codes[symbol], description->sizes[symbol]);
        if (symbol >= 16)
            openline_put(bits, description->more[i], symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
    }
}

static void openline_begin_block(struct openline_workspace *work, uint32_t start)
{
    work->count = 0;
    work->start = start;
    work->whole = 1;
    work->extra = 0;
    memset(work->literals, 0, sizeof work->literals);
    memset(work->distances, 0, sizeof work->distances);
}

/* The block, which ends before `end`, in whichever way is shortest. */
static void openline_end_block(struct openline_workspace *work, const struct openline_window *window, uint32_t end, struct openline_bits *bits)
{
    uint32_t size = end - work->start;
    if (!work->count)
        return;
    work->literals[COMPRESS_END] = 1;
    uint64_t fixed = openline_cost(work, &openline_fixed);
    uint64_t stored = work->whole && size <= 65535 ? 32 + 7 + 8 * (uint64_t)size : UINT64_MAX;
    struct openline_codes own;
    struct openline_description description;
    uint64_t dynamic = UINT64_MAX;
    /* No description takes fewer than some thirty bytes. */
    if (fixed > 8 * 48) {
        openline_code_sizes(work->literals, own.literal_size, COMPRESS_LITERALS, 15);
        openline_code_sizes(work->distances, own.distance_size, COMPRESS_DISTANCES, 15);
        openline_describe(&own, &description);
        dynamic = description.cost + openline_cost(work, &own);
    }
    if (stored < fixed && stored < dynamic) {
        openline_put(bits, 0, 3);
        openline_align(bits);
        openline_put(bits, size, 16);
        openline_put(bits, ~size & 0xFFFF, 16);
        memcpy(bits->at, window->data + work->start, size);
        bits->at += size;
    } else if (fixed <= dynamic) {
        openline_put(bits, 1 << 1, 3);
        openline_put_symbols(work, &openline_fixed, bits);
    } else {
        openline_put(bits, 2 << 1, 3);
        openline_put_description(&description, bits);
        openline_assign(own.literal_size, own.literal, COMPRESS_LITERALS);
        openline_assign(own.distance_size, own.distance, COMPRESS_DISTANCES);
        openline_put_symbols(work, &own, bits);
    }
}

/* -- finding ---------------------------------------------------------------------------------------------------------------- */

static inline uint32_t openline_hash(const struct openline_window *window, uint32_t at)
{
    return (openline_load32(window->data + at) * 2654435761u) >> window->shift;
}

/* Makes what stands before `end` findable. */
static inline void openline_remember(struct openline_window *window, uint32_t end)
{
    uint32_t mask = window->size - 1;
    if (window->have < COMPRESS_MIN_MATCH)
        return;
    if (end > window->have - COMPRESS_MIN_MATCH + 1)
        end = window->have - COMPRESS_MIN_MATCH + 1;
    for (uint32_t at = window->hashed; at < end; at++) {
        uint32_t hash = openline_hash(window, at);
        window->chain[at & mask] = window->head[hash];
        window->head[hash] = (uint16_t)at;
    }
    if (end > window->hashed)
        window->hashed = end;
}

static inline uint32_t openline_common(const uint8_t *one, const uint8_t *other, uint32_t most)
{
    uint32_t length = 0;
    while (length + 8 <= most) {
        uint64_t differing = openline_load64(one + length) ^ openline_load64(other + length);
        if (differing)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return length + ((uint32_t)__builtin_ctzll(differing) >> 3);
#else
            return length + ((uint32_t)__builtin_clzll(differing) >> 3);
#endif
        length += 8;
    }
    while (length < most && one[length] == other[length])
        length++;
    return length;
}

/* The longest match for what stands at `at`, if it is longer than `best`; its length, or `best`. */
static uint32_t openline_find(const struct openline_window *window, uint32_t at, uint32_t best, unsigned tries, uint32_t *distance)
{
    const uint8_t *here = window->data + at;
    uint32_t most = window->have - at, mask = window->size - 1;
    uint32_t lowest = at > window->size ? at - window->size : 0;
    if (most > COMPRESS_MAX_MATCH)
        most = COMPRESS_MAX_MATCH;
    if (most < COMPRESS_MIN_MATCH || best >= most)
        return best;
    uint32_t first = openline_load32(here);
    uint32_t place = window->head[openline_hash(window, at)];
    while (place > lowest && place < at && tries--) {
        const uint8_t *there = window->data + place;
        if (there[best] == here[best] && openline_load32(there) == first) {
            uint32_t length = openline_common(here, there, most);
            if (length > best) {
                best = length;
                *distance = at - place;
                if (length >= COMPRESS_NICE || length == most)
                    break;
            }
        }
        uint32_t before = window->chain[place & mask];
        if (before >= place)
            break; /* its slot was given to a newer place */
        place = before;
    }
    return best;
}

static inline void openline_literal(struct openline_workspace *work, uint8_t literal)
{
    work->distance[work->count] = 0;
    work->length[work->count++] = literal;
    work->literals[literal]++;
}

static inline void openline_match(struct openline_workspace *work, uint32_t length, uint32_t distance)
{
    unsigned of_length = openline_length_symbol[length], of_distance = openline_distance_symbol(distance);
    work->distance[work->count] = (uint16_t)distance;
    work->length[work->count++] = (uint16_t)length;
    work->literals[257 + of_length]++;
    work->distances[of_distance]++;
    work->extra += openline_length_extra[of_length] + openline_distance_extra[of_distance];
}

/* From `at` to the end of what there is. */
static void openline_scan(struct openline_window *window, struct openline_workspace *work, uint32_t at, struct openline_bits *bits)
{
    uint32_t end = window->have;
    while (at < end) {
        uint32_t distance = 0, length;
        openline_remember(window, at);
        length = openline_find(window, at, COMPRESS_MIN_MATCH - 1, COMPRESS_CHAIN, &distance);
        if (length < COMPRESS_MIN_MATCH) {
            openline_literal(work, window->data[at++]);
        } else {
            while (length < COMPRESS_LAZY && at + 1 < end && work->count + 2 < COMPRESS_SYMBOLS) {
                uint32_t later = 0, longer;
                openline_remember(window, at + 1);
                longer = openline_find(window, at + 1, length, length < COMPRESS_GOOD ? COMPRESS_CHAIN : COMPRESS_CHAIN / 4, &later);
                if (longer <= length)
                    break;
                openline_literal(work, window->data[at++]);
                length = longer;
                distance = later;
            }
            openline_match(work, length, distance);
            at += length;
        }
        if (work->count + 2 >= COMPRESS_SYMBOLS) {
            openline_end_block(work, window, at, bits);
            openline_begin_block(work, at);
        }
    }
    openline_remember(window, end);
}

/* Forgets the older half. */
static void openline_slide(struct openline_window *window, struct openline_workspace *work)
{
    uint32_t size = window->size, hashes = 1u << (32 - window->shift);
    memcpy(window->data, window->data + size, size);
    window->have -= size;
    window->hashed -= size;
    for (uint32_t i = 0; i < hashes; i++)
        window->head[i] = window->head[i] > size ? (uint16_t)(window->head[i] - size) : 0;
    for (uint32_t i = 0; i < size; i++)
        window->chain[i] = window->chain[i] > size ? (uint16_t)(window->chain[i] - size) : 0;
    if (work->start < size)
        work->whole = 0;
    work->start -= size; /* may wrap round: then it is not whole, and not used */
}

/* -- for the caller --------------------------------------------------------------------------------------------------------- */

/* Bytes that a window of so many bits takes, the struct included. */
static size_t openline_window_room(unsigned bits)
{
    unsigned hash_bits = bits < 11 ? bits : bits - 1;
    return sizeof(struct openline_window) + sizeof(uint16_t) * ((1u << hash_bits) + (1u << bits)) + 2 * ((size_t)1 << bits);
}

/* Forgets all. */
static void openline_window_clear(struct openline_window *window)
{
    window->have = window->hashed = 0;
    memset(window->head, 0, sizeof(uint16_t) << (32 - window->shift));
}

/* Makes an empty window of 9 to 15 bits in memory that is zero. */
static struct openline_window *openline_window_make(void *memory, unsigned bits)
{
    unsigned hash_bits = bits < 11 ? bits : bits - 1;
    struct openline_window *window = memory;
    window->size = 1u << bits;
    window->shift = 32 - hash_bits;
    window->have = window->hashed = 0;
    window->head = (uint16_t *)(window + 1);
    window->chain = window->head + (1u << hash_bits);
    window->data = (uint8_t *)(window->chain + (1u << bits));
    return window;
}

/* Room for `size` bytes, whatever they are: nine bits a byte at the worst, and what begins and ends blocks. */
static size_t openline_compress_bound(size_t size)
{
    return size + size / 8 + 16 * (size / (COMPRESS_SYMBOLS / 2) + 2);
}

/* Compresses `size` bytes into `room`, and ends with an empty stored block (RFC 7692 section 7.2.1); returns how many bytes that took. */
static size_t openline_compress(struct openline_window *window, struct openline_workspace *work, const uint8_t *data, size_t size,
                                uint8_t *room)
{
    struct openline_bits bits = {room, 0, 0};
    openline_begin_block(work, window->have);
    while (size) {
        if (window->have == 2 * window->size)
            openline_slide(window, work);
        uint32_t start = window->have, piece = 2 * window->size - start;
        if (piece > size)
            piece = (uint32_t)size;
        memcpy(window->data + start, data, piece);
        window->have += piece;
        data += piece;
        size -= piece;
        openline_scan(window, work, start, &bits);
    }
    openline_end_block(work, window, window->have, &bits);
    openline_put(&bits, 0, 3);
    openline_align(&bits);
    openline_put(&bits, 0xFFFF0000u, 32);
    return (size_t)(bits.at - room);
}

#endif
