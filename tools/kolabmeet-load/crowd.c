#include "tools/kolabmeet-load/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"

#define FAILURES_TOLD 5

static void took_room(void *context, int status, const json_t *body)
{
    struct crowd_room *room = context;
    const char *id = json_string_value(json_object_get(body, "id"));

    if (status != 200 || !id) {
        fprintf(stderr, "kolabmeet-load: the API makes no room: status %d\n", status);
        room->crowd->failed++;
        return;
    }
    snprintf(room->id, sizeof room->id, "%s", id);
    room->crowd->rooms_open++;
}

void crowd_init(struct crowd *crowd, struct world *world)
{
    const struct options *options = world->options;

    memset(crowd, 0, sizeof *crowd);
    crowd->world = world;
    crowd->rooms = memory_take(options->rooms, sizeof *crowd->rooms);
    crowd->subscribers = options->subscribers;
    crowd->video_rate = options->video.packets_per_second;
    crowd->last_ns = world->loop.now_ns;
    for (size_t i = 0; i < options->rooms; i++) {
        crowd->rooms[i].crowd = crowd;
        api_client_post(world->api, "/sessions", NULL, took_room, &crowd->rooms[i]);
    }
}

void crowd_deinit(struct crowd *crowd)
{
    for (size_t i = 0; crowd->rooms && i < crowd->world->options->rooms; i++) {
        struct crowd_room *room = &crowd->rooms[i];
        while (room->count > 0)
            participant_destroy(room->people[--room->count]);
        free(room->people);
    }
    free(crowd->rooms);
    crowd->rooms = NULL;
}

void crowd_want_subscribers(struct crowd *crowd, uint32_t subscribers)
{
    crowd->subscribers = subscribers;
}

static void is_ready(void *context, uint64_t join_ns)
{
    struct crowd *crowd = context;
    crowd->ready++;
    histogram_add(&crowd->joins, join_ns);
}

static void has_failed(void *context, const char *reason)
{
    struct crowd *crowd = context;
    if (crowd->failed++ < FAILURES_TOLD)
        fprintf(stderr, "kolabmeet-load: a participant failed: %s\n", reason);
}

static size_t wanted(const struct crowd *crowd)
{
    return crowd->world->options->publishers + crowd->subscribers;
}

static void add_person(struct crowd *crowd, struct crowd_room *room)
{
    static const struct participant_handler handler = {is_ready, has_failed};
    const struct options *options = crowd->world->options;
    bool publishes = room->count < options->publishers;

    if (room->count == room->capacity) {
        room->capacity = room->capacity > 0 ? 2 * room->capacity : 8;
        room->people = memory_resize(room->people, room->capacity, sizeof(struct participant *));
    }
    struct participant *person = participant_create(
        crowd->world, room->id, publishes, !publishes || options->publishers_subscribe, &handler, crowd);
    room->people[room->count++] = person;
    participant_send(person, crowd->is_sending);
    crowd->begun++;
}

/* What was under way to one who leaves is not missed. */
static void add_gone(const struct participant *person, struct loss_sum *gone)
{
    struct loss_sum losses = {0};

    participant_add_losses(person, false, &losses);
    losses.sinks = losses.silent = 0;
    loss_sum_merge(gone, &losses);
}

static void remove_last(struct crowd *crowd, struct crowd_room *room)
{
    struct participant *person = room->people[--room->count];

    packet_io_flush(crowd->world->io);
    add_gone(person, &crowd->gone);
    crowd->begun--;
    if (person->state == PARTICIPANT_READY)
        crowd->ready--;
    participant_destroy(person);
}

static void remove_at(struct crowd *crowd, struct crowd_room *room, size_t at)
{
    struct participant *person = room->people[at];

    room->people[at] = room->people[room->count - 1];
    room->people[room->count - 1] = person;
    remove_last(crowd, room);
}

/* The room with the fewest, so that all fill evenly; NULL when all are full. */
static struct crowd_room *emptiest(struct crowd *crowd)
{
    struct crowd_room *found = NULL;

