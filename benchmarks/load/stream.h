/* Bytes to and from the server: TCP, or TLS over it. Nothing blocks. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stream {
    int fd;
    void *tls; /* an SSL, or NULL */
};

/* Reads the certificates' rules and so on, once; fails where TLS is asked for and not built in. */
void prepare_streams(void);

/* The port that this connection goes to. */
unsigned stream_port(unsigned index);

/* Begins to connect. */
struct stream open_stream(unsigned index);

/* Call when writable after open_stream. */
void check_connected(const struct stream *stream);

/* True when the TLS handshake is done, or there is none; false: call again when readable. */
bool secure_stream(struct stream *stream);

/* Bytes read; 0: the peer's end; -1: nothing there now. Anything else fails. */
ssize_t read_stream(struct stream *stream, void *to, size_t size);

/* Bytes taken, perhaps 0. */
size_t write_stream(struct stream *stream, const void *from, size_t size);

/* Bytes that are read from the socket, and that epoll so does not announce. */
bool stream_holds_bytes(const struct stream *stream);

void close_stream(struct stream *stream);

#endif
