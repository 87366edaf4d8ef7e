#include "dataplane/commands.h"

#include <errno.h>
#include <string.h>

#include "dataplane/commands_private.h"
#include "dataplane/events.h"
#include "dataplane/worker.h"

/* Runs one command. 0, or a negative errno, which *ret_reason may explain. */
typedef int (*command_fn)(struct worker *worker, const Km__Command *command, const char **ret_reason);

int command_find_transport(struct worker *worker, shm_handle handle, struct transport **ret_transport,
                           const char **ret_reason)
{
    *ret_transport = transport_find(&worker->transports, handle);
    if (*ret_transport)
        return 0;
    *ret_reason = "no such transport";
    return -ENOENT;
}

int command_explain_install(int error, const char **ret_reason)
{
    switch (error) {
    case -ERANGE:
        *ret_reason = "handle beyond the table";
        break;
    case -ESTALE:
        *ret_reason = "handle of the past";
        break;
    case -EEXIST:
        *ret_reason = "handle, SSRC, MID or extension id is taken";
        break;
    case -ENOSPC:
        *ret_reason = "too many producers on one transport";
        break;
    case -EINVAL:
        *ret_reason = "an encoding has neither SSRC nor RID to be told by";
        break;
    default:
        break;
    }
    return error;
}

static const command_fn commands[] = {
    [KM__COMMAND__BODY_INSTALL_TRANSPORT] = command_install_transport,
    [KM__COMMAND__BODY_REMOVE_TRANSPORT] = command_remove_transport,
    [KM__COMMAND__BODY_SET_ICE_CREDENTIALS] = command_set_ice_credentials,
    [KM__COMMAND__BODY_SELECT_TUPLE] = command_select_tuple,
    [KM__COMMAND__BODY_INSTALL_KEYS] = command_install_keys,
    [KM__COMMAND__BODY_INSTALL_PRODUCER] = command_install_producer,
    [KM__COMMAND__BODY_REMOVE_PRODUCER] = command_remove_producer,
    [KM__COMMAND__BODY_PAUSE_PRODUCER] = command_pause_producer,
    [KM__COMMAND__BODY_INSTALL_CONSUMER] = command_install_consumer,
    [KM__COMMAND__BODY_REMOVE_CONSUMER] = command_remove_consumer,
    [KM__COMMAND__BODY_PAUSE_CONSUMER] = command_pause_consumer,
    [KM__COMMAND__BODY_REQUEST_KEY_FRAME] = command_request_key_frame,
    [KM__COMMAND__BODY_MIRROR_PRODUCER] = command_mirror_producer,
    [KM__COMMAND__BODY_SET_FOLLOWER] = command_set_follower,
    [KM__COMMAND__BODY_CONNECT_PLAIN] = command_connect_plain,
};

/* All bodies are messages, of which the oneof holds the address. */
static command_fn find_function(const Km__Command *command)
{
    size_t body = (size_t)command->body_case;

    return body < sizeof(commands) / sizeof(commands[0]) && command->install_transport ? commands[body]
                                                                                       : NULL;
}

/* The record is copied before it is read, since control could still write to it, and wiped, since it may hold
 * keys. */
static Km__Command *unpack(struct worker *worker, void *record, uint32_t length)
{
    uint8_t *copy = arena_alloc(&worker->arena, length);

    if (copy)
        memcpy(copy, record, length);
    explicit_bzero(record, length);
    return copy ? km__command__unpack(&worker->arena.allocator, length, copy) : NULL;
}

struct answer {
    uint64_t sequence;
    int error;
    const char *reason;
};

static struct answer run(struct worker *worker, void *record, uint32_t length)
{
    struct answer answer = {.error = -EOPNOTSUPP, .reason = "unknown command"};
    Km__Command *command = unpack(worker, record, length);

    worker->totals.commands++;
    if (!command)
        return (struct answer){.error = -EBADMSG, .reason = "not a command"};
    answer.sequence = command->sequence;
    command_fn function = find_function(command);
    if (function) {
        answer.reason = NULL;
        answer.error = function(worker, command, &answer.reason);
    }
    return answer;
}

uint32_t commands_run(struct worker *worker)
{
    uint32_t count = 0;
    uint32_t length;
    const void *record;

    while (count < COMMANDS_BATCH && (record = ring_peek(&worker->commands, &length)) &&
           events_have_room(worker)) {
        struct answer answer = run(worker, (void *)record, length);
        egress_flush(worker); /* the next command may remove what a queued packet belongs to */
        arena_reset(&worker->arena);
        /* Released first: a command that was answered is never found again, wiped, by a next process. */
        ring_release(&worker->commands);
        events_ack(worker, answer.sequence, answer.error, answer.reason);
        count++;
    }
    return count;
}
