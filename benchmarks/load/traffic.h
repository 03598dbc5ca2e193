/* The event loop: opens the connections, loads them as the mode says, prints what was measured. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

struct connection;

void run_traffic(void);

/* For modes with a file of their own. */

uint64_t now_ns(void);

/* Opens so many connections, and waits until all are open. */
void traffic_open(unsigned count);
struct connection *traffic_connections(void);

/* Begins to open one connection, again. */
void traffic_begin(struct connection *c, unsigned index);

/* One turn of the loop; true when the standard input has something. */
bool traffic_turn(int timeout_ms);

#endif