    for (size_t i = 0; i < crowd->world->options->rooms; i++) {
        struct crowd_room *room = &crowd->rooms[i];
        if (room->count < wanted(crowd) && (!found || room->count < found->count))
            found = room;
    }
    return found;
}

bool crowd_advance(struct crowd *crowd)
{
    const struct options *options = crowd->world->options;
    uint64_t now_ns = crowd->world->loop.now_ns;

    if (crowd->rooms_open < options->rooms) {
        crowd->last_ns = now_ns;
        return false;
    }
    for (size_t i = 0; i < options->rooms; i++)
        while (crowd->rooms[i].count > wanted(crowd))
            remove_last(crowd, &crowd->rooms[i]);
    crowd->due += (double)(now_ns - crowd->last_ns) * options->ramp / CLOCK_SECOND_NS;
    crowd->last_ns = now_ns;
    struct crowd_room *room = emptiest(crowd);
    while (room && crowd->due >= 1) {
        add_person(crowd, room);
        crowd->due -= 1;
        room = emptiest(crowd);
    }
    if (!room)
        crowd->due = 0;
    return !room && crowd->ready == crowd->begun;
}

bool crowd_drop_failed(struct crowd *crowd)
{
    const struct options *options = crowd->world->options;

    for (size_t i = 0; i < options->rooms; i++) {
        struct crowd_room *room = &crowd->rooms[i];
        for (size_t j = room->count; j-- > 0;) {
            if (room->people[j]->state != PARTICIPANT_FAILED)
                continue;
            if (j < options->publishers)
                return false;
            remove_at(crowd, room, j);
        }
    }
    crowd->failed = 0;
    return true;
}

void crowd_churn(struct crowd *crowd)
{
    const struct options *options = crowd->world->options;
    uint64_t now_ns = crowd->world->loop.now_ns;

    if (crowd->churn_ns != 0)
        crowd->churn_due += (double)(now_ns - crowd->churn_ns) * options->churn / CLOCK_SECOND_NS;
    crowd->churn_ns = now_ns;
    for (; crowd->churn_due >= 1; crowd->churn_due -= 1) {
        struct crowd_room *room = &crowd->rooms[crowd->left % options->rooms];
        if (room->count <= options->publishers)
            continue;
        size_t subscribers = room->count - options->publishers;
        remove_at(crowd, room, options->publishers + crowd->left / options->rooms % subscribers);
        crowd->left++;
    }
}

void crowd_send(struct crowd *crowd, bool is_sending)
{
    crowd->is_sending = is_sending;
    for (size_t i = 0; i < crowd->world->options->rooms; i++)
        for (size_t j = 0; j < crowd->rooms[i].count; j++)
            participant_send(crowd->rooms[i].people[j], is_sending);
}

void crowd_set_video_rate(struct crowd *crowd, double packets_per_second)
{
    crowd->video_rate = packets_per_second;
    for (size_t i = 0; i < crowd->world->options->rooms; i++)
        for (size_t j = 0; j < crowd->rooms[i].count; j++)
            participant_set_video_rate(crowd->rooms[i].people[j], packets_per_second);
}

void crowd_mark(struct crowd *crowd)
{
    crowd->gone = (struct loss_sum){0};
    crowd->shared_drops_before = udp_pool_shared_drops(&crowd->world->pool);
    flow_table_mark(&crowd->world->flows);
    for (size_t i = 0; i < crowd->world->options->rooms; i++)
        for (size_t j = 0; j < crowd->rooms[i].count; j++)
            participant_mark(crowd->rooms[i].people[j]);
}

void crowd_sum(const struct crowd *crowd, bool is_over, struct loss_sum *ret_sum)
{
    *ret_sum = crowd->gone;
    for (size_t i = 0; i < crowd->world->options->rooms; i++)
        for (size_t j = 0; j < crowd->rooms[i].count; j++)
            participant_add_losses(crowd->rooms[i].people[j], is_over, ret_sum);
    loss_sum_own(ret_sum, udp_pool_shared_drops(&crowd->world->pool) - crowd->shared_drops_before);
}

uint64_t crowd_consumers(const struct crowd *crowd)
{
    struct options now = *crowd->world->options;
    now.subscribers = crowd->subscribers;
    return options_consumers(&now);
}
