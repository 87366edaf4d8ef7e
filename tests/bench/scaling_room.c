#include "tests/bench/scaling_room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/srtp_native.h"
#include "tests/bench/room.h"

#define PROFILE SRTP_AEAD_AES_128_GCM
#define MEDIA_PORT 7000u
#define SPIN_US 50u /* as the forwarder has it on few cores */
#define STORE_CHUNKS 1024u

static void make_lanes(struct scaling_room *room)
{
    const struct scaling_plan *plan = &room->plan;

    if (plan->layout != SCALING_APART) {
        room->camera_count = plan->cameras;
        room->lane_count = 1;
        room->lanes[0] = (struct scaling_lane){.camera_count = plan->cameras, .worker_count = plan->workers};
        return;
    }
    room->camera_count = plan->cameras * plan->workers;
    room->lane_count = plan->workers;
    for (uint32_t i = 0; i < plan->workers; i++)
        room->lanes[i] = (struct scaling_lane){.first_camera = i * plan->cameras,
                                               .camera_count = plan->cameras,
                                               .first_worker = i,
                                               .worker_count = 1};
}

static uint32_t home_of_camera(const struct scaling_room *room, uint32_t camera)
{
    switch (room->plan.layout) {
    case SCALING_FIRST:
        return 0;
    case SCALING_EACH:
        return camera % room->plan.workers;
    case SCALING_APART:
        return camera / room->plan.cameras;
    }
    return 0;
}

static uint32_t home_of_receiver(const struct scaling_room *room, uint32_t receiver)
{
    return receiver % room->plan.workers;
}

bool scaling_room_has_flow(const struct scaling_room *room, uint32_t flow)
{
    uint32_t receivers = room->plan.receivers;

    return room->plan.layout != SCALING_APART ||
           home_of_camera(room, flow / receivers) == home_of_receiver(room, flow % receivers);
}

uint32_t scaling_room_share(const struct scaling_room *room, uint32_t worker)
{
    const struct scaling_plan *plan = &room->plan;
    uint32_t own = plan->receivers / plan->workers + (worker < plan->receivers % plan->workers);

    return own * plan->burst;
}

uint64_t scaling_worker_forwarded(const struct scaling_worker *worker)
{
    return __atomic_load_n(&worker->worker->totals.rtp_forwarded, __ATOMIC_RELAXED);
}

/* The file of statistics is mapped, and needs no name: nothing is left when this process is killed. */
static bool make_statistics(struct scaling_room *room, const struct shm_capacities *capacities, char *why,
                            size_t why_bytes)
{
    char folder[] = "/tmp/kolabmeet-scaling-XXXXXX";
    char path[sizeof(folder) + sizeof(STATISTICS_FILE)];

    if (!mkdtemp(folder)) {
        snprintf(why, why_bytes, "no folder in /tmp: %s", strerror(errno));
        return false;
    }
    int error = statistics_create(folder, capacities, &room->statistics, why, why_bytes);
    snprintf(path, sizeof(path), "%s/%s", folder, STATISTICS_FILE);
    unlink(path);
    rmdir(folder);
    return error == 0;
}

static bool make_memory(struct scaling_room *room, char *why, size_t why_bytes)
{
    struct shm_capacities capacities = shm_capacities_default(room->plan.workers);

    capacities.transports = room->camera_count + room->plan.receivers;
    capacities.producers = capacities.streams = SINK_CAMERAS_MAX;
    capacities.consumers = room->camera_count * room->plan.receivers;
    capacities.tuples = 4096;
    capacities.store_chunks = STORE_CHUNKS;
    int error = shm_segment_create(&capacities, &room->segment);
    if (error == 0)
        return make_statistics(room, &capacities, why, why_bytes);
    snprintf(why, why_bytes, "no shared memory: %s", strerror(-error));
    return false;
}

static bool make_worker(struct scaling_room *room, uint32_t index, char *why, size_t why_bytes)
{
    struct scaling_worker *own = &room->workers[index];

    own->media_socket = sink_link_near_socket((uint16_t)(MEDIA_PORT + index));
    own->control_wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct worker_config config = {.index = index,
                                   .segment = &room->segment,
                                   .statistics = &room->statistics,
                                   .srtp = &srtp_native,
                                   .media_socket = own->media_socket,
                                   .wake_fd = room->wakes[index],
                                   .control_wake_fd = own->control_wake,
                                   .peer_wake_fds = room->wakes,
                                   .poll = WORKER_POLL_ADAPTIVE,
                                   .spin_us = SPIN_US};
    if (own->media_socket < 0 || own->control_wake < 0) {
        snprintf(why, why_bytes, "worker %u: no socket", index);
        return false;
    }
    return worker_create(&config, &own->worker, why, why_bytes) == 0;
}

static bool make_camera(struct scaling_room *room, uint32_t number)
{
    struct scaling_camera *own = &room->cameras[number];
    uint8_t receive[SRTP_KEY_MAX], send[SRTP_KEY_MAX];
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t bytes = sizeof(name);

    own->home = home_of_camera(room, number);
    struct scaling_worker *home = &room->workers[own->home];
    own->socket = sink_link_far_socket(room->link);
    if (own->socket < 0 || getsockname(home->media_socket, (struct sockaddr *)&name, &bytes) != 0 ||
        connect(own->socket, (struct sockaddr *)&name, sizeof(name)) != 0 ||
        getsockname(own->socket, (struct sockaddr *)&name, &bytes) != 0)
        return false;
    room_keys(number, receive, send);
    struct transport *transport = room_add_peer(home->worker, PROFILE, number, &name);
    return transport && room_add_camera(home->worker, transport, number) &&
           camera_init(&own->camera, PROFILE, ROOM_CAMERA_SSRC + number, receive) == 0;
}

