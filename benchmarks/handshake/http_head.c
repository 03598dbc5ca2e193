#define _GNU_SOURCE
#include "http_head.h"

#include <string.h>
#include <strings.h>

size_t head_length(const char *data, size_t length)
{
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    return end ? (size_t)(end - data) + 4 : 0;
}

static void trim(const char **start, const char **end)
{
    while (*start < *end && (**start == ' ' || **start == '\t'))
        ++*start;
    while (*end > *start && ((*end)[-1] == ' ' || (*end)[-1] == '\t'))
        --*end;
}

const char *header_value(const char *head, size_t length, const char *name, size_t *value_length)
{
    size_t name_length = strlen(name);
    const char *end = head + length;
    const char *line = memmem(head, length, "\r\n", 2);
    while (line && (line += 2) < end) {
        const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        const char *stop = next ? next : end;
        if ((size_t)(stop - line) > name_length && line[name_length] == ':' && !strncasecmp(line, name, name_length)) {
            const char *value = line + name_length + 1;
            trim(&value, &stop);
            *value_length = (size_t)(stop - value);
            return value;
        }
        line = next;
    }
    return NULL;
}

bool has_token(const char *list, size_t length, const char *token)
{
    size_t token_length = strlen(token);
    const char *end = list + length;
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *start = list, *stop = comma ? comma : end;
        trim(&start, &stop);
        if ((size_t)(stop - start) == token_length && !strncasecmp(start, token, token_length))
            return true;
        list = comma ? comma + 1 : end;
    }
    return false;
}
