#include "tests/bench/scaling_measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_SHARE 0.25 /* of the time of measuring */

struct reading {
    uint64_t at_ns;
    uint64_t source_ns;
    uint64_t forwarded[SCALING_WORKERS_MAX];
    uint64_t cpu_ns[SCALING_WORKERS_MAX];
    uint64_t idle_ticks[SCALING_WORKERS_MAX];
    uint64_t ticks[SCALING_WORKERS_MAX];
    struct histogram inside;
    uint64_t latencies[SINK_LATENCY_STEPS];
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t thread_ns(pthread_t thread)
{
    clockid_t clock;

    return pthread_getcpuclockid(thread, &clock) == 0 ? clock_ns(clock) : 0;
}

static void sleep_s(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds};

    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* The workers count on meanwhile: a reading is off by a round at most. */
static void read_worker(struct reading *reading, const struct scaling_room *room, uint32_t i)
{
    const struct statistics_stages *stages = &room->workers[i].worker->stages.totals;

    reading->forwarded[i] = scaling_worker_forwarded(&room->workers[i]);
    reading->cpu_ns[i] = thread_ns(room->workers[i].thread);
    reading->idle_ticks[i] = __atomic_load_n(&stages->ticks[STAGE_idle], __ATOMIC_RELAXED);
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++)
        reading->ticks[i] += __atomic_load_n(&stages->ticks[stage], __ATOMIC_RELAXED);
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
        reading->inside.counts[bucket] += __atomic_load_n(&stages->latency.counts[bucket], __ATOMIC_RELAXED);
}

static void take_reading(struct reading *reading, const struct scaling_source *source)
{
    memset(reading, 0, sizeof(*reading));
    if (source->bursts_per_s > 0) /* else it is how much is under way that makes latency */
        (void)sink_latencies(source->room->sink, reading->latencies);
    reading->at_ns = clock_ns(CLOCK_MONOTONIC);
    reading->source_ns = thread_ns(source->thread);
    for (uint32_t i = 0; i < source->room->plan.workers; i++)
        read_worker(reading, source->room, i);
}

static void compare(const struct reading *before, const struct reading *after, uint32_t workers,
                    struct scaling_figures *ret_figures)
{
    double ns = (double)(after->at_ns - before->at_ns);
    uint64_t packets = 0, cpu_ns = 0;

    memset(ret_figures, 0, sizeof(*ret_figures));
    for (uint32_t i = 0; i < workers; i++) {
        uint64_t forwarded = after->forwarded[i] - before->forwarded[i];
        uint64_t ticks = after->ticks[i] - before->ticks[i];
        ret_figures->workers[i] = (struct scaling_worker_figures){
            .packets_per_s = (double)forwarded * 1e9 / ns,
            .cpu = (double)(after->cpu_ns[i] - before->cpu_ns[i]) / ns,
            .idle = (double)(after->idle_ticks[i] - before->idle_ticks[i]) / (double)(ticks > 0 ? ticks : 1)};
        packets += forwarded;
        cpu_ns += after->cpu_ns[i] - before->cpu_ns[i];
    }
    ret_figures->packets_per_s = (double)packets * 1e9 / ns;
    ret_figures->ns_per_packet = (double)cpu_ns / (double)(packets > 0 ? packets : 1);
    ret_figures->source_cpu = (double)(after->source_ns - before->source_ns) / ns;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        ret_figures->inside.counts[i] = after->inside.counts[i] - before->inside.counts[i];
    for (unsigned i = 0; i < SINK_LATENCY_STEPS; i++)
        ret_figures->latencies[i] = after->latencies[i] - before->latencies[i];
}

/* Every consumer was sent every packet of its camera once, in order; every worker sent some. */
static bool check(const struct scaling_room *room, char *why, size_t why_bytes)
{
    uint64_t expected = 0, arrived = 0, misplaced = 0;
    uint32_t incomplete = 0;

    for (uint32_t flow = 0; flow < room->camera_count * room->plan.receivers; flow++) {
        const struct scaling_camera *camera = &room->cameras[flow / room->plan.receivers];
        const volatile struct sink_flow *seen = sink_flow(room->sink, flow);
        uint64_t due = scaling_room_has_flow(room, flow) ? (uint64_t)camera->bursts * room->plan.burst : 0;
        expected += due;
        arrived += seen->packets;
        misplaced += seen->misplaced;
        incomplete += seen->packets != due;
    }
    for (uint32_t i = 0; i < room->plan.workers; i++) {
        if (scaling_worker_forwarded(&room->workers[i]) == 0) {
            snprintf(why, why_bytes, "worker %u sent nothing", i);
            return false;
        }
    }
    if (incomplete == 0 && misplaced == 0)
        return true;
    snprintf(why, why_bytes,
             "%lu of %lu packets arrived, %u consumers got too few or too many, %lu out of order", arrived,
             expected, incomplete, misplaced);
    return false;
}

static void say_drops(const struct scaling_room *room)
{
    for (uint32_t i = 0; i < room->plan.workers; i++) {
        const struct statistics_worker *totals = &room->workers[i].worker->totals;
        const struct port_counters *port = &room->workers[i].worker->port->counters;
        fprintf(stderr, "worker %u: %lu sent, %lu refused by a full queue, %lu refused otherwise\n", i,
                port->sent_packets, port->send_full, port->send_failed);
        for (unsigned drop = 0; drop < DROP_COUNT; drop++) {
            if (totals->drops[drop] > 0)
                fprintf(stderr, "worker %u dropped %lu: %s\n", i, totals->drops[drop],
                        statistics_drop_name(drop));
        }
    }
}

static bool measure_room(struct scaling_room *room, uint32_t bursts_per_s, double seconds,
                         struct scaling_figures *ret_figures, char *why, size_t why_bytes)
{
    struct scaling_source *source = calloc(1, sizeof(*source));
    struct reading *readings = calloc(2, sizeof(*readings));
    bool sent = false;

    snprintf(why, why_bytes, "a camera could not send");
    if (source && readings && scaling_source_start(source, room, bursts_per_s)) {
        sleep_s(seconds * WARM_UP_SHARE);
        take_reading(&readings[0], source);
        sleep_s(seconds);
        take_reading(&readings[1], source);
        compare(&readings[0], &readings[1], room->plan.workers, ret_figures);
        sent = scaling_source_stop(source);
    }
    free(source);
    free(readings);
    bool complete = check(room, why, why_bytes) && sent;
    if (!complete)
        say_drops(room);
    return complete;
}

bool scaling_measure(const struct scaling_plan *plan, const struct sink_link *link, uint32_t bursts_per_s,
                     double seconds, struct scaling_figures *ret_figures, char *ret_why, size_t why_bytes)
{
    struct scaling_room *room = calloc(1, sizeof(*room));
    bool measured = false;

    snprintf(ret_why, why_bytes, "no memory");
    if (room) {
        measured = scaling_room_open(room, plan, link, ret_why, why_bytes) &&
                   measure_room(room, bursts_per_s, seconds, ret_figures, ret_why, why_bytes);
        scaling_room_close(room);
    }
    free(room);
    return measured;
}

double scaling_latency_ms(const struct scaling_figures *figures, double share)
{
    uint64_t total = 0, seen = 0;

    for (uint32_t i = 0; i < SINK_LATENCY_STEPS; i++)
        total += figures->latencies[i];
    for (uint32_t i = 0; i < SINK_LATENCY_STEPS; i++) {
        seen += figures->latencies[i];
        if (total > 0 && (double)seen >= share * (double)total)
            return (i + 1) * SINK_LATENCY_STEP_US / 1000.0;
    }
    return 0;
}
