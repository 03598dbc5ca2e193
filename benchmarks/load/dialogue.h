/* The application protocol above the frames: what is said before the load flows, which messages count, what a ping is
 * answered. Read from a file of lines, each a keyword, a space, and text:
 *
 *   > TEXT        greeting: send this
 *   < PREFIX      greeting: the next message begins so
 *   >> and <<     the same for a connection that comes back (cut)
 *   send TEXT     what is sent around a payload: %s
 *   expect PREFIX a message that counts; every 64th must hold the payload that is its turn
 *   acks          but these hold none: they acknowledge
 *   also PREFIX   a message that may come besides; any other ends the run
 *   ping TEXT     answered by `pong TEXT`
 *
 * %u stands for the connection's channel, %o and %e for the offset and the epoch that it has seen last, %n for a line feed.
 * A message may be several, with line feeds between them. Messages are text, and at most 1 MiB.
 */
#ifndef DIALOGUE_H
#define DIALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;

enum { EPOCH_MAX = 63, FRAME_HEADER_MAX = 14 };

/* Reads --dialogue. */
void load_dialogue(void);

/* Begins the greeting, with whose end the connection is EXCHANGING. */
void dialogue_greet(struct connection *c);

/* Takes a whole message apart; gives how many of those that count are in it. */
unsigned dialogue_take(struct connection *c, const char *data, size_t size);

/* The text of a payload, into `to`; gives its size, which is at most that of the payload and dialogue_overhead(). */
size_t dialogue_wrap(char *to, unsigned channel, const void *payload, size_t size);
size_t dialogue_overhead(void);

/* Sends one text message; it is short, and the kernel must take it. */
void dialogue_say(struct connection *c, const char *text, size_t size);

/* What follows the first `name` (`"offset":`) in a text; NULL where there is none. */
const char *dialogue_value(const char *text, const char *end, const char *name);

#endif
