/* The rooms and all who are in them: brings as many as wanted, at the rate of the ramp. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kolabmeet-load/histogram.h"
#include "tools/kolabmeet-load/loss_sum.h"
#include "tools/kolabmeet-load/participant.h"
#include "tools/kolabmeet-load/world.h"

struct crowd_room {
    struct crowd *crowd;
    char id[64];
    struct participant **people; /* publishers first */
    size_t count;
    size_t capacity;
};

struct crowd {
    struct world *world;
    struct crowd_room *rooms;
    size_t rooms_open;
    uint32_t subscribers; /* wanted in each room */
    bool is_sending;
    double video_rate; /* packets a second of each publisher */
    double due;        /* joins that may have begun by now */
    uint64_t last_ns;
    size_t begun;
    size_t ready;
    size_t failed;
    struct histogram joins; /* how long they took */
    double churn_due;       /* leaves that may have happened by now */
    uint64_t churn_ns;
    size_t left;
    struct loss_sum gone;         /* of those who left since the mark */
    uint64_t shared_drops_before; /* the mark */
};

/* Asks for the rooms. */
void crowd_init(struct crowd *crowd, struct world *world);
void crowd_deinit(struct crowd *crowd);

/* More join or some leave, with crowd_advance(). */
void crowd_want_subscribers(struct crowd *crowd, uint32_t subscribers);

/* Begins joins that are due, ends those that are too many; true when all who are wanted are ready. Called
 * every now and then. */
bool crowd_advance(struct crowd *crowd);

/* Takes out subscribers that have failed; false when a publisher has. */
bool crowd_drop_failed(struct crowd *crowd);

/* Lets subscribers leave at the rate that is asked for; crowd_advance() brings others. */
void crowd_churn(struct crowd *crowd);

void crowd_send(struct crowd *crowd, bool is_sending);
void crowd_set_video_rate(struct crowd *crowd, double packets_per_second);

/* Measures what is sent from now on. */
void crowd_mark(struct crowd *crowd);

/* What all sinks have missed, and whose loss it was; is_over as for loss_sum_add(). */
void crowd_sum(const struct crowd *crowd, bool is_over, struct loss_sum *ret_sum);

/* Consumers of all who are wanted. */
uint64_t crowd_consumers(const struct crowd *crowd);
