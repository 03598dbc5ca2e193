#define _GNU_SOURCE
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "cut.h"
#include "failure.h"
#include "histogram.h"
#include "options.h"
#include "server_cpu.h"

enum { EVENTS = 512, INFLATED_IN_FANOUT = 16, ROUNDS = 10 };

static const uint64_t SECOND = 1000000000, MILLISECOND = 1000000;

static struct connection *connections;
static unsigned wanted, started, opened, closed;
static int epoll;
static uint64_t deadline;      /* ns; 0: none */
static struct histogram latencies;
static uint64_t messages;      /* received, on all connections */
static uint64_t deliveries_of_round; /* fanout: connections that have the oldest message not yet with all */
static unsigned next_to_echo, echoing; /* idle */
static uint64_t echoes_each;

struct reading {
    uint64_t time, messages, bytes, client_cpu;
    struct cpu cpu;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static struct reading take_reading(void)
{
    return (struct reading){
        .time = now_ns(),
        .messages = messages,
        .bytes = bytes_received,
        .client_cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
        .cpu = server_cpu(&options.server),
    };
}

static void watch(struct connection *c, int operation, bool output)
{
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(epoll, operation, c->stream.fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
    c->watching_output = output;
}

static void push(struct connection *c)
{
    connection_write(c, now_ns());
    if (connection_blocked(c) != c->watching_output)
        watch(c, EPOLL_CTL_MOD, connection_blocked(c));
}

void traffic_begin(struct connection *c, unsigned index)
{
    connection_begin(c, index, now_ns());
    watch(c, EPOLL_CTL_ADD, true);
}

static void start_opening(void)
{
    unsigned done = options.mode == CHURN ? closed : opened;
    while (started < wanted && started - done < options.concurrency) {
        traffic_begin(&connections[started], started);
        started++;
    }
}

static void open_further(struct connection *c)
{
    bool connecting = c->phase == CONNECTING;
    bool done = connection_open_further(c);
    if (connecting)
        watch(c, EPOLL_CTL_MOD, false);
    if (connection_blocked(c))
        push(c);
    if (!done)
        return;
    opened++;
    if (options.mode == OPEN || options.mode == CHURN)
        histogram_add(&latencies, now_ns() - c->began);
    if (options.mode == CHURN)
        connection_close(c);
    else
        start_opening();
}

static void start_echoing(void)
{
    while (next_to_echo < options.connections && echoing < options.concurrency) {
        struct connection *c = &connections[next_to_echo++];
        echoing++;
        c->remaining = echoes_each;
        c->budget = 1;
        push(c);
    }
}

static void note_latencies(const struct connection *publisher, const struct connection *c, unsigned completed)
{
    if (c->received > publisher->sent)
        fail("connection %u got a message that nobody sent", c->index);
    uint64_t now = now_ns();
    for (uint64_t n = c->received - completed; n < c->received; n++)
        histogram_add(&latencies, now - connection_sent_at(publisher, n));
    messages += completed;
}

static void note_completed(struct connection *c, unsigned completed)
{
    if (options.mode == CUT)
        return; /* counted by cut_note */
    struct connection *publisher = options.mode == FANOUT ? connections : c;
    note_latencies(publisher, c, completed);
    switch (options.mode) {
    case ECHO:
        c->budget += completed;
        break;
    case FANOUT:
        deliveries_of_round += completed;
        if (deliveries_of_round >= options.connections) {
            deliveries_of_round -= options.connections;
            publisher->budget++;
            push(publisher);
        }
        break;
    case IDLE:
        c->remaining -= completed;
        if (c->remaining) {
            c->budget = 1;
        } else {
            echoing--;
            start_echoing();
        }
        break;
    default:
        break; /* refused above: nothing was sent */
    }
}

static void close_further(struct connection *c)
{
    if (connection_close_further(c)) {
        closed++;
        start_opening();
    }
}

static void exchange(struct connection *c, uint32_t events)
{
    if (events & ~(uint32_t)EPOLLOUT) {
        unsigned completed = 0;
        do
            completed += connection_read(c);
        while (stream_holds_bytes(&c->stream));
        if (completed)
            note_completed(c, completed);
    }
    if (c->budget || connection_blocked(c))
        push(c);
}

bool traffic_turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, timeout_ms);
    if (ready < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    bool command = false;
    for (int i = 0; i < ready; i++) {
        struct connection *c = events[i].data.ptr;
        if (!c)
            command = true;
        else if (c->phase < EXCHANGING)
            open_further(c);
        else if (c->phase == CLOSING)
            close_further(c);
        else
            exchange(c, events[i].events);
    }
    if (deadline && now_ns() > deadline)
        fail("took more than the %g seconds of --limit; %u of %u connections open, %llu messages received", options.limit,
             opened, options.connections, (unsigned long long)messages);
    return command;
}

struct connection *traffic_connections(void)
{
    return connections;
}

void traffic_open(unsigned count)
{
    connections = calloc(count, sizeof *connections);
    wanted = count;
    start_opening();
    while (opened < count)
        traffic_turn(100);
}

static void open_all(void)
{
    traffic_open(options.connections);
    while (options.mode == CHURN && closed < options.connections)
        traffic_turn(100);
    make_frames(&deflate_parameters);
    unsigned step = options.mode == FANOUT ? INFLATED_IN_FANOUT : 1;
    for (unsigned i = 0; deflate_parameters.negotiated && i < options.connections; i += step)
        connection_inflate(&connections[i]);
}

static double in_seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void print_result(const struct reading *from, const struct reading *to)
{
    printf("{\"event\": \"result\", \"mode\": \"%s\", \"connections\": %u, \"in_flight\": %u, \"extensions\": \"", mode_names[options.mode],
           options.connections, options.in_flight);
    for (const char *at = negotiated_extensions; *at; at++)
        printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    printf("\", \"seconds\": %.6f, \"messages\": %llu, \"bytes_received\": %llu, \"messages_checked\": %llu",
           in_seconds(to->time - from->time), (unsigned long long)(to->messages - from->messages),
           (unsigned long long)(to->bytes - from->bytes), (unsigned long long)messages_checked);
    printf(", \"cpu_seconds\": %.9f, \"cpu_user_seconds\": %.3f, \"cpu_system_seconds\": %.3f, \"client_cpu_seconds\": %.6f",
           in_seconds(to->cpu.total_ns - from->cpu.total_ns), in_seconds(to->cpu.user_ns - from->cpu.user_ns),
           in_seconds(to->cpu.system_ns - from->cpu.system_ns), in_seconds(to->client_cpu - from->client_cpu));
    printf(", \"latency_us\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p99.9\": %.3f, \"max\": %.3f}}\n",
           (double)histogram_quantile(&latencies, 0.5) / 1e3, (double)histogram_quantile(&latencies, 0.9) / 1e3,
           (double)histogram_quantile(&latencies, 0.99) / 1e3, (double)histogram_quantile(&latencies, 0.999) / 1e3,
           (double)latencies.highest / 1e3);
    fflush(stdout);
}

/* For so long, and until so many messages have come; a server that works in rounds over thousands of connections answers in lumps. */
static void run_for(double seconds, uint64_t at_least, uint64_t at_most)
{
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9), start = messages;
    while ((now_ns() < end || messages - start < at_least) && messages - start < at_most)
        traffic_turn(10);
}

