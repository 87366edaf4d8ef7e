/* What the cameras of a room send, by one thread: either as much as the workers take, or so many a second. */
#pragma once

#include "tests/bench/scaling_room.h"

struct scaling_source {
    struct scaling_room *room;
    uint32_t bursts_per_s;                     /* of all cameras together; 0: as much as is taken */
    uint32_t next_camera[SCALING_WORKERS_MAX]; /* by lane */
    uint64_t bursts[SCALING_WORKERS_MAX];      /* sent, likewise */
    pthread_t thread;
    atomic_bool stop;
    bool failed;
    uint8_t packets[SCALING_BURST_MAX][CAMERA_PACKET_MAX];
};

/* Sends each camera's first frame and waits until everybody was sent it, then starts the thread. A lane then
 * has as many bursts under way as cameras, so that no worker waits and no two bursts of one camera are ever
 * joined. False when a packet did not get through. */
bool scaling_source_start(struct scaling_source *source, struct scaling_room *room, uint32_t bursts_per_s);

/* Stops it and waits until everything has arrived, or nothing has for seconds. False when something is
 * missing. */
bool scaling_source_stop(struct scaling_source *source);
