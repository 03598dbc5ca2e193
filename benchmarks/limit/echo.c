/* A bare epoll loop: `echo-limit` listens on a free port of 127.0.0.1 and prints "listening PORT". It echoes; with `--fanout`,
   what comes from one connection goes to all. */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../handshake/accept_key.h"
#include "../handshake/http_head.h"

enum {
    HEADER_MAX = 14,
    READ_SIZE = 1 << 20, /* measured with 1 MB messages: twice as cheap as 128 KiB, and no dearer for small ones */
    HEAD_MAX = 8192,
    EVENTS = 512,
};

enum phase { HEAD, FRAMES, ENDING };
enum opcode { CONTINUATION = 0x0, TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xA };

struct connection {
    int fd;
    enum phase phase;
    bool fragmented;       /* a message has begun and has not ended (RFC 6455 5.4) */
    bool closing;          /* the frame in progress is a Close */
    bool muted;            /* the frame in progress is a Pong: nothing to send back */
    uint8_t held;          /* bytes of a frame header that is not complete */
    uint32_t key;          /* masking key, turned so that its first byte belongs to the next byte of payload */
    uint64_t left;         /* payload of the frame in progress that has not come */
    uint8_t header[HEADER_MAX];
    char *head;            /* a request that is not complete */
    size_t head_size;
    uint8_t *unsent;       /* what the kernel has refused; nothing is read until it has left */
    size_t unsent_size;
    struct connection *before, *after; /* in the list of those whose handshake is over */
};

static uint8_t input[HEADER_MAX + READ_SIZE];
static uint8_t output[HEADER_MAX + READ_SIZE];
static int epoll;
static bool fanning;
static struct connection *open_connections;

static void watch(struct connection *c, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->fd, &event) < 0)
        perror("epoll_ctl"), exit(1);
}

static void drop(struct connection *c)
{
    if (c->before)
        c->before->after = c->after;
    else if (open_connections == c)
        open_connections = c->after;
    if (c->after)
        c->after->before = c->before;
    close(c->fd);
    free(c->head);
    free(c->unsent);
    free(c);
}

/* False when the connection is gone. */
static bool transmit(struct connection *c, const uint8_t *data, size_t size)
{
    ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN)
            return false;
        sent = 0;
    }
    if ((size_t)sent == size)
        return true;
    c->unsent_size = size - (size_t)sent;
    c->unsent = malloc(c->unsent_size);
    memcpy(c->unsent, data + sent, c->unsent_size);
    watch(c, EPOLLOUT, EPOLL_CTL_MOD);
    return true;
}

static bool flush(struct connection *c)
{
    uint8_t *data = c->unsent;
    c->unsent = NULL;
    bool alive = transmit(c, data, c->unsent_size);
    free(data);
    if (!alive)
        return false;
    if (!c->unsent) {
        if (c->phase == ENDING)
            shutdown(c->fd, SHUT_WR);
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
    }
    return true;
}

static void unmask(uint8_t *restrict to, const uint8_t *restrict from, size_t size, uint32_t key)
{
    uint64_t wide = (uint64_t)key << 32 | key, word;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    uint8_t bytes[4];
    memcpy(bytes, &key, 4);
    for (; i < size; i++)
        to[i] = from[i] ^ bytes[i & 3];
}

static uint32_t turn(uint32_t key, unsigned by)
{
    uint8_t bytes[4], turned[4];
    memcpy(bytes, &key, 4);
    for (unsigned i = 0; i < 4; i++)
        turned[i] = bytes[(i + by) & 3];
    memcpy(&key, turned, 4);
    return key;
}

/* RFC 6455 5.2, 5.4 and 5.5. */
static bool allowed(const struct connection *c, uint8_t first, uint8_t second)
{
    unsigned opcode = first & 15;
    bool fin = first & 0x80;
    if (first & 0x70 || !(second & 0x80))
        return false;
    if (opcode >= CLOSE)
        return opcode <= PONG && fin && (second & 0x7F) <= 125 && (second & 0x7F) != (opcode == CLOSE);
    return opcode <= BINARY && (opcode == CONTINUATION) == c->fragmented;
}

/* Reads a header at `from`; 0: not all of it is here; -1: a protocol error. Otherwise its size, the answer's header at *out. */
static int begin_frame(struct connection *c, const uint8_t *from, size_t size, uint8_t **out)
{
    if (size < 2)
        return 0;
    if (!allowed(c, from[0], from[1]))
        return -1;
    uint8_t short_length = from[1] & 0x7F, *to = *out;
    size_t extended = short_length == 127 ? 8 : short_length == 126 ? 2 : 0, header = 2 + extended + 4;
    if (size < header)
        return 0;
    c->left = short_length;
    if (extended == 2) {
        uint16_t value;
        memcpy(&value, from + 2, 2);
        c->left = be16toh(value);
        if (c->left < 126)
            return -1;
    } else if (extended == 8) {
        memcpy(&c->left, from + 2, 8);
        c->left = be64toh(c->left);
        if (c->left < 65536 || c->left >> 63)
            return -1;
    }
    memcpy(&c->key, from + 2 + extended, 4);
    unsigned opcode = from[0] & 15;
    c->closing = opcode == CLOSE;
    c->muted = opcode == PONG;
    if (opcode < CLOSE)
        c->fragmented = !(from[0] & 0x80);
    if (!c->muted) {
        to[0] = opcode == PING ? 0x80 | PONG : from[0];
        to[1] = short_length;
        memcpy(to + 2, from + 2, extended);
        *out = to + 2 + extended;
    }
    return (int)header;
}

