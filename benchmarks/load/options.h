/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "server_cpu.h"

enum mode { ECHO, FANOUT, OPEN, CHURN, IDLE, CUT, MODES };

extern const char *const mode_names[MODES];

enum { PORTS_MAX = 16 };

struct options {
    enum mode mode;
    uint16_t ports[PORTS_MAX]; /* connections take them in turn */
    unsigned port_count;
    const char *path;
    unsigned connections;
    unsigned in_flight;
    unsigned concurrency;
    const char *messages; /* path */
    bool text;
    const char *extensions; /* NULL: none offered */
    const char *dialogue;   /* path; NULL: whatever is sent comes back as it is */
    unsigned channels;
    double publish_rate;   /* a second */
    double spread;         /* seconds */
    bool tls;
    double warmup, duration, limit; /* seconds */
    uint64_t max_messages;
    struct server server;
};

extern struct options options;

void parse_options(int argc, char **argv);

#endif
