/* The head of an HTTP message, looked at in place. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes up to and with the empty line, or 0 when it has not come yet. */
size_t head_length(const char *data, size_t length);

/* The value of the first header of this name (any case), without the spaces around it; NULL when there is none. */
const char *header_value(const char *head, size_t length, const char *name, size_t *value_length);

/* True when the comma-separated list holds this token (any case). */
bool has_token(const char *list, size_t length, const char *token);

#endif