static void measure_messages(void)
{
    open_all();
    unsigned senders = options.mode == FANOUT ? 1 : options.connections;
    for (unsigned i = 0; i < senders; i++) {
        connections[i].budget = options.in_flight;
        push(&connections[i]);
    }
    run_for(options.warmup, options.connections, UINT64_MAX);
    histogram_clear(&latencies);
    struct reading from = take_reading();
    run_for(options.duration, ROUNDS * options.connections, options.max_messages);
    struct reading to = take_reading();
    print_result(&from, &to);
}

/* The server may have work left when the client has its answers: wait until it has used no time for 50 ms. */
static void settle(void)
{
    uint64_t last = server_cpu(&options.server).total_ns;
    for (unsigned quiet = 0, turns = 0; quiet < 5 && turns < 300; turns++) {
        traffic_turn(10);
        struct timespec pause = {.tv_nsec = (long)(10 * MILLISECOND)};
        nanosleep(&pause, NULL);
        uint64_t used = server_cpu(&options.server).total_ns;
        quiet = used - last < MILLISECOND / 10 ? quiet + 1 : 0;
        last = used;
    }
}

static void measure_opening(void)
{
    struct reading from = take_reading();
    open_all();
    uint64_t end = now_ns();
    settle();
    struct reading to = take_reading();
    to.time = end;
    print_result(&from, &to);
}

static void print_event(const char *name, uint64_t since)
{
    printf("{\"event\": \"%s\", \"seconds\": %.6f}\n", name, in_seconds(now_ns() - since));
    fflush(stdout);
}

static void set_limit(void)
{
    deadline = now_ns() + (uint64_t)(options.limit * 1e9);
}

static void echo_on_each(uint64_t count)
{
    uint64_t began = now_ns();
    set_limit();
    echoes_each = count;
    next_to_echo = 0;
    start_echoing();
    while (echoing)
        traffic_turn(100);
    deadline = 0;
    print_event("echoed", began);
}

static void obey_commands(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        fail("commands must come through a pipe or a terminal");
    deadline = 0;
    char line[64];
    unsigned long long count;
    for (;;) {
        if (!traffic_turn(1000))
            continue;
        if (!fgets(line, sizeof line, stdin) || !strcmp(line, "stop\n"))
            return;
        if (sscanf(line, "echo %llu", &count) != 1 || !count)
            fail("not a command: %s", line);
        echo_on_each(count);
    }
}

static void hold_idle(void)
{
    struct reading from = take_reading();
    open_all();
    print_event("opened", from.time);
    obey_commands();
    struct reading to = take_reading();
    print_result(&from, &to);
}

void run_traffic(void)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    set_limit();
    setvbuf(stdin, NULL, _IONBF, 0); /* a line at a time, so that epoll knows of the rest */
    switch (options.mode) {
    case OPEN:
    case CHURN:
        measure_opening();
        break;
    case IDLE:
        hold_idle();
        break;
    case CUT:
        measure_cut();
        break;
    default:
        measure_messages();
    }
}
