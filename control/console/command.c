#include "control/console/command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "control/console/commands.h"
#include "control/console/find.h"
#include "control/json_input.h"

static json_t *command_help(struct command_call *call);

static const struct command commands[] = {
    {"help", "[COMMAND]", "this list", 0, 1, command_help, {COMPLETES_COMMANDS, 0}},
    {"usage", "", "CPU and memory of both processes", 0, 0, command_usage, {0, 0}},
    {"stats",
     "[[KIND] ID]",
     "how many rooms and peers; or what the forwarder has counted of one thing",
     0,
     2,
     command_stats,
     {COMPLETES_KINDS | FOUND_ANY, COMPLETES_THAT}},
    {"dump",
     "[KIND] ID",
     "what control knows of a room, peer, transport, producer, consumer or worker",
     1,
     2,
     command_dump,
     {COMPLETES_KINDS | FOUND_ANY, COMPLETES_THAT}},
    {"rooms", "", "all rooms, oldest first", 0, 0, command_rooms, {0, 0}},
    {"peers", "[ROOM]", "all peers, or those of a room", 0, 1, command_peers, {FOUND_ROOM, 0}},
    {"logLevel",
     "[LEVEL]",
     "shows or sets what both processes log: error, warn, info or debug",
     0,
     1,
     command_log_level,
     {COMPLETES_LEVELS, 0}},
    {"logTags",
     "[TAG=LEVEL]...",
     "a level for single tags, of which worker, drops and handover are the forwarder's; also on: as logLevel "
     "says, off: errors only",
     0,
     COMMAND_ARGUMENTS_MAX,
     command_log_tags,
     {COMPLETES_TAGS, COMPLETES_TAGS}},
    {"kick", "PEER", "disconnects a peer for good", 1, 1, command_kick, {FOUND_PEER, 0}},
    {"close", "ROOM", "closes a room, whoever is in it", 1, 1, command_close, {FOUND_ROOM, 0}},
    {"drain",
     "",
     "lets nothing new in, and ends the server when the last room has closed",
     0,
     0,
     command_drain,
     {0, 0}},
    {"undrain", "", "goes on as before drain", 0, 0, command_undrain, {0, 0}},
    {"complete",
     "[WORD]...",
     "what the last word may become, for kolabmeetctl",
     0,
     COMMAND_ARGUMENTS_MAX,
     command_complete,
     {0, 0}},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *command_at(size_t index)
{
    return index < COMMAND_COUNT ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static json_t *command_help(struct command_call *call)
{
    json_t *list = json_array();
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = &commands[i];
        bool is_wanted =
            call->count ? strcmp(command->name, call->arguments[0]) == 0 : command->run != command_complete;
        if (is_wanted)
            json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "command", command->name, "arguments",
                                                  command->arguments, "help", command->help));
    }
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    snprintf(call->error, sizeof(call->error), "no command \"%.64s\"", call->arguments[0]);
    return NULL;
}

int command_find_one(struct command_call *call, unsigned kinds, const char *prefix, struct found *ret_found)
{
    int error = find_one(call->context->rooms, kinds, prefix, ret_found);
    const char *what = kinds & (kinds - 1) ? "thing" : find_kind_name((enum found_kind)kinds);
    if (error == -ENOTUNIQ)
        snprintf(call->error, sizeof(call->error), "more than one %s begins with \"%.64s\"", what, prefix);
    else if (error)
        snprintf(call->error, sizeof(call->error), "no %s begins with \"%.64s\"", what, prefix);
    return error;
}

json_t *command_refusal(const char *code, const char *error)
{
    /* What the error repeats of a request may be no UTF-8 once it is cut. */
    json_t *text = json_string(error);
    return json_pack("{s:b,s:s,s:o}", "ok", 0, "code", code, "error",
                     text ? text : json_string("bad argument"));
}

static int read_arguments(const json_t *list, struct command_call *call)
{
    if (list && !json_is_array(list))
        return -EINVAL;
    if (json_array_size(list) > COMMAND_ARGUMENTS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < json_array_size(list); i++) {
        call->arguments[call->count] = json_input_text(json_array_get(list, i));
        if (!call->arguments[call->count++])
            return -EINVAL;
    }
    return 0;
}

static json_t *run(struct command_context *context, const json_t *request)
{
    struct command_call call = {.context = context};
    const char *name = json_input_text(json_object_get(request, "command"));
    if (!name || read_arguments(json_object_get(request, "arguments"), &call))
        return command_refusal("request", "send {\"command\": a name, \"arguments\": up to 16 strings}");
    const struct command *command = command_find(name);
    if (!command) {
        snprintf(call.error, sizeof(call.error), "no command \"%.64s\"; see help", name);
        return command_refusal("usage", call.error);
    }
    if (call.count < command->arguments_min || call.count > command->arguments_max) {
        snprintf(call.error, sizeof(call.error), "usage: %s %s", command->name, command->arguments);
        return command_refusal("usage", call.error);
    }
    json_t *result = command->run(&call);
    if (!result)
        return command_refusal("failed", *call.error ? call.error : "out of memory");
    return json_pack("{s:b,s:o}", "ok", 1, "result", result);
}

json_t *command_answer(struct command_context *context, const char *line, size_t length)
{
    json_t *request;
    if (json_input_parse(line, length, &request))
        return command_refusal("request", "the line is no JSON object");
    json_t *answer = run(context, request);
    json_decref(request);
    return answer;
}
