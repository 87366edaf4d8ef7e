#include "control/forwarder/answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/forwarder/forwarder_private.h"
#include "control/log.h"

#define CAPACITY_MIN 64u

int answers_reserve(struct answers *answers)
{
    if (answers->count < answers->capacity)
        return 0;
    uint32_t capacity = answers->capacity ? answers->capacity * 2 : CAPACITY_MIN;
    struct answers_entry *entries = calloc(capacity, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < answers->count; i++)
        entries[i] = answers->entries[(answers->first + i) & (answers->capacity - 1)];
    free(answers->entries);
    *answers = (struct answers){.entries = entries, .capacity = capacity, .count = answers->count};
    return 0;
}

static uint64_t transport_of_producer(struct forwarder *forwarder, uint64_t handle)
{
    const struct object_producer *producer = objects_find_producer(&forwarder->objects, handle);
    return producer ? producer->transport : 0;
}

static uint64_t transport_of_consumer(struct forwarder *forwarder, uint64_t handle)
{
    const struct object_consumer *consumer = objects_find_consumer(&forwarder->objects, handle);
    return consumer ? consumer->transport : 0;
}

static bool removes(uint32_t body)
{
    return body == KM__COMMAND__BODY_REMOVE_TRANSPORT || body == KM__COMMAND__BODY_REMOVE_PRODUCER ||
           body == KM__COMMAND__BODY_REMOVE_CONSUMER;
}

static bool installs(uint32_t body)
{
    return body == KM__COMMAND__BODY_INSTALL_TRANSPORT || body == KM__COMMAND__BODY_INSTALL_KEYS ||
           body == KM__COMMAND__BODY_INSTALL_PRODUCER || body == KM__COMMAND__BODY_INSTALL_CONSUMER ||
           body == KM__COMMAND__BODY_MIRROR_PRODUCER;
}

static uint64_t handle_of(struct forwarder *forwarder, const Km__Command *command)
{
    switch (command->body_case) {
    case KM__COMMAND__BODY_INSTALL_TRANSPORT:
        return command->install_transport->transport;
    case KM__COMMAND__BODY_SET_ICE_CREDENTIALS:
        return command->set_ice_credentials->transport;
    case KM__COMMAND__BODY_SELECT_TUPLE:
        return command->select_tuple->transport;
    case KM__COMMAND__BODY_INSTALL_KEYS:
        return command->install_keys->transport;
    case KM__COMMAND__BODY_CONNECT_PLAIN:
        return command->connect_plain->transport;
    case KM__COMMAND__BODY_INSTALL_PRODUCER:
        return command->install_producer->transport;
    case KM__COMMAND__BODY_INSTALL_CONSUMER:
        return command->install_consumer->transport;
    case KM__COMMAND__BODY_PAUSE_PRODUCER:
        return transport_of_producer(forwarder, command->pause_producer->handle);
    case KM__COMMAND__BODY_PAUSE_CONSUMER:
        return transport_of_consumer(forwarder, command->pause_consumer->handle);
    case KM__COMMAND__BODY_MIRROR_PRODUCER: /* its consumers there would see nothing */
        return transport_of_producer(forwarder, command->mirror_producer->producer->producer);
    case KM__COMMAND__BODY_SET_FOLLOWER:
        return transport_of_producer(forwarder, command->set_follower->producer);
    case KM__COMMAND__BODY_REMOVE_TRANSPORT:
        return command->remove_transport->handle;
    case KM__COMMAND__BODY_REMOVE_PRODUCER:
        return command->remove_producer->handle;
    case KM__COMMAND__BODY_REMOVE_CONSUMER:
        return command->remove_consumer->handle;
    default: /* what is asked for a moment only */
        return 0;
    }
}

void answers_expect(struct forwarder *forwarder, struct answers *answers, const Km__Command *command)
{
    uint32_t place = (answers->first + answers->count++) & (answers->capacity - 1);
    answers->entries[place] = (struct answers_entry){
        .sequence = command->sequence, .handle = handle_of(forwarder, command), .body = command->body_case};
}

static struct answers_entry pop(struct answers *answers)
{
    struct answers_entry entry = answers->entries[answers->first];
    answers->first = (answers->first + 1) & (answers->capacity - 1);
    answers->count--;
    return entry;
}

static void give_up(struct forwarder *forwarder, uint64_t transport)
{
    if (objects_find_transport(&forwarder->objects, transport))
        forwarder->handler.on_failed(forwarder->context, transport);
}

static void lose(struct forwarder *forwarder, uint32_t worker, const struct answers_entry *entry)
{
    forwarder->counts.lost_commands++;
    log_warn("forwarder", "worker %u was killed while it worked on command %llu", worker,
             (unsigned long long)entry->sequence);
    if (removes(entry->body))
        removals_say(forwarder, worker, (Km__Command__BodyCase)entry->body, entry->handle);
    else
        give_up(forwarder, entry->handle);
}

static void refuse(struct forwarder *forwarder, uint32_t worker, const Km__Ack *ack,
                   const struct answers_entry *entry)
{
    forwarder->counts.refused_commands++;
    log_error("forwarder", "worker %u refused command %llu: %s (%s)", worker,
              (unsigned long long)ack->sequence, ack->reason, strerror((int)ack->error));
    if (installs(entry->body))
        give_up(forwarder, entry->handle);
}

/* Sequence 0 answers what was no command: wiped already, and not answered. */
void answers_take(struct forwarder *forwarder, uint32_t worker, const Km__Ack *ack)
{
    struct answers *answers = &forwarder->workers[worker].answers;
    struct answers_entry entry;

    while (answers->count > 0 &&
           (ack->sequence == 0 || answers->entries[answers->first].sequence < ack->sequence)) {
        entry = pop(answers);
        lose(forwarder, worker, &entry);
        if (ack->sequence == 0)
            return;
    }
    if (answers->count == 0 || answers->entries[answers->first].sequence != ack->sequence) {
        log_every_s(10, log_error, "forwarder", "worker %u answered a command that it was not sent", worker);
        return;
    }
    entry = pop(answers);
    if (ack->error != 0)
        refuse(forwarder, worker, ack, &entry);
}

void answers_forget(struct answers *answers)
{
    answers->first = answers->count = 0;
}

void answers_deinit(struct answers *answers)
{
    free(answers->entries);
    *answers = (struct answers){0};
}