/* Works off what lies between `from` and `end`; false when the connection is gone. */
static bool echo(struct connection *c, const uint8_t *from, const uint8_t *end)
{
    uint8_t *out = output;
    while (from < end && c->phase == FRAMES) {
        if (!c->left) {
            int header = begin_frame(c, from, (size_t)(end - from), &out);
            if (header == 0) {
                c->held = (uint8_t)(end - from);
                memcpy(c->header, from, c->held);
                break;
            }
            if (header < 0) {
                memcpy(out, "\x88\x02\x03\xEA", 4); /* 1002 */
                out += 4;
                c->phase = ENDING;
                break;
            }
            from += header;
        }
        size_t here = (size_t)(end - from) < c->left ? (size_t)(end - from) : (size_t)c->left;
        if (!c->muted) {
            unmask(out, from, here, c->key);
            out += here;
        }
        from += here;
        c->left -= here;
        if (c->left)
            c->key = turn(c->key, here & 3);
        else if (c->closing)
            c->phase = ENDING;
    }
    if (out > output && !transmit(c, output, (size_t)(out - output)))
        return false;
    if (c->phase == ENDING && !c->unsent)
        shutdown(c->fd, SHUT_WR); /* RFC 6455 7.1.1: the server ends first and waits for the client's end */
    return true;
}

/* Sends to all what is exactly one whole, short data message; anything else is left to `echo`. Who does not take it all
   keeps the rest, behind what he already has; who has gone will be reported by epoll. */
static bool fan_out(const uint8_t *from, const uint8_t *end)
{
    size_t size = (size_t)(end - from) - 6;
    if (end - from < 6 || (from[0] != (0x80 | TEXT) && from[0] != (0x80 | BINARY)) || from[1] != (0x80 | size) || size > 125)
        return false;
    uint32_t key;
    memcpy(&key, from + 2, 4);
    output[0] = from[0];
    output[1] = (uint8_t)size;
    unmask(output + 2, from + 6, size, key);
    for (struct connection *c = open_connections; c; c = c->after) {
        if (c->phase != FRAMES)
            continue;
        if (!c->unsent) {
            transmit(c, output, 2 + size);
            continue;
        }
        c->unsent = realloc(c->unsent, c->unsent_size + 2 + size);
        memcpy(c->unsent + c->unsent_size, output, 2 + size);
        c->unsent_size += 2 + size;
    }
    return true;
}

static bool is(const char *value, size_t length, const char *expected)
{
    return value && length == strlen(expected) && !strncasecmp(value, expected, length);
}

/* RFC 6455 4.2.1 and 4.2.2. */
static bool shake_hands(struct connection *c, const char *head, size_t size)
{
    size_t length, key_length;
    const char *value, *key = header_value(head, size, "Sec-WebSocket-Key", &key_length);
    bool valid = !strncmp(head, "GET ", 4) && key && key_length == KEY_LENGTH;
    valid = valid && header_value(head, size, "Host", &length);
    value = header_value(head, size, "Upgrade", &length);
    valid = valid && value && has_token(value, length, "websocket");
    value = header_value(head, size, "Connection", &length);
    valid = valid && value && has_token(value, length, "upgrade");
    value = header_value(head, size, "Sec-WebSocket-Version", &length);
    valid = valid && is(value, length, "13");
    if (!valid) {
        static const char refused[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        send(c->fd, refused, sizeof refused - 1, MSG_NOSIGNAL);
        return false;
    }
    char accept[ACCEPT_LENGTH + 1], answer[160];
    accept_key(key, accept);
    int answer_size = snprintf(answer, sizeof answer,
                               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: %s\r\n\r\n",
                               accept);
    c->phase = FRAMES;
    c->after = open_connections;
    if (c->after)
        c->after->before = c;
    open_connections = c;
    return transmit(c, (const uint8_t *)answer, (size_t)answer_size);
}

static bool open_connection(struct connection *c, const uint8_t *data, size_t size)
{
    if (c->head_size + size > HEAD_MAX)
        return false;
    size_t total = c->head_size + size;
    const char *head = (const char *)data;
    if (c->head_size) {
        c->head = realloc(c->head, total);
        memcpy(c->head + c->head_size, data, size);
        head = c->head;
    }
    size_t end = head_length(head, total);
    if (!end) {
        if (!c->head) {
            c->head = malloc(total);
            memcpy(c->head, data, total);
        }
        c->head_size = total;
        return true;
    }
    /* A client that sends frames before it has the answer breaks RFC 6455 4.1. */
    bool alive = end == total && shake_hands(c, head, end);
    free(c->head);
    c->head = NULL;
    c->head_size = 0;
    return alive;
}

static bool serve(struct connection *c)
{
    ssize_t got = recv(c->fd, input + HEADER_MAX, READ_SIZE, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    const uint8_t *from = input + HEADER_MAX, *end = from + got;
    if (c->phase == FRAMES) {
        if (c->held) {
            from -= c->held;
            memcpy(input + HEADER_MAX - c->held, c->header, c->held);
            c->held = 0;
        }
        if (fanning && !c->left && !c->fragmented && fan_out(from, end))
            return true;
        return echo(c, from, end);
    }
    return c->phase == ENDING || open_connection(c, from, (size_t)got);
}

static void welcome(int listener)
{
    for (int i = 0; i < 64; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == ECONNABORTED)
                return;
            perror("accept4"), exit(1);
        }
        struct connection *c = calloc(1, sizeof *c);
        c->fd = fd;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

static int start_listening(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        perror("listen"), exit(1);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **arguments)
{
    fanning = count == 2 && !strcmp(arguments[1], "--fanout");
    int listener = start_listening();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS], accepting = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c)
                welcome(listener);
            else if (!(c->unsent ? flush(c) : serve(c)))
                drop(c);
        }
    }
}
