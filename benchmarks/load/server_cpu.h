/* Processor time that the server has used, all threads, and children that it has waited for. */
#ifndef SERVER_CPU_H
#define SERVER_CPU_H

#include <stdint.h>
#include <sys/types.h>

enum { PIDS_MAX = 64 };

struct server {
    pid_t pids[PIDS_MAX];
    unsigned count;
};

struct cpu {
    uint64_t total_ns;  /* by the processes' CPU clocks */
    uint64_t user_ns;   /* by /proc/PID/stat, in ticks of the kernel */
    uint64_t system_ns;
};

struct cpu server_cpu(const struct server *server);

#endif