/* The camera as that worker has it, which is a mirror where it is another's. */
static struct producer *camera_at(struct scaling_room *room, uint32_t camera, struct worker *worker)
{
    struct worker *home = room->workers[room->cameras[camera].home].worker;
    shm_handle handle = shm_handle_make(camera, 1);
    struct producer *known = producer_find(&worker->streams, handle);

    return known ? known : room_add_mirror(worker, home, producer_find(&home->streams, handle));
}

static bool make_receiver(struct scaling_room *room, uint32_t receiver)
{
    struct worker *worker = room->workers[home_of_receiver(room, receiver)].worker;
    struct sockaddr_in name = sink_link_receiver(receiver);
    struct transport *transport = room_add_peer(worker, PROFILE, room->camera_count + receiver, &name);

    for (uint32_t camera = 0; transport && camera < room->camera_count; camera++) {
        uint32_t flow = camera * room->plan.receivers + receiver;
        if (!scaling_room_has_flow(room, flow))
            continue;
        struct producer *producer = camera_at(room, camera, worker);
        if (!producer || !room_add_consumer(worker, producer, transport, flow, false))
            return false;
    }
    return transport != NULL;
}

static bool fill(struct scaling_room *room, char *why, size_t why_bytes)
{
    bool made = true;

    for (uint32_t i = 0; made && i < room->plan.workers; i++)
        made = make_worker(room, i, why, why_bytes);
    if (!made)
        return false;
    for (uint32_t i = 0; made && i < room->camera_count; i++)
        made = make_camera(room, i);
    for (uint32_t i = 0; made && i < room->plan.receivers; i++)
        made = make_receiver(room, i);
    if (!made)
        snprintf(why, why_bytes, "the room cannot be filled");
    return made;
}

struct task {
    struct worker *worker;
    const atomic_bool *stop;
};

static void *work(void *argument)
{
    struct task task = *(struct task *)argument;

    free(argument);
    worker_run(task.worker, task.stop);
    return NULL;
}

static bool start(struct scaling_room *room, uint32_t index)
{
    struct scaling_worker *own = &room->workers[index];
    struct task *task = malloc(sizeof(*task));
    struct sched_param priority = {.sched_priority = SCALING_WORKER_PRIORITY};
    cpu_set_t set;

    if (!task)
        return false;
    *task = (struct task){.worker = own->worker, .stop = &room->stop};
    room_refresh_consent(own->worker);
    if (pthread_create(&own->thread, NULL, work, task) != 0) {
        free(task);
        return false;
    }
    own->is_running = true;
    CPU_ZERO(&set);
    CPU_SET(room->link->cpus[index], &set);
    (void)pthread_setschedparam(own->thread, SCHED_FIFO, &priority);
    return pthread_setaffinity_np(own->thread, sizeof(set), &set) == 0;
}

bool scaling_room_open(struct scaling_room *room, const struct scaling_plan *plan,
                       const struct sink_link *link, char *ret_why, size_t why_bytes)
{
    memset(room, 0, sizeof(*room));
    room->plan = *plan;
    room->link = link;
    make_lanes(room);
    for (uint32_t i = 0; i < plan->workers; i++) {
        room->wakes[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        room->workers[i].media_socket = room->workers[i].control_wake = -1;
    }
    for (uint32_t i = 0; i < room->camera_count; i++)
        room->cameras[i].socket = -1;
    if (!make_memory(room, ret_why, why_bytes) || !fill(room, ret_why, why_bytes))
        return false;
    room->sink = sink_create(link, plan->sink, room->camera_count, plan->receivers, ROOM_CONSUMER_SSRC,
                             ret_why, why_bytes);
    if (!room->sink)
        return false;
    for (uint32_t i = 0; i < plan->workers; i++) {
        if (!start(room, i)) {
            snprintf(ret_why, why_bytes, "worker %u cannot run on CPU %u", i, link->cpus[i]);
            return false;
        }
    }
    return true;
}

static void stop(struct scaling_room *room)
{
    atomic_store(&room->stop, true);
    for (uint32_t i = 0; i < room->plan.workers; i++) {
        struct scaling_worker *own = &room->workers[i];
        if (!own->is_running)
            continue;
        eventfd_write(room->wakes[i], 1);
        pthread_join(own->thread, NULL);
    }
}

static void close_known(int fd)
{
    if (fd >= 0)
        close(fd);
}

void scaling_room_close(struct scaling_room *room)
{
    stop(room);
    sink_destroy(room->sink);
    for (uint32_t i = 0; i < room->camera_count; i++) {
        camera_deinit(&room->cameras[i].camera);
        close_known(room->cameras[i].socket);
    }
    for (uint32_t i = 0; i < room->plan.workers; i++) {
        worker_destroy(room->workers[i].worker);
        close_known(room->workers[i].media_socket);
        close_known(room->workers[i].control_wake);
        close_known(room->wakes[i]);
    }
    if (room->statistics.header)
        statistics_deinit(&room->statistics);
    if (room->segment.header)
        shm_segment_deinit(&room->segment, true);
}
