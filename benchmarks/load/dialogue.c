#define _GNU_SOURCE
#include "dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "cut.h"
#include "failure.h"
#include "options.h"
#include "script.h"

enum { STEPS_MAX = 16, LINE_MAX_SIZE = 8192, CHECK_EVERY = 64, SHOWN = 300, NUMBER_MAX = 20, TEXT_FRAME = 0x81 };

struct text {
    char *data;
    size_t size;
};

struct step {
    bool send;
    struct text text;
};

struct greeting {
    struct step steps[STEPS_MAX];
    unsigned count;
};

static struct greeting first, again;
static struct text send_template, expect, also, ping, pong;
static bool acks;

static struct text copy(const char *data)
{
    struct text text = {strdup(data), strlen(data)};
    return text;
}

static bool begins(const char *data, size_t size, struct text prefix)
{
    return size >= prefix.size && !memcmp(data, prefix.data, prefix.size);
}

static void add_step(struct greeting *greeting, bool send, const char *text)
{
    if (greeting->count == STEPS_MAX)
        fail("%s: more than %d steps", options.dialogue, STEPS_MAX);
    greeting->steps[greeting->count++] = (struct step){send, copy(text)};
}

static void take_line(const char *keyword, const char *text)
{
    static const struct {
        const char *keyword;
        struct text *text;
    } texts[] = {{"send", &send_template}, {"expect", &expect}, {"also", &also}, {"ping", &ping}, {"pong", &pong}};
    if (!strcmp(keyword, ">") || !strcmp(keyword, "<")) {
        add_step(&first, *keyword == '>', text);
        return;
    }
    if (!strcmp(keyword, ">>") || !strcmp(keyword, "<<")) {
        add_step(&again, *keyword == '>', text);
        return;
    }
    if (!strcmp(keyword, "acks")) {
        acks = true;
        return;
    }
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(keyword, texts[i].keyword)) {
            *texts[i].text = copy(text);
            return;
        }
    fail("%s: not a keyword: %s", options.dialogue, keyword);
}

void load_dialogue(void)
{
    if (!options.dialogue)
        return;
    FILE *file = fopen(options.dialogue, "r");
    if (!file)
        fail("cannot open %s", options.dialogue);
    char line[LINE_MAX_SIZE];
    while (fgets(line, sizeof line, file)) {
        size_t size = strcspn(line, "\n");
        if (!line[size])
            fail("%s: a line of more than %d bytes, or without an end", options.dialogue, LINE_MAX_SIZE - 2);
        line[size] = '\0';
        char *space = strchr(line, ' ');
        if (space)
            *space = '\0';
        take_line(line, space ? space + 1 : "");
    }
    fclose(file);
    if (!send_template.data)
        send_template = copy("%s");
    if (!expect.data)
        expect = copy("");
}

/* Fills a template; NULL for `c` where it stands for no connection of its own. */
static size_t fill(char *to, const struct text *template, unsigned channel, const struct connection *c, const void *payload, size_t size)
{
    char *at = to;
    for (const char *from = template->data, *end = from + template->size; from < end; from++) {
        char kind = *from == '%' ? from[1] : '\0';
        if (kind == 's' && payload)
            at = mempcpy(at, payload, size);
        else if (kind == 'n')
            *at++ = '\n';
        else if (kind == 'u')
            at += sprintf(at, "%u", channel);
        else if (kind == 'o' && c)
            at += sprintf(at, "%llu", (unsigned long long)c->position);
        else if (kind == 'e' && c)
            at = stpcpy(at, c->epoch);
        else {
            *at++ = *from;
            continue;
        }
        from++;
    }
    return (size_t)(at - to);
}

size_t dialogue_overhead(void)
{
    return send_template.size + NUMBER_MAX;
}

size_t dialogue_wrap(char *to, unsigned channel, const void *payload, size_t size)
{
    return fill(to, &send_template, channel, NULL, payload, size);
}

void dialogue_say(struct connection *c, const char *text, size_t size)
{
    uint8_t frame[LINE_MAX_SIZE + 2 * EPOCH_MAX + FRAME_HEADER_MAX];
    if (size > sizeof frame - FRAME_HEADER_MAX)
        fail("a line of the dialogue has %zu bytes", size);
    size_t whole = write_frame(frame, TEXT_FRAME, (const uint8_t *)text, size);
    if (connection_blocked(c) || write_stream(&c->stream, frame, whole) != whole)
        fail("the kernel does not take %zu bytes of connection %u", whole, c->index);
}

/* Sends until something is to be waited for. */
static void greet_further(struct connection *c)
{
    const struct greeting *greeting = c->coming_back ? &again : &first;
    char text[LINE_MAX_SIZE + 2 * EPOCH_MAX];
    for (; c->step < greeting->count && greeting->steps[c->step].send; c->step++)
        dialogue_say(c, text, fill(text, &greeting->steps[c->step].text, c->channel, c, NULL, 0));
    if (c->step == greeting->count)
        c->phase = EXCHANGING;
}

void dialogue_greet(struct connection *c)
{
    c->phase = GREETING;
    c->channel = c->index % options.channels;
    c->step = 0;
    greet_further(c);
}

static void take_greeting(struct connection *c, const char *line, size_t size)
{
    const struct step *step = &(c->coming_back ? &again : &first)->steps[c->step];
    if (!begins(line, size, step->text))
        fail("connection %u was answered `%.*s` instead of `%s`", c->index, (int)(size < SHOWN ? size : SHOWN), line,
             step->text.data);
    c->step++;
    greet_further(c);
}

static unsigned take_counted(struct connection *c, const char *line, size_t size)
{
    const struct message *message = &script.messages[c->expected];
    if (c->received % CHECK_EVERY == 0 && !acks) {
        if (!memmem(line, size, message->data, message->size))
            fail("message %llu of connection %u does not hold what was sent: %.*s", (unsigned long long)c->received, c->index,
                 (int)(size < SHOWN ? size : SHOWN), line);
        messages_checked++;
    }
    c->received++;
    if (++c->expected == script.count)
        c->expected = 0;
    return 1;
}

static unsigned take_unit(struct connection *c, const char *line, size_t size)
{
    if (ping.size && size == ping.size && begins(line, size, ping)) {
        connection_pong(c, TEXT_FRAME, pong.data, pong.size);
        return 0;
    }
    if (options.mode == CUT)
        cut_note(c, line, size);
    if (c->phase == GREETING) {
        take_greeting(c, line, size);
        return 0;
    }
    if (begins(line, size, expect))
        return options.mode == CUT ? 1 : take_counted(c, line, size);
    if (!also.data || !begins(line, size, also))
        fail("connection %u got `%.*s`", c->index, (int)(size < SHOWN ? size : SHOWN), line);
    return 0;
}

unsigned dialogue_take(struct connection *c, const char *data, size_t size)
{
    unsigned counted = 0;
    for (const char *end = data + size, *line = data; line < end;) {
        const char *feed = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((feed ? feed : end) - line);
        counted += take_unit(c, line, length);
        line += length + 1;
    }
    return counted;
}

const char *dialogue_value(const char *text, const char *end, const char *name)
{
    const char *found = memmem(text, (size_t)(end - text), name, strlen(name));
    return found ? found + strlen(name) : NULL;
}
