#define _GNU_SOURCE
#include "server_cpu.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"

static uint64_t read_clock(pid_t pid)
{
    clockid_t clock;
    struct timespec now;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &now))
        fail("the server (process %d) has gone", (int)pid);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct cpu server_cpu(const struct server *server)
{
    struct cpu sum = {0};
    uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
    for (unsigned i = 0; i < server->count; i++) {
        char path[64], line[1024];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)server->pids[i]);
        FILE *file = fopen(path, "r");
        size_t size = file ? fread(line, 1, sizeof line - 1, file) : 0;
        if (file)
            fclose(file);
        line[size] = '\0';
        /* The command's name may hold anything, so count from the last parenthesis. */
        const char *rest = strrchr(line, ')');
        unsigned long long user, system, children_user, children_system;
        if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &user, &system,
                            &children_user, &children_system) != 4)
            fail("cannot read %s", path);
        sum.user_ns += (user + children_user) * tick;
        sum.system_ns += (system + children_system) * tick;
        sum.total_ns += read_clock(server->pids[i]) + (children_user + children_system) * tick;
    }
    return sum;
}
