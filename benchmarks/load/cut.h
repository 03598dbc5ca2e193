/* The mode `cut`: every line is cut at once, and nothing that was acknowledged may be lost, doubled or out of order. */
#ifndef CUT_H
#define CUT_H

#include <stddef.h>

struct connection;

/* Looks at what came on a connection, before the dialogue does. */
void cut_note(struct connection *c, const char *unit, size_t size);

void measure_cut(void);

#endif
