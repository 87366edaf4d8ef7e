#include <stdio.h>
#include <string.h>

#include "control/console/commands.h"
#include "control/console/find.h"
#include "control/forwarder/numbers.h"
#include "control/log.h"

#define CANDIDATES_MAX 256

struct completion {
    const struct command_context *context;
    const char *word;
    json_t *candidates;
};

static int add(struct completion *completion, const char *candidate)
{
    if (strncmp(candidate, completion->word, strlen(completion->word)) != 0)
        return 0;
    if (json_array_size(completion->candidates) >= CANDIDATES_MAX)
        return 1;
    json_array_append_new(completion->candidates, json_string(candidate));
    return 0;
}

static int add_found(void *context, const struct found *found)
{
    return add(context, found->id);
}

static void add_commands(struct completion *completion)
{
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)); i++)
        if (command->run != command_complete)
            add(completion, command->name);
}

static void add_levels(struct completion *completion, const char *before)
{
    char text[64];
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        snprintf(text, sizeof(text), "%s%s", before, log_level_name((enum log_level)level));
        add(completion, text);
    }
}

static void add_tags(struct completion *completion)
{
    const char *tag;
    char text[64];
    for (size_t i = 0; (tag = log_tag_name(i)); i++) {
        snprintf(text, sizeof(text), "%s=", tag);
        add_levels(completion, text);
        snprintf(text, sizeof(text), "%s=on", tag);
        add(completion, text);
        snprintf(text, sizeof(text), "%s=off", tag);
        add(completion, text);
    }
}

static void add_kinds(struct completion *completion)
{
    for (unsigned kind = FOUND_ROOM; kind <= FOUND_CONSUMER; kind <<= 1)
        add(completion, find_kind_name((enum found_kind)kind));
    add(completion, "worker");
}

static void add_workers(struct completion *completion)
{
    char number[16];
    for (uint32_t i = 0; i < numbers_worker_count(completion->context->forwarder); i++) {
        snprintf(number, sizeof(number), "%u", (unsigned)i);
        add(completion, number);
    }
}

static void add_arguments(struct completion *completion, unsigned completes, const char *word_before)
{
    if (completes & COMPLETES_THAT) {
        completes |= find_kind_parse(word_before);
        if (strcmp(word_before, "worker") == 0)
            add_workers(completion);
    }
    if (completes & COMPLETES_COMMANDS)
        add_commands(completion);
    if (completes & COMPLETES_LEVELS)
        add_levels(completion, "");
    if (completes & COMPLETES_TAGS)
        add_tags(completion);
    if (completes & COMPLETES_KINDS)
        add_kinds(completion);
    if (completes & FOUND_ANY)
        find_each(completion->context->rooms, completes & FOUND_ANY, completion->word, add_found, completion);
}

/* The words of a line so far, of which the last, maybe "", is to be completed. */
json_t *command_complete(struct command_call *call)
{
    struct completion completion = {call->context, call->count ? call->arguments[call->count - 1] : "",
                                    json_array()};
    if (call->count <= 1) {
        add_commands(&completion);
        return completion.candidates;
    }
    const struct command *command = command_find(call->arguments[0]);
    size_t position = call->count - 2;
    if (command && position < command->arguments_max)
        add_arguments(&completion, command->completes[position > 0], call->arguments[call->count - 2]);
    return completion.candidates;
}
