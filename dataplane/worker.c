/* What happens to a packet, in order. */
#include "dataplane/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>

#include "dataplane/bandwidth.h"
#include "dataplane/commands.h"
#include "dataplane/consent.h"
#include "dataplane/consumer_events.h"
#include "dataplane/counters.h"
#include "dataplane/events.h"
#include "dataplane/forward.h"
#include "dataplane/ingress.h"
#include "dataplane/peers.h"
#include "dataplane/port_plain.h"
#include "dataplane/port_tcp.h"
#include "dataplane/rtcp_egress.h"
#include "dataplane/rtcp_ingress.h"
#include "dataplane/scores.h"

#define SLEEP_MAX_US 100000u /* the heartbeat must go on */

/* Spinning pays when every fourth pause or so is shorter than a spin; a pause weighs a sixteenth. */
#define SPIN_PAYS_SHARE (UINT16_MAX / 4)
#define SPIN_SHARE_STEPS 16

/* What need not be looked at in every turn of a transport. */
#define FORWARD_TURNS (500000u / TRANSPORT_TURN_US)
#define AUDIO_LEVEL_TURNS (AUDIO_LEVEL_INTERVAL_US / TRANSPORT_TURN_US)
#define COUNTERS_TURNS (COUNTERS_INTERVAL_US / TRANSPORT_TURN_US)

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void ingress(struct worker *worker, const struct port_packet *packets, uint32_t count, bool taken_over)
{
    struct ingress_packet opened[PORT_BATCH];
    uint32_t opened_count = ingress_open(worker, packets, count, taken_over, opened);

    for (uint32_t i = 0; i < opened_count; i++) {
        if (opened[i].kind == SRTP_KIND_RTP)
            ingress_rtp(worker, &opened[i]); /* and from there: stream_table, forward, rewrite, egress */
        else
            rtcp_ingress(worker, &opened[i]);
    }
}

static uint32_t packets(struct worker *worker)
{
    struct port_packet received[PORT_BATCH];
    struct port_packet taken[PORT_BATCH];
    uint32_t taken_count;
    worker->port->now_us = worker->now_us;
    int count = worker->port->verbs->receive(worker->port, received);

    stages_enter(&worker->stages, STAGE_route);
    stages_received(&worker->stages, count > 0 ? (uint32_t)count : 0);
    if (count > 0)
        ingress(worker, received, (uint32_t)count, false);
    uint32_t records = peers_take(worker, taken, &taken_count);
    if (taken_count > 0)
        ingress(worker, taken, taken_count, true);
    forward_flush(worker); /* tells other workers first, and wakes them */
    egress_flush(worker);  /* protect, send; what is queued refers to the received buffers */
    worker->stages.received = 0;
    return (count > 0 ? (uint32_t)count : 0) + records;
}

static void timers(struct worker *worker)
{
    struct transport *transport;

    while ((transport = transport_take_turn(&worker->transports, worker->now_us))) {
        consent_turn(worker, transport);
        scores_turn(worker, transport);
        if (transport->turns % AUDIO_LEVEL_TURNS == 0)
            audio_levels_turn(worker, transport);
        bandwidth_turn(worker, transport);
        rtcp_egress_turn(worker, transport);
        peers_turn(worker, transport);
        consumer_events_turn(worker, transport);
        if (transport->turns % FORWARD_TURNS == 0) {
            allocation_turn(worker, transport);
            forward_turn(worker, transport);
        }
        if (transport->turns % COUNTERS_TURNS == 0)
            counters_publish_transport(worker, transport);
    }
    repairs_turn(worker);
    egress_flush(worker);
    packet_store_trim(&worker->peers.store, worker->now_us);
    audio_levels_tell(worker);
    counters_publish(worker);
}

