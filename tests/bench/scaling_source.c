#include "tests/bench/scaling_source.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PATIENCE_US 10000000u /* nothing moves any more */
#define LOOK_US 1000u
#define PAUSE_MIN_NS 20000u
#define PAUSE_MAX_NS 2000000u
static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* Bursts that all workers of the lane have sent. */
static uint64_t bursts_done(const struct scaling_room *room, const struct scaling_lane *lane)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = lane->first_worker; i < lane->first_worker + lane->worker_count; i++) {
        uint64_t done = scaling_worker_forwarded(&room->workers[i]) / scaling_room_share(room, i);
        least = done < least ? done : least;
    }
    return least;
}

static uint64_t all_done(const struct scaling_room *room)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < room->lane_count; i++)
        sum += bursts_done(room, &room->lanes[i]);
    return sum;
}

/* Packets that all receivers together are to get. */
static uint64_t packets_due(const struct scaling_source *source)
{
    const struct scaling_room *room = source->room;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < room->lane_count; i++) {
        const struct scaling_lane *lane = &room->lanes[i];
        for (uint32_t w = lane->first_worker; w < lane->first_worker + lane->worker_count; w++)
            sum += source->bursts[i] * scaling_room_share(room, w);
    }
    return sum;
}

/* One message, which the kernel cuts, and joins again for the worker: cheap for both. */
static bool send_frame(struct scaling_source *source, int socket)
{
    uint32_t count = source->room->plan.burst;
    uint16_t bytes = (uint16_t)source->room->plan.bytes;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(bytes))] = {0};
    struct iovec vectors[SCALING_BURST_MAX];
    struct msghdr header = {
        .msg_iov = vectors, .msg_iovlen = count, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *segment = CMSG_FIRSTHDR(&header);

    for (uint32_t i = 0; i < count; i++)
        vectors[i] = (struct iovec){.iov_base = source->packets[i], .iov_len = bytes};
    segment->cmsg_level = SOL_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof(bytes));
    memcpy(CMSG_DATA(segment), &bytes, sizeof(bytes));
    return sendmsg(socket, &header, 0) == (ssize_t)(count * bytes);
}

static void send_burst(struct scaling_source *source, uint32_t lane_index)
{
    struct scaling_room *room = source->room;
    const struct scaling_lane *lane = &room->lanes[lane_index];
    uint32_t number = lane->first_camera + source->next_camera[lane_index];
    struct scaling_camera *own = &room->cameras[number];
    uint32_t count = room->plan.burst;

    for (uint32_t i = 0; i < count; i++)
        source->failed |= !camera_write(&own->camera, i, count, room->plan.bytes, source->packets[i]);
    uint64_t begun_ns = now_ns();
    for (uint32_t i = 0; i < count; i++)
        sink_note_sent(room->sink, number, own->bursts * count + i, begun_ns);
    source->failed |= !send_frame(source, own->socket);
    own->bursts++;
    source->bursts[lane_index]++;
    source->next_camera[lane_index] = (source->next_camera[lane_index] + 1) % lane->camera_count;
}

/* Until all of it has arrived: what a worker counts may not have left yet. */
static bool drain(const struct scaling_source *source)
{
    uint64_t moved_ns = now_ns();
    uint64_t arrived = 0;
    struct sink_totals totals;

    while (sink_totals(source->room->sink, &totals)) {
        if (totals.media >= packets_due(source))
            return true;
        if (totals.media != arrived)
            moved_ns = now_ns();
        else if (now_ns() - moved_ns > PATIENCE_US * 1000ull)
            return false;
        arrived = totals.media;
        sleep_ns(LOOK_US * 1000);
    }
    return false;
}

static void fill_lanes(struct scaling_source *source)
{
    struct scaling_room *room = source->room;

    for (uint32_t i = 0; i < room->lane_count; i++) {
        const struct scaling_lane *lane = &room->lanes[i];
        uint64_t done = bursts_done(room, lane);
        while (source->bursts[i] - done < lane->camera_count)
            send_burst(source, i);
    }
}

/* Looks again when half of what is under way may be done. */
static void send_what_is_taken(struct scaling_source *source)
{
    uint64_t pause_ns = PAUSE_MIN_NS;

    while (!atomic_load_explicit(&source->stop, memory_order_relaxed)) {
        uint64_t begun_ns = now_ns();
        uint64_t before = all_done(source->room);
        fill_lanes(source);
        sleep_ns(pause_ns);
        uint64_t done = all_done(source->room) - before;
        uint64_t burst_ns = (now_ns() - begun_ns) * source->room->lane_count / (done > 0 ? done : 1);
        uint64_t wanted_ns = burst_ns * source->room->plan.cameras / 2;
        pause_ns = (7 * pause_ns + wanted_ns) / 8;
        pause_ns = pause_ns < PAUSE_MIN_NS ? PAUSE_MIN_NS : pause_ns;
        pause_ns = pause_ns > PAUSE_MAX_NS ? PAUSE_MAX_NS : pause_ns;
    }
}

static void send_by_clock(struct scaling_source *source)
{
    uint64_t begun_ns = now_ns();

    for (uint64_t i = 0; !atomic_load_explicit(&source->stop, memory_order_relaxed); i++) {
        uint64_t due_ns = begun_ns + i * 1000000000u / source->bursts_per_s;
        uint64_t at_ns = now_ns();
        if (due_ns > at_ns)
            sleep_ns(due_ns - at_ns);
        send_burst(source, (uint32_t)(i % source->room->lane_count));
    }
}

/* On the last CPU in every case: with one worker that is the free one. */
static void settle(const struct sink_link *link)
{
    struct sched_param priority = {.sched_priority = SCALING_SOURCE_PRIORITY};
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(link->cpus[link->cpu_count - 1], &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
}

static void *run(void *argument)
{
    struct scaling_source *source = argument;

    settle(source->room->link);
    if (source->bursts_per_s > 0)
        send_by_clock(source);
    else
        send_what_is_taken(source);
    return NULL;
}

bool scaling_source_start(struct scaling_source *source, struct scaling_room *room, uint32_t bursts_per_s)
{
    memset(source, 0, sizeof(*source));
    source->room = room;
    source->bursts_per_s = bursts_per_s;
    for (uint32_t i = 0; i < room->camera_count; i++) {
        send_burst(source, i / room->lanes[0].camera_count);
        if (!drain(source))
            return false;
    }
    return pthread_create(&source->thread, NULL, run, source) == 0;
}

bool scaling_source_stop(struct scaling_source *source)
{
    atomic_store(&source->stop, true);
    pthread_join(source->thread, NULL);
    return drain(source) && !source->failed;
}
