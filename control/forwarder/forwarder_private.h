/* What the files of control/forwarder share. */
#pragma once

#include <event2/event.h>

#include "control/forwarder/channel.h"
#include "control/forwarder/forwarder.h"
#include "control/forwarder/objects.h"
#include "control/forwarder/process.h"
#include "shm/endpoint.h"
#include "shm/segment.h"
#include "shm/statistics.h"
#include "shm/tuple_map.h"

enum forwarder_state {
    FORWARDER_STOPPED,
    FORWARDER_STARTING, /* runs, and has not said hello */
    FORWARDER_JOINED,   /* was welcomed: commands may be queued */
    FORWARDER_READY     /* its workers go round */
};

struct forwarder_worker {
    struct forwarder *forwarder;
    uint32_t number;
    struct channel channel;
    struct event *wake_event;
};

struct forwarder {
    struct event_base *base;
    struct forwarder_handler handler;
    void *context;

    char binary[4096];
    char poll[16];
    char srtp_backend[16];
    char log_level[16];
    uint32_t worker_count;

    enum forwarder_state state;
    struct forwarder_process process;
    struct shm_descriptors descriptors; /* media sockets and eventfds live as long as control */
    struct shm_segment segment;         /* of the running process */
    struct tuple_map tuples;
    struct objects objects;
    struct forwarder_worker workers[SHM_ENDPOINT_WORKERS_MAX];

    struct statistics statistics;
    struct statistics_control counts;

    struct event *hello_event;
    struct event *end_event;
    struct event *tick_event;
    struct event *restart_event;
    uint64_t started_us;
};

uint64_t forwarder_now_us(void);

/* Queues a command to a worker. -EAGAIN without a forwarder, or with its ring full. */
int forwarder_send(struct forwarder *forwarder, uint32_t worker, Km__Command *command);
