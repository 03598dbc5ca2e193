/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "server_cpu.h"

enum mode { ECHO, FANOUT, OPEN, CHURN, IDLE };

struct options {
    enum mode mode;
    uint16_t port;
    unsigned connections;
    unsigned in_flight;
    unsigned concurrency;
    const char *messages; /* path */
    bool text;
    const char *extensions; /* NULL: none offered */
    bool tls;
    double warmup, duration, limit; /* seconds */
    uint64_t max_messages;
    struct server server;
};

extern struct options options;

void parse_options(int argc, char **argv);

#endif
