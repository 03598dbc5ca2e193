#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failure.h"
#include "options.h"

#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

static SSL_CTX *context;

void prepare_streams(void)
{
    if (!options.tls)
        return;
    context = SSL_CTX_new(TLS_client_method());
    if (!context)
        fail("OpenSSL cannot make a context");
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

/* The result of an SSL call as a count: 0 at the end, -1 when it must wait. */
static int tls_result(const struct stream *stream, int result, const char *doing)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        fail("TLS, %s: %s", doing, ERR_peek_error() ? ERR_reason_error_string(ERR_get_error()) : strerror(errno));
    }
}

bool secure_stream(struct stream *stream)
{
    if (!options.tls)
        return true;
    if (!stream->tls) {
        stream->tls = SSL_new(context);
        if (!stream->tls || !SSL_set_fd(stream->tls, stream->fd))
            fail("OpenSSL cannot make a connection");
        SSL_set_connect_state(stream->tls);
    }
    return tls_result(stream, SSL_do_handshake(stream->tls), "handshake") > 0;
}

bool stream_holds_bytes(const struct stream *stream)
{
    return stream->tls && SSL_has_pending(stream->tls);
}

static ssize_t read_tls(struct stream *stream, void *to, size_t size)
{
    return tls_result(stream, SSL_read(stream->tls, to, (int)size), "read");
}

static size_t write_tls(struct stream *stream, const void *from, size_t size)
{
    int taken = tls_result(stream, SSL_write(stream->tls, from, (int)size), "write");
    return taken < 0 ? 0 : (size_t)taken;
}

static void free_tls(struct stream *stream)
{
    SSL_free(stream->tls);
}
#else
void prepare_streams(void)
{
    if (options.tls)
        fail("built without TLS, as OpenSSL's headers were not found");
}

bool secure_stream(struct stream *stream)
{
    (void)stream;
    return true;
}

bool stream_holds_bytes(const struct stream *stream)
{
    (void)stream;
    return false;
}

static ssize_t read_tls(struct stream *stream, void *to, size_t size)
{
    (void)stream, (void)to, (void)size;
    return 0;
}

static size_t write_tls(struct stream *stream, const void *from, size_t size)
{
    (void)stream, (void)from, (void)size;
    return 0;
}

static void free_tls(struct stream *stream)
{
    (void)stream;
}
#endif

unsigned stream_port(unsigned index)
{
    return options.ports[index % options.port_count];
}

struct stream open_stream(unsigned index)
{
    unsigned port = stream_port(index);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        fail("socket: %s (connections are bounded by the descriptor limit, `ulimit -n`)", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect to port %u: %s", port, strerror(errno));
    return (struct stream){.fd = fd};
}

void check_connected(const struct stream *stream)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        fail("connect: %s", strerror(error));
}

ssize_t read_stream(struct stream *stream, void *to, size_t size)
{
    if (stream->tls)
        return read_tls(stream, to, size);
    ssize_t got = recv(stream->fd, to, size, 0);
    if (got < 0 && errno != EAGAIN)
        fail("recv: %s", strerror(errno));
    return got;
}

size_t write_stream(struct stream *stream, const void *from, size_t size)
{
    if (stream->tls)
        return write_tls(stream, from, size);
    ssize_t taken = send(stream->fd, from, size, MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN)
        fail("send: %s", strerror(errno));
    return taken < 0 ? 0 : (size_t)taken;
}

void close_stream(struct stream *stream)
{
    if (stream->tls)
        free_tls(stream);
    close(stream->fd);
}
