#include "control/forwarder/channel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/log.h"

#define DRAIN_MAX 256
#define EVENT_MAX 4096u

int channel_init(struct channel *channel, const struct shm_segment *segment, uint32_t worker, int worker_wake,
                 int control_wake)
{
    const struct shm_capacities *c = &segment->capacities;
    struct channel made = {.worker_wake = worker_wake, .control_wake = control_wake};
    int err;

    if ((err = ring_producer_init(&made.commands, shm_segment_at(segment, SHM_SECTION_COMMAND_RING, worker),
                                  c->command_ring_bytes)) != 0 ||
        (err = ring_producer_init(&made.injects, shm_segment_at(segment, SHM_SECTION_INJECT_RING, worker),
                                  c->inject_ring_bytes)) != 0 ||
        (err = ring_consumer_init(&made.events, shm_segment_at(segment, SHM_SECTION_EVENT_RING, worker),
                                  c->event_ring_bytes)) != 0 ||
        (err = ring_consumer_init(&made.punts, shm_segment_at(segment, SHM_SECTION_PUNT_RING, worker),
                                  c->punt_ring_bytes)) != 0)
        return err;
    *channel = made;
    return 0;
}

void channel_wake(struct channel *channel)
{
    static const uint64_t one = 1;
    if (!channel->is_told)
        return;
    channel->is_told = false;
    bool wants = ring_wants_wake(&channel->commands);
    if (ring_wants_wake(&channel->injects) || wants)
        (void)!write(channel->worker_wake, &one, sizeof one);
}

int channel_send(struct channel *channel, Km__Command *command)
{
    size_t length = km__command__get_packed_size(command) + 10; /* the sequence is not in there yet */
    uint8_t *room = ring_reserve(&channel->commands, (uint32_t)length);
    if (!room)
        return -EAGAIN;
    command->sequence = ++channel->sequence;
    length = km__command__pack(command, room);
    ring_commit(&channel->commands, (uint32_t)length);
    channel->is_told = true;
    return 0;
}

int channel_inject(struct channel *channel, const struct shm_address *remote, const uint8_t *data,
                   size_t length)
{
    struct shm_datagram header = {.remote = *remote, .length = (uint32_t)length};
    if (length > SHM_DATAGRAM_MAX)
        return -EMSGSIZE;
    uint8_t *room = ring_reserve(&channel->injects, (uint32_t)(sizeof header + length));
    if (!room)
        return -EAGAIN;
    memcpy(room, &header, sizeof header);
    memcpy(room + sizeof header, data, length);
    ring_commit(&channel->injects, (uint32_t)(sizeof header + length));
    channel->is_told = true;
    return 0;
}

static bool take_event(struct channel *channel, uint32_t worker, const struct channel_handler *handler,
                       void *context)
{
    uint8_t bytes[EVENT_MAX];
    uint32_t length;
    int err = ring_pop(&channel->events, bytes, sizeof bytes, &length);

    if (err == -EAGAIN)
        return false;
    Km__Event *event = err == 0 ? km__event__unpack(NULL, length, bytes) : NULL;
    if (!event) {
        log_every_s(10, log_error, "forwarder", "worker %u sent an event that cannot be read", worker);
        return true;
    }
    handler->on_event(context, worker, event);
    km__event__free_unpacked(event, NULL);
    return true;
}

static bool take_punt(struct channel *channel, uint32_t worker, const struct channel_handler *handler,
                      void *context)
{
    struct {
        struct shm_datagram header;
        uint8_t data[SHM_DATAGRAM_MAX];
    } record;
    uint32_t length;
    int err = ring_pop(&channel->punts, &record, sizeof record, &length);

    if (err == -EAGAIN)
        return false;
    if (err != 0 || length < sizeof record.header || record.header.length > length - sizeof record.header) {
        log_every_s(10, log_error, "forwarder", "worker %u punted what is no datagram", worker);
        return true;
    }
    handler->on_punt(context, worker, &record.header, record.data);
    return true;
}

bool channel_drain(struct channel *channel, uint32_t worker, const struct channel_handler *handler,
                   void *context)
{
    uint64_t count;
    (void)!read(channel->control_wake, &count, sizeof count);
    for (int i = 0; i < DRAIN_MAX; i++) {
        bool event = take_event(channel, worker, handler, context);
        bool punt = take_punt(channel, worker, handler, context);
        channel_wake(channel);
        if (!event && !punt && ring_sleep(&channel->events)) {
            if (ring_sleep(&channel->punts))
                return true;
            ring_awake(&channel->events);
        }
    }
    return false;
}
