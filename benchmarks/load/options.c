#define _GNU_SOURCE
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

const char *const mode_names[MODES] = {
    [ECHO] = "echo", [FANOUT] = "fanout", [OPEN] = "open", [CHURN] = "churn", [IDLE] = "idle", [CUT] = "cut"};

struct options options = {
    .path = "/",
    .channels = 1,
    .publish_rate = 100,
    .spread = 2,
    .connections = 1,
    .in_flight = 1,
    .concurrency = 64,
    .warmup = 0.5,
    .duration = 2,
    .limit = 60,
    .max_messages = UINT64_MAX,
};

static const char help[] =
    "Usage: load-client MODE --port PORT --messages FILE [options]\n"
    "\n"
    "Loads a WebSocket server on 127.0.0.1 and prints what it measured as JSON.\n"
    "\n"
    "Modes:\n"
    "  echo     each connection sends, the server answers each message with the same\n"
    "  fanout   the first connection sends, the server sends the same to every connection\n"
    "  open     opens the connections, measures what that cost, and holds them\n"
    "  churn    opens each connection and closes it again, measures what that cost\n"
    "  idle     opens the connections and holds them; then reads commands, one a line:\n"
    "           `echo N`: each connection echoes N messages; `stop`, or the end of input: leaves\n"
    "  cut      one connection more publishes; after the warm-up all others are cut at once, come back and recover; fails\n"
    "           unless each has every acknowledged message once and in order (see cut.c)\n"
    "\n"
    "Options:\n"
    "  --port PORT[,PORT]    of the server; several: connections take them in turn\n"
    "  --path PATH           and query, that are asked for (/)\n"
    "  --messages FILE       messages to send in turn: for each its length (32 bits, little-endian) and its bytes\n"
    "  --connections N       (1)\n"
    "  --in-flight N         unanswered messages for each connection; fanout: messages not yet with all (1)\n"
    "  --concurrency N       handshakes at a time; idle: connections that echo at a time (64)\n"
    "  --text                send text messages, not binary ones\n"
    "  --extensions OFFER    a Sec-WebSocket-Extensions header that offers permessage-deflate; the server must accept\n"
    "  --tls                 wss: any certificate will do\n"
    "  --dialogue FILE       the application protocol above the frames (see dialogue.h); without, what is sent comes back\n"
    "  --channels N          connection I is in channel I modulo N: %u in the dialogue (1)\n"
    "  --publish-rate N      cut: messages a second, over all channels (100)\n"
    "  --spread SECONDS      cut: over which the connections come back (2)\n"
    "  --warmup SECONDS      not measured (0.5)\n"
    "  --duration SECONDS    measured; longer where there are not ten messages for each connection by then (2)\n"
    "  --max-messages N      ends the measurement earlier (no bound)\n"
    "  --limit SECONDS       fails when the whole run takes longer, except while idle (60)\n"
    "  --server-pids P,P     processes whose processor time is read\n";

static void parse_pids(char *list)
{
    for (char *pid = strtok(list, ","); pid; pid = strtok(NULL, ",")) {
        if (options.server.count == PIDS_MAX)
            fail("more than %d server processes", PIDS_MAX);
        options.server.pids[options.server.count++] = (pid_t)atoi(pid);
    }
}

static unsigned long long number(const char *name, const char *text, unsigned long long highest)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || end == text || *text == '-' || !value || value > highest)
        fail("--%s: not a number from 1 to %llu: %s", name, highest, text);
    return value;
}

static void parse_ports(const char *name, char *list)
{
    for (char *port = strtok(list, ","); port; port = strtok(NULL, ",")) {
        if (options.port_count == PORTS_MAX)
            fail("more than %d ports", PORTS_MAX);
        options.ports[options.port_count++] = (uint16_t)number(name, port, 65535);
    }
}

static double seconds(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || !(value >= 0 && value <= 3600))
        fail("--%s: not a number of seconds from 0 to 3600: %s", name, text);
    return value;
}

static enum mode parse_mode(const char *name)
{
    for (unsigned i = 0; i < MODES; i++)
        if (!strcmp(name, mode_names[i]))
            return (enum mode)i;
    fail("no such mode: %s", name);
}

void parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},       {"messages", required_argument, NULL, 'm'},
        {"connections", required_argument, NULL, 'c'}, {"in-flight", required_argument, NULL, 'f'},
        {"concurrency", required_argument, NULL, 'C'}, {"text", no_argument, NULL, 't'},
        {"extensions", required_argument, NULL, 'e'},  {"tls", no_argument, NULL, 's'},
        {"path", required_argument, NULL, 'a'},       {"dialogue", required_argument, NULL, 'D'},
        {"channels", required_argument, NULL, 'n'},   {"publish-rate", required_argument, NULL, 'r'},
        {"spread", required_argument, NULL, 'S'},
        {"warmup", required_argument, NULL, 'w'},      {"duration", required_argument, NULL, 'd'},
        {"max-messages", required_argument, NULL, 'M'}, {"limit", required_argument, NULL, 'l'},
        {"server-pids", required_argument, NULL, 'P'}, {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        const char *name = option == '?' ? "" : names[index].name;
        switch (option) {
        case 'p': parse_ports(name, optarg); break;
        case 'a': options.path = optarg; break;
        case 'm': options.messages = optarg; break;
        case 'c': options.connections = (unsigned)number(name, optarg, 1000000); break;
        case 'f': options.in_flight = (unsigned)number(name, optarg, 1024); break;
        case 'C': options.concurrency = (unsigned)number(name, optarg, 4096); break;
        case 't': options.text = true; break;
        case 'e': options.extensions = optarg; break;
        case 's': options.tls = true; break;
        case 'D': options.dialogue = optarg; break;
        case 'n': options.channels = (unsigned)number(name, optarg, 1000000); break;
        case 'r': options.publish_rate = (double)number(name, optarg, 1000000); break;
        case 'S': options.spread = seconds(name, optarg); break;
        case 'w': options.warmup = seconds(name, optarg); break;
        case 'd': options.duration = seconds(name, optarg); break;
        case 'M': options.max_messages = number(name, optarg, UINT64_MAX); break;
        case 'l': options.limit = seconds(name, optarg); break;
        case 'P': parse_pids(optarg); break;
        case 'h': fputs(help, stdout); exit(0);
        default: exit(2);
        }
    }
    if (optind + 1 != argc || !options.port_count || !options.messages) {
        fputs(help, stderr);
        exit(2);
    }
    options.mode = parse_mode(argv[optind]);
    if (options.dialogue && options.extensions)
        fail("--dialogue does not go together with --extensions");
    if (options.mode == CUT && !options.dialogue)
        fail("cut needs a --dialogue");
}
