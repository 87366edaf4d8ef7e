/* The four rings between control and one worker, and the two eventfds that wake a sleeper. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/schema/forwarder.pb-c.h"
#include "shm/datagram.h"
#include "shm/ring.h"
#include "shm/segment.h"

struct channel {
    struct ring_producer commands;
    struct ring_producer injects;
    struct ring_consumer events;
    struct ring_consumer punts;
    uint64_t sequence; /* of the last command */
    bool is_told;      /* something was queued since channel_wake */
    int worker_wake;   /* eventfds, not owned */
    int control_wake;
};

struct channel_handler {
    void (*on_event)(void *context, uint32_t worker, const Km__Event *event);
    /* data of datagram->length bytes is a copy that nobody else writes to. */
    void (*on_punt)(void *context, uint32_t worker, const struct shm_datagram *datagram, const uint8_t *data);
};

int channel_init(struct channel *channel, const struct shm_segment *segment, uint32_t worker, int worker_wake,
                 int control_wake);

/* Gives the command its sequence number and queues it, until channel_wake. -EAGAIN when the ring is full. The packed bytes of a
 * command with keys are wiped by the worker. */
int channel_send(struct channel *channel, Km__Command *command);

/* Likewise. -EMSGSIZE beyond SHM_DATAGRAM_MAX. */
int channel_inject(struct channel *channel, const struct shm_address *remote, const uint8_t *data,
                   size_t length);

/* Wakes the worker if it sleeps and something was queued: once for all that belongs together, since each wake
 * costs both processes more than what is queued. */
void channel_wake(struct channel *channel);

/* Hands on what waits, at most a bounded number of records, and wakes the worker after each that queued
 * something. True when it went to sleep with both rings empty;
 * false when there is more to do. */
bool channel_drain(struct channel *channel, uint32_t worker, const struct channel_handler *handler,
                   void *context);
