/* One connection more than asked for publishes, `publish-rate` messages a second, to one channel after the other; it is not
 * cut. The payload of the n-th message of a channel begins with {"n":n, and the channels are new, so that n must be its offset too:
 * each connection must see 1, 2, 3 ... to the last, across the cut. It reads the JSON of openline's hub. */
#define _GNU_SOURCE
#include "cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "connection.h"
#include "failure.h"
#include "histogram.h"
#include "options.h"
#include "script.h"
#include "server_cpu.h"
#include "traffic.h"

enum { PAYLOAD_MAX = 4096, SHOWN = 300 };

static const uint64_t SECOND = 1000000000;

static uint64_t published, acknowledged, deliveries, missed; /* missed: came by recovery */
static unsigned recovered;
static uint64_t last_recovered; /* ns */
static struct histogram returning;

static uint64_t value(const char *text, const char *end, const char *name)
{
    const char *found = dialogue_value(text, end, name);
    return found ? strtoull(found, NULL, 10) : 0;
}

static void take_publication(struct connection *c, uint64_t n, uint64_t offset)
{
    if (n != c->position + 1 || offset != n)
        fail("connection %u, channel %u: message %llu with offset %llu came after %llu", c->index, c->channel,
             (unsigned long long)n, (unsigned long long)offset, (unsigned long long)c->position);
    c->position = n;
    deliveries++;
}

/* The publications of a recovery; what it says of the stream itself is no higher than the position that was asked for. */
static void take_recovered(struct connection *c, const char *unit, const char *end)
{
    uint64_t since = c->position;
    const char *offset = unit;
    for (const char *n = unit; (n = dialogue_value(n, end, "\"n\":"));) {
        uint64_t at = 0;
        while (at <= since && (offset = dialogue_value(offset, end, "\"offset\":")))
            at = strtoull(offset, NULL, 10);
        take_publication(c, strtoull(n, NULL, 10), at);
        missed++;
    }
}

static void take_subscribed(struct connection *c, const char *unit, const char *end)
{
    const char *epoch = dialogue_value(unit, end, "\"epoch\":\"");
    size_t size = epoch ? strcspn(epoch, "\"") : 0;
    if (!size || size > EPOCH_MAX)
        fail("connection %u: no epoch in %.*s", c->index, (int)(end - unit < SHOWN ? end - unit : SHOWN), unit);
    if (!c->coming_back) {
        memcpy(c->epoch, epoch, size);
        c->position = value(unit, end, "\"offset\":");
        return;
    }
    if (strlen(c->epoch) != size || memcmp(c->epoch, epoch, size) || !dialogue_value(unit, end, "\"recovered\":true"))
        fail("connection %u was not recovered: %.*s", c->index, (int)(end - unit < SHOWN ? end - unit : SHOWN), unit);
    take_recovered(c, unit, end);
    recovered++;
    last_recovered = now_ns();
    histogram_add(&returning, last_recovered - c->began);
}

void cut_note(struct connection *c, const char *unit, size_t size)
{
    const char *end = unit + size;
    if (dialogue_value(unit, end, "{\"push\":") == unit + strlen("{\"push\":"))
        take_publication(c, value(unit, end, "\"n\":"), value(unit, end, "\"offset\":"));
    else if (dialogue_value(unit, end, "\"subscribe\":{"))
        take_subscribed(c, unit, end);
    else if (dialogue_value(unit, end, "\"publish\":{}"))
        acknowledged++;
}

static void publish_due(struct connection *publisher, uint64_t began)
{
    uint64_t due = (uint64_t)((double)(now_ns() - began) / 1e9 * options.publish_rate);
    for (; published < due; published++) {
        const struct message *message = &script.messages[published % script.count];
        char payload[PAYLOAD_MAX], text[PAYLOAD_MAX * 2];
        if (message->size + dialogue_overhead() > PAYLOAD_MAX - 64)
            fail("messages of %zu bytes are too long for this mode", message->size);
        int size = snprintf(payload, sizeof payload, "{\"n\":%llu,\"of\":%.*s}",
                            (unsigned long long)(published / options.channels + 1), (int)message->size, (const char *)message->data);
        size = (int)dialogue_wrap(text, (unsigned)(published % options.channels), payload, (size_t)size);
        dialogue_say(publisher, text, (size_t)size);
    }
}

static void publish_until(struct connection *publisher, uint64_t began, uint64_t end)
{
    while (now_ns() < end) {
        traffic_turn(1);
        publish_due(publisher, began);
    }
}

/* A reset, as of a machine that has gone: the server gets no closing handshake. */
static void cut(struct connection *c)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->stream.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_stream(&c->stream);
    c->phase = CLOSED;
}

static void come_back(struct connection *c)
{
    struct connection before = *c;
    free(before.text);
    free(before.pong);
    free(before.payload);
    traffic_begin(c, before.index);
    c->coming_back = true;
    c->position = before.position;
    memcpy(c->epoch, before.epoch, sizeof c->epoch);
}

static uint64_t expected_deliveries(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= options.connections; i++) {
        unsigned channel = i % options.channels;
        sum += published / options.channels + (published % options.channels > channel);
    }
    return sum;
}

void measure_cut(void)
{
    unsigned count = options.connections;
    traffic_open(count + 1);
    struct connection *all = traffic_connections(), *publisher = &all[count];
    struct cpu from = server_cpu(&options.server);
    uint64_t began = now_ns(), cut_at = began + (uint64_t)(options.warmup * 1e9);
    publish_until(publisher, began, cut_at);
    for (unsigned i = 0; i < count; i++)
        cut(&all[i]);
    cut_at = now_ns();
    for (unsigned i = 0; i < count; i++) {
        uint64_t due = cut_at + (uint64_t)(options.spread * 1e9 * i / count);
        publish_until(publisher, began, due);
        come_back(&all[i]);
    }
    while (recovered < count)
        publish_until(publisher, began, now_ns() + SECOND / 1000);
    publish_until(publisher, began, now_ns() + (uint64_t)(options.duration * 1e9));
    while (acknowledged < published || deliveries < expected_deliveries())
        traffic_turn(10);
    /* Whatever should not come would come now. */
    uint64_t end = now_ns();
    while (now_ns() < end + SECOND / 4)
        traffic_turn(10);
    struct cpu to = server_cpu(&options.server);
    printf("{\"event\": \"result\", \"mode\": \"cut\", \"connections\": %u, \"published\": %llu, \"deliveries\": %llu, "
           "\"missed\": %llu, \"recovered_seconds\": %.6f, \"return_us\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}, "
           "\"seconds\": %.6f, \"cpu_seconds\": %.9f}\n",
           count, (unsigned long long)published, (unsigned long long)deliveries, (unsigned long long)missed,
           (double)(last_recovered - cut_at) / 1e9, (double)histogram_quantile(&returning, 0.5) / 1e3,
           (double)histogram_quantile(&returning, 0.99) / 1e3, (double)returning.highest / 1e3, (double)(end - began) / 1e9,
           (double)(to.total_ns - from.total_ns) / 1e9);
}
