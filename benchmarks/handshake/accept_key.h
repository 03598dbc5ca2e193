/* Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 4.1 and 4.2.2), without a cryptographic library. */
#ifndef ACCEPT_KEY_H
#define ACCEPT_KEY_H

#include <stddef.h>
#include <stdint.h>

enum { KEY_LENGTH = 24, ACCEPT_LENGTH = 28 };

/* 16 bytes in base64: what a client sends. `out` takes KEY_LENGTH characters and a NUL. */
void encode_key(const uint8_t nonce[16], char out[KEY_LENGTH + 1]);

/* The answer that proves the server has read the key. `key` need not end in NUL. */
void accept_key(const char key[KEY_LENGTH], char out[ACCEPT_LENGTH + 1]);

#endif
