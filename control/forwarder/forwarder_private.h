/* What the files of control/forwarder share. */
#pragma once

#include <event2/event.h>

#include "control/forwarder/answers.h"
#include "control/forwarder/channel.h"
#include "control/forwarder/forwarder.h"
#include "control/forwarder/objects.h"
#include "control/forwarder/process.h"
#include "control/forwarder/removals.h"
#include "control/forwarder/steering.h"
#include "shm/endpoint.h"
#include "shm/segment.h"
#include "shm/statistics.h"
#include "shm/tuple_map.h"

/* So many deaths within FORWARDER_DEATHS_US mean that what it finds in the segment kills it: then a new one
 * starts with a new segment, and the calls are lost. */
#define FORWARDER_DEATHS_MAX 3
#define FORWARDER_DEATHS_US 10000000u

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
    struct answers answers;   /* that are expected of it */
    struct removals removals; /* that are still to be said */
    struct event *wake_event;
    struct event *told_event; /* what control's loop was at is done: the worker is woken for all of it */
};

struct forwarder {
    struct event_base *base;
    struct forwarder_handler handler;
    void *context;

    char binary[4096];
    char poll[16];
    char srtp_backend[16];
    char cpus[1024];
    uint32_t worker_count;
    struct shm_capacities capacities;
    struct steering *steering; /* NULL: one worker, or not permitted */

    enum forwarder_state state;
    /* The segment and its rings are in use: true from the first welcome on, also while a forwarder that died
     * is being replaced by one that goes on with its tables; what is queued then is waiting for it. */
    bool is_open;
    bool has_gone_on;                         /* and what it took over has not been looked at */
    uint64_t deaths_us[FORWARDER_DEATHS_MAX]; /* when it last died, the latest first */
    uint64_t stuck_us;                        /* when it was told to abort, 0 = it was not */
    struct forwarder_process process;
    struct shm_descriptors descriptors; /* media sockets and eventfds live as long as control */
    struct shm_segment segment;         /* of the running process */
    struct tuple_map tuples;
    struct objects objects;
    bool plain_waits; /* sockets of some plain transport are to be handed over (plain_sockets.h) */
    struct forwarder_worker workers[SHM_ENDPOINT_WORKERS_MAX];

    struct statistics statistics;
    struct statistics_control counts;

    struct event *hello_event;
    struct event *end_event;
    struct event *tick_event;
    uint64_t started_us;
    uint64_t restart_us; /* when to start it again */
    uint32_t failures;   /* starts in a row that did not get ready */
};

uint64_t forwarder_now_us(void);
uint64_t forwarder_wall_clock_us(void);

/* Something was queued in the worker's channel: it is woken in this turn of the loop. */
void forwarder_told(struct forwarder_worker *worker);

/* Queues a command to a worker. -EAGAIN without a forwarder, or with its ring full. Removals have a way of
 * their own (removals.h). */
int forwarder_send(struct forwarder *forwarder, uint32_t worker, Km__Command *command);

/* The same of one that has nothing but this message, of the type that body_case says. */
int forwarder_send_message(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body_case,
                           void *message);

/* Likewise, for removals.c: before what waits there. */
int forwarder_send_now(struct forwarder *forwarder, uint32_t worker, Km__Command__BodyCase body_case,
                       void *message);

/* Has the forwarder log at the levels that its tags have now (control/log.h). */
void forwarder_tell_log_levels(struct forwarder *forwarder);

/* Writes forwarder->counts into the statistics file. */
void forwarder_publish_counts(struct forwarder *forwarder);
