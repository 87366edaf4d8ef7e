/* The commands of the console: one table, each row a function in the file of its subject. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "control/console/usage.h"

#define COMMAND_ARGUMENTS_MAX 16
#define COMMAND_ERROR_BYTES 256

struct drain;
struct forwarder;
struct rooms;

/* What commands look at and act on; and what they remember. */
struct command_context {
    struct rooms *rooms;
    struct forwarder *forwarder;
    struct drain *drain;
    struct usage control_usage;
    struct usage forwarder_usage;
};

struct command_call {
    struct command_context *context;
    const char *arguments[COMMAND_ARGUMENTS_MAX];
    size_t count;
    char error[COMMAND_ERROR_BYTES]; /* why there is no result */
};

/* A new reference; or NULL with the reason in call->error. */
typedef json_t *(*command_fn)(struct command_call *call);

/* What may stand in an argument's place, for completion: enum found_kind, or of these. */
enum command_completes {
    COMPLETES_KINDS = 0x100, /* names of enum found_kind, and worker */
    COMPLETES_THAT = 0x200,  /* ids of the kind that the argument before names */
    COMPLETES_COMMANDS = 0x400,
    COMPLETES_LEVELS = 0x800,
    COMPLETES_TAGS = 0x1000, /* TAG=LEVEL */
};

struct command {
    const char *name;
    const char *arguments;
    const char *help;
    size_t arguments_min, arguments_max;
    command_fn run;
    unsigned completes[2]; /* the first two arguments; those after them are as the second */
};

/* The row of that name, or NULL. */
const struct command *command_find(const char *name);
/* The rows in the order of the help; NULL beyond the last. */
const struct command *command_at(size_t index);

/* Does what one request asks for: {"command":…,"arguments":[…]}, where arguments are strings and may be
 * missing. The answer is {"ok":true,"result":…}, or {"ok":false,"code":…,"error":…} with the codes
 *   request  the line is no request;
 *   usage    no such command, or arguments that it does not take;
 *   failed   the command could not do it;
 * and, before any request: denied, for a user who may not ask, and busy, when there are too many clients.
 * A new reference; NULL when out of memory. */
json_t *command_answer(struct command_context *context, const char *line, size_t length);

/* The answer to what was no request at all. */
json_t *command_refusal(const char *code, const char *error);
