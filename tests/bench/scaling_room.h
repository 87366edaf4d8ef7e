/* Rooms for the bench of scaling: workers as the forwarder has them, each a thread on a CPU of its own, with
 * cameras and receivers at the far end of a veth pair. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/worker.h"
#include "tests/bench/camera.h"
#include "tests/bench/sink_link.h"

#define SCALING_WORKERS_MAX SINK_LINK_CPUS_MAX
#define SCALING_RECEIVERS_MAX 1000u
#define SCALING_BURST_MAX 16u

/* Of real-time threads, where that is permitted: what else the machine does has what they leave of their
 * CPUs. The workers never sleep, so that the source goes before them. */
#define SCALING_WORKER_PRIORITY 1
#define SCALING_SOURCE_PRIORITY 2

enum scaling_layout {
    SCALING_FIRST, /* one room: all cameras on the first worker, receivers on all in turn */
    SCALING_EACH,  /* one room: cameras and receivers on all workers in turn */
    SCALING_APART, /* a room for each worker, of as many cameras: nothing crosses between workers */
};

struct scaling_plan {
    enum scaling_layout layout;
    enum sink_kind sink;
    uint32_t workers;
    uint32_t cameras;   /* of a room */
    uint32_t receivers; /* of all workers together */
    uint32_t burst;     /* packets that a camera sends at once */
    uint32_t bytes;     /* of such a packet, with its SRTP trailer */
};

struct scaling_worker {
    struct worker *worker;
    int media_socket;
    int control_wake;
    pthread_t thread;
    bool is_running;
};

struct scaling_camera {
    struct camera camera;
    int socket; /* connected to its worker */
    uint32_t home;
    uint32_t bursts; /* sent */
};

/* Cameras whose bursts go to the same workers. */
struct scaling_lane {
    uint32_t first_camera;
    uint32_t camera_count;
    uint32_t first_worker;
    uint32_t worker_count;
};

struct scaling_room {
    struct scaling_plan plan;
    const struct sink_link *link;
    struct sink *sink;
    struct shm_segment segment;
    struct statistics statistics;
    int wakes[SCALING_WORKERS_MAX];
    struct scaling_worker workers[SCALING_WORKERS_MAX];
    struct scaling_camera cameras[SINK_CAMERAS_MAX];
    uint32_t camera_count;
    struct scaling_lane lanes[SCALING_WORKERS_MAX];
    uint32_t lane_count;
    atomic_bool stop;
};

/* Makes the room and starts its workers. False with the reason; closed by scaling_room_close in any case. */
bool scaling_room_open(struct scaling_room *room, const struct scaling_plan *plan,
                       const struct sink_link *link, char *ret_why, size_t why_bytes);
void scaling_room_close(struct scaling_room *room);

/* Whether that consumer (SSRC ROOM_CONSUMER_SSRC + flow) exists. */
bool scaling_room_has_flow(const struct scaling_room *room, uint32_t flow);

/* Packets of a burst that a worker sends. */
uint32_t scaling_room_share(const struct scaling_room *room, uint32_t worker);

/* What a running worker counted until now. */
uint64_t scaling_worker_forwarded(const struct scaling_worker *worker);
