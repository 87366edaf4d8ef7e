#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/console/commands.h"
#include "control/console/describe.h"
#include "control/forwarder/forwarder.h"
#include "control/forwarder/numbers.h"
#include "control/room/peer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

json_t *command_usage(struct command_call *call)
{
    struct command_context *context = call->context;
    pid_t forwarder = numbers_forwarder_pid(context->forwarder);
    return json_pack("{s:o?,s:o?}", "control", usage_look(&context->control_usage, getpid()), "forwarder",
                     usage_look(&context->forwarder_usage, forwarder));
}

static json_t *dump_worker(struct forwarder *forwarder, uint32_t worker)
{
    json_t *numbers = numbers_of_worker(forwarder, worker);
    json_t *dump =
        json_pack("{s:i,s:i,s:i,s:b}", "worker", (int)worker, "forwarderPid",
                  (int)numbers_forwarder_pid(forwarder), "forwarderStarts",
                  (int)numbers_forwarder_starts(forwarder), "healthy", (int)forwarder_is_healthy(forwarder));
    static const char *const keys[] = {"transports", "producers", "consumers"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set(dump, keys[i], json_object_get(numbers, keys[i]));
    json_decref(numbers);
    return dump;
}

/* One worker by its number, or a list of all. */
static json_t *look_at_workers(struct command_call *call, const char *number,
                               json_t *(*look)(struct forwarder *forwarder, uint32_t worker))
{
    struct forwarder *forwarder = call->context->forwarder;
    uint32_t count = numbers_worker_count(forwarder);
    if (number) {
        char *end;
        unsigned long worker = strtoul(number, &end, 10);
        if (*number >= '0' && *number <= '9' && !*end && worker < count)
            return look(forwarder, (uint32_t)worker);
        snprintf(call->error, sizeof(call->error), "no worker \"%.16s\": there are %u, counted from 0",
                 number, (unsigned)count);
        return NULL;
    }
    json_t *list = json_array();
    for (uint32_t worker = 0; worker < count; worker++)
        json_array_append_new(list, look(forwarder, worker));
    return list;
}

static json_t *worker_numbers(struct forwarder *forwarder, uint32_t worker)
{
    json_t *numbers = numbers_of_worker(forwarder, worker);
    return numbers ? numbers : json_pack("{s:i}", "worker", (int)worker);
}

/* [KIND] ID, where the id alone says which kind it is. */
static int find_argument(struct command_call *call, struct found *ret_found)
{
    unsigned kinds = call->count == 2 ? find_kind_parse(call->arguments[0]) : FOUND_ANY;
    if (!kinds) {
        snprintf(call->error, sizeof(call->error),
                 "\"%.64s\" is none of: room, peer, transport, producer, consumer, worker",
                 call->arguments[0]);
        return -EINVAL;
    }
    return command_find_one(call, kinds, call->arguments[call->count - 1], ret_found);
}

json_t *command_dump(struct command_call *call)
{
    struct found found;
    if (strcmp(call->arguments[0], "worker") == 0)
        return look_at_workers(call, call->count == 2 ? call->arguments[1] : NULL, dump_worker);
    return find_argument(call, &found) ? NULL : describe_dump(&found);
}

json_t *command_stats(struct command_call *call)
{
    const struct rooms *rooms = call->context->rooms;
    struct found found;
    if (call->count == 0)
        return json_pack("{s:I,s:I}", "rooms", (json_int_t)rooms_count(rooms), "peers",
                         (json_int_t)rooms_count_peers(rooms));
    if (strcmp(call->arguments[0], "worker") == 0)
        return look_at_workers(call, call->count == 2 ? call->arguments[1] : NULL, worker_numbers);
    return find_argument(call, &found) ? NULL : describe_numbers(call->context->forwarder, &found);
}

json_t *command_rooms(struct command_call *call)
{
    const struct rooms *rooms = call->context->rooms;
    json_t *list = json_array();
    for (struct room *room = rooms_next(rooms, NULL); room; room = rooms_next(rooms, room))
        json_array_append_new(list, describe_room_row(room));
    return list;
}

struct peers_list {
    const struct room *room; /* or NULL: of all */
    json_t *list;
};

static int list_peer(void *context, const struct found *found)
{
    struct peers_list *peers = context;
    if (!peers->room || found->peer->room == peers->room)
        json_array_append_new(peers->list, describe_peer_row(found->peer));
    return 0;
}

json_t *command_peers(struct command_call *call)
{
    struct found found = {.room = NULL};
    if (call->count == 1 && command_find_one(call, FOUND_ROOM, call->arguments[0], &found))
        return NULL;
    struct peers_list peers = {.room = found.room, .list = json_array()};
    find_each(call->context->rooms, FOUND_PEER, "", list_peer, &peers);
    return peers.list;
}
