/* The opening handshake of a connection, RFC 6455 4.1, with the head that a browser sends. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "../handshake/http_head.h"
#include "connection.h"
#include "failure.h"
#include "options.h"

enum { REQUEST_SIZE = 600, ANSWER_MAX = 16384 };

struct deflate_parameters deflate_parameters = {.client_window_bits = 15};
char negotiated_extensions[256];

/* A browser's head, made up to 600 bytes with a cookie (without an offer of extensions, which comes on top). */
static size_t write_request(char *to, size_t room, const char *key, unsigned port)
{
    static const char cookie[] =
        "session=6f1d8c0e5b7a4392a1c4e89d20f3b756; theme=dark; consent=analytics%3D0%26ads%3D0; visited=1763900000; "
        "region=eu-central; experiment=b; tour=seen; recent=alpha%2Cbeta%2Cgamma%2Cdelta; width=1440; height=900; dpr=2";
    char offer[512] = "";
    if (options.extensions)
        snprintf(offer, sizeof offer, "Sec-WebSocket-Extensions: %s\r\n", options.extensions);
    static const char format[] =
        "GET %s HTTP/1.1\r\n"
        "Host: 127.0.0.1:%u\r\n"
        "Connection: Upgrade\r\n"
        "Pragma: no-cache\r\n"
        "Cache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n"
        "Upgrade: websocket\r\n"
        "Origin: http%s://127.0.0.1:%u\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\n"
        "Accept-Language: en-GB,en;q=0.9\r\n"
        "%s"
        "Cookie: %.*s\r\n"
        "Sec-WebSocket-Key: %s\r\n\r\n";
    const char *secure = options.tls ? "s" : "";
    int bare = snprintf(NULL, 0, format, options.path, port, secure, port, "", 0, cookie, key);
    int filling = REQUEST_SIZE - bare;
    if (filling < 0 || filling > (int)sizeof cookie - 1)
        fail("the request cannot be made up to %d bytes", REQUEST_SIZE);
    return (size_t)snprintf(to, room, format, options.path, port, secure, port, offer, filling, cookie, key);
}

static void send_request(struct connection *c)
{
    uint8_t nonce[16];
    char key[KEY_LENGTH + 1], request[2048];
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce)
        fail("getrandom");
    encode_key(nonce, key);
    accept_key(key, c->accept);
    size_t size = write_request(request, sizeof request, key, stream_port(c->index));
    if (write_stream(&c->stream, request, size) != size)
        fail("the kernel does not take a request of %zu bytes", size);
}

static int window_bits(const char *extensions, const char *name)
{
    const char *parameter = strstr(extensions, name);
    int bits = 15;
    if (parameter && sscanf(parameter + strlen(name), " = \"%d", &bits) != 1)
        sscanf(parameter + strlen(name), " = %d", &bits);
    return bits;
}

/* RFC 7692 7.1 */
static void note_extensions(const char *value, size_t length)
{
    static bool noted;
    if (!noted) {
        if (length >= sizeof negotiated_extensions)
            fail("Sec-WebSocket-Extensions of %zu bytes in the answer", length);
        memcpy(negotiated_extensions, value, length);
        const char *text = negotiated_extensions;
        deflate_parameters.negotiated = length;
        deflate_parameters.server_no_context_takeover = strstr(text, "server_no_context_takeover");
        deflate_parameters.client_no_context_takeover = strstr(text, "client_no_context_takeover");
        deflate_parameters.client_window_bits = window_bits(text, "client_max_window_bits");
        noted = true;
    }
    if (strlen(negotiated_extensions) != length || (length && memcmp(negotiated_extensions, value, length)))
        fail("extensions differ from connection to connection: \"%s\", \"%.*s\"", negotiated_extensions, (int)length, value);
}

static void check_answer(const struct connection *c, const char *head, size_t size)
{
    size_t length;
    if (strncmp(head, "HTTP/1.1 101", 12))
        fail("the server refused the handshake: %.*s", (int)strcspn(head, "\r"), head);
    const char *value = header_value(head, size, "Upgrade", &length);
    if (!value || length != 9 || strncasecmp(value, "websocket", 9))
        fail("no `Upgrade: websocket` in the answer (RFC 6455 4.1)");
    value = header_value(head, size, "Connection", &length);
    if (!value || !has_token(value, length, "upgrade"))
        fail("no `Connection: upgrade` in the answer (RFC 6455 4.1)");
    value = header_value(head, size, "Sec-WebSocket-Accept", &length);
    if (!value || length != ACCEPT_LENGTH || memcmp(value, c->accept, ACCEPT_LENGTH))
        fail("Sec-WebSocket-Accept is missing or wrong (RFC 6455 4.1)");
    if (header_value(head, size, "Sec-WebSocket-Protocol", &length))
        fail("a subprotocol that was not offered (RFC 6455 4.1)");
    value = header_value(head, size, "Sec-WebSocket-Extensions", &length);
    if (!value)
        value = "", length = 0;
    if (options.extensions ? length < 18 || memcmp(value, "permessage-deflate", 18) : length != 0)
        fail("extensions: offered \"%s\", answered \"%.*s\" (RFC 6455 4.1)", options.extensions ? options.extensions : "",
             (int)length, value);
    note_extensions(value, length);
}

static bool read_answer(struct connection *c)
{
    if (!c->answer)
        c->answer = malloc(ANSWER_MAX);
    ssize_t got = read_stream(&c->stream, c->answer + c->answer_size, ANSWER_MAX - c->answer_size);
    if (got < 0)
        return false;
    c->answer_size += (size_t)got;
    size_t end = head_length(c->answer, c->answer_size);
    if (!end && (got == 0 || c->answer_size == ANSWER_MAX))
        fail("the server ended within its answer, or the answer is over %d bytes", ANSWER_MAX);
    if (!end)
        return false;
    check_answer(c, c->answer, end);
    /* Frames behind the head are legal, but without a greeting no server here speaks first. */
    size_t behind = c->answer_size - end;
    if (behind && !options.dialogue)
        fail("%zu bytes behind the server's answer", behind);
    char *answer = c->answer;
    c->answer = NULL;
    c->phase = EXCHANGING;
    if (options.dialogue)
        dialogue_greet(c);
    if (behind)
        connection_take(c, (const uint8_t *)answer + end, behind);
    free(answer);
    return true;
}

void connection_begin(struct connection *c, unsigned index, uint64_t now)
{
    *c = (struct connection){.stream = open_stream(index), .index = index, .phase = CONNECTING, .began = now};
}

bool connection_open_further(struct connection *c)
{
    switch (c->phase) {
    case CONNECTING:
        check_connected(&c->stream);
        c->phase = SECURING;
        /* fall through */
    case SECURING:
        if (!secure_stream(&c->stream))
            return false;
        send_request(c);
        c->phase = SHAKING_HANDS;
        return false;
    case SHAKING_HANDS:
        return read_answer(c) && c->phase == EXCHANGING;
    case GREETING:
        connection_read(c);
        return c->phase == EXCHANGING;
    default:
        fail("an open connection cannot be opened further");
    }
}