uint32_t worker_round(struct worker *worker)
{
    stages_enter(&worker->stages, STAGE_receive);
    worker->now_us = worker->clock_us();
    liveness_beat(worker->liveness, worker->now_us);

    uint32_t work = packets(worker);
    stages_enter(&worker->stages, STAGE_timers);
    timers(worker);
    bandwidth_run(worker);
    stages_enter(&worker->stages, STAGE_commands);
    work += commands_run(worker);
    work += inject(worker);
    catch_up_run(worker);
    egress_flush(worker);
    peers_wake(worker);
    events_wake_control(worker);

    worker->totals.rounds++;
    worker->totals.idle_rounds += work == 0;
    stages_end_round(&worker->stages, work > 0);
    return work;
}

/* Blocks until there is a packet, a record in a ring of control's or another worker's, or a turn of a
 * transport. */
static void sleep_until_work(struct worker *worker)
{
    uint64_t now_us = worker->clock_us();
    uint64_t turn_us = bandwidth_next_us(worker, transport_latest_turn_us(&worker->transports));
    turn_us = worker->repairs.due_us < turn_us ? worker->repairs.due_us : turn_us;
    turn_us = worker->catch_ups.due_us < turn_us ? worker->catch_ups.due_us : turn_us;
    uint64_t timeout_us = turn_us <= now_us ? 0 : turn_us - now_us;
    eventfd_t wakes;

    if (!ring_sleep(&worker->commands))
        return;
    if (ring_sleep(&worker->injects)) {
        if (peers_sleep(worker)) {
            worker->totals.sleeps++;
            worker->port->verbs->wait(worker->port, worker->wake_fd,
                                      timeout_us < SLEEP_MAX_US ? timeout_us : SLEEP_MAX_US);
            eventfd_read(worker->wake_fd, &wakes);
            peers_awake(worker);
        }
        ring_awake(&worker->injects);
    }
    ring_awake(&worker->commands);
}

/* A pause is over: was it short enough to be spun through? */
static void learn_pause(struct worker *worker)
{
    uint16_t share = worker->short_pauses;
    bool is_short = worker->now_us - worker->last_work_us < worker->spin_us;

    worker->short_pauses =
        (uint16_t)(share - share / SPIN_SHARE_STEPS + (is_short ? UINT16_MAX / SPIN_SHARE_STEPS : 0));
}

static bool may_sleep(struct worker *worker, uint32_t work)
{
    if (work > 0) {
        if (worker->was_idle)
            learn_pause(worker);
        worker->last_work_us = worker->now_us;
    }
    worker->was_idle = work == 0;
    switch (worker->poll) {
    case WORKER_POLL_BUSY:
        return false;
    case WORKER_POLL_SLEEP:
        return work == 0;
    case WORKER_POLL_ADAPTIVE:
        return work == 0 && (worker->short_pauses < SPIN_PAYS_SHARE ||
                             worker->now_us - worker->last_work_us >= worker->spin_us);
    }
    return true;
}

void worker_run(struct worker *worker, const atomic_bool *stop)
{
    (void)worker->srtp->begin_thread(); /* what fails here fails, or not, with the first packet */
    while (!atomic_load_explicit(stop, memory_order_relaxed)) {
        uint32_t work = worker_round(worker);
        if (may_sleep(worker, work))
            sleep_until_work(worker);
    }
}

static int attach_rings(struct worker *worker)
{
    const struct shm_segment *segment = worker->segment;
    const struct shm_capacities *capacities = &segment->capacities;
    int error = ring_consumer_init(&worker->commands,
                                   shm_segment_at(segment, SHM_SECTION_COMMAND_RING, worker->index),
                                   capacities->command_ring_bytes);

    if (error == 0)
        error = ring_producer_init(&worker->events,
                                   shm_segment_at(segment, SHM_SECTION_EVENT_RING, worker->index),
                                   capacities->event_ring_bytes);
    if (error == 0)
        error =
            ring_producer_init(&worker->punts, shm_segment_at(segment, SHM_SECTION_PUNT_RING, worker->index),
                               capacities->punt_ring_bytes);
    if (error == 0)
        error = ring_consumer_init(&worker->injects,
                                   shm_segment_at(segment, SHM_SECTION_INJECT_RING, worker->index),
                                   capacities->inject_ring_bytes);
    return error;
}

static int open_port(struct worker *worker, const struct worker_config *config)
{
    struct port *udp;
    int error = port_udp_create(config->media_socket, &udp);

    if (error != 0)
        return error;
    worker->port = udp;
    error = port_plain_create(udp, worker->segment->capacities.transports, &worker->plain);
    if (error != 0)
        return error;
    worker->port = worker->plain;
    return config->arrivals_fd > 0
               ? port_tcp_create(worker->plain, config->arrivals_fd, config->wake_fd, &worker->port)
               : 0;
}

int worker_give_plain(struct worker *worker, shm_handle transport, const int fds[2])
{
    int error = port_plain_give(worker->plain, transport, fds);

    eventfd_write(worker->wake_fd, 1);
    return error;
}

void worker_note_overflow(struct worker *worker, uint64_t messages)
{
    atomic_store_explicit(&worker->overflowed, messages, memory_order_relaxed);
}

static int attach(struct worker *worker, const struct worker_config *config, const char **ret_what)
{
    const struct shm_segment *segment = worker->segment;
    uint64_t seeds[3];

    *ret_what = "random numbers";
    if (getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds))
        return -EIO;
    worker->random = seeds[0] | 1;
    worker->now_us = worker->clock_us();
    arena_init(&worker->arena);
    stages_init(&worker->stages, worker->now_us);
    punt_quota_init(&worker->quota, (uint32_t)seeds[1]);
    repairs_init(&worker->repairs);
    catch_ups_init(&worker->catch_ups);
    tuple_map_init(&worker->tuples, shm_segment_section(segment, SHM_SECTION_TUPLE_MAP),
                   shm_segment_section(segment, SHM_SECTION_TUPLE_INDEX), segment->capacities.tuples,
                   segment->secret);
    worker->liveness = shm_segment_at(segment, SHM_SECTION_LIVENESS, SHM_LIVENESS_WORKER(worker->index));

    *ret_what = "rings";
    int error = attach_rings(worker);
    if (error == 0)
        error = peers_init(worker, config->peer_wake_fds);
    if (error != 0)
        return error;
    *ret_what = "media socket";
    error = open_port(worker, config);
    if (error != 0)
        return error;
    *ret_what = "tables";
    error = transport_table_init(&worker->transports, segment, worker->index, worker->srtp, worker->now_us);
    if (error == 0)
        error = stream_table_init(&worker->streams, segment, worker->index, &worker->transports,
                                  (uint32_t)seeds[2]);
    return error;
}

int worker_create(const struct worker_config *config, struct worker **ret_worker, char *ret_why,
                  size_t why_bytes)
{
    struct worker *worker = aligned_alloc(SHM_CACHE_LINE, (sizeof(*worker) + 63) & ~(size_t)63);
    const char *what;

    if (!worker) {
        snprintf(ret_why, why_bytes, "worker %u: no memory", config->index);
        return -ENOMEM;
    }
    memset(worker, 0, sizeof(*worker));
    worker->index = config->index;
    worker->segment = config->segment;
    worker->statistics = config->statistics;
    worker->srtp = config->srtp;
    worker->wake_fd = config->wake_fd;
    worker->control_wake_fd = config->control_wake_fd;
    worker->poll = config->poll;
    worker->spin_us = config->spin_us;
    worker->clock_us = config->clock_us ? config->clock_us : monotonic_us;
    int error = attach(worker, config, &what);
    if (error != 0) {
        snprintf(ret_why, why_bytes, "worker %u: %s: %s", config->index, what, strerror(-error));
        worker_destroy(worker);
        return error;
    }
    *ret_worker = worker;
    return 0;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->streams.segment)
        stream_table_deinit(&worker->streams);
    if (worker->transports.transports)
        transport_table_deinit(&worker->transports);
    if (worker->port)
        worker->port->verbs->destroy(worker->port);
    arena_reset(&worker->arena);
    free(worker);
}
