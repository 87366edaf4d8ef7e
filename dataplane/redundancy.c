#include "dataplane/redundancy.h"

#include "dataplane/estimator.h"
#include "dataplane/retransmit.h"
#include "dataplane/worker.h"

#define SPENT_PERCENT 90u     /* of the estimate, that media and copies may take together */
#define CALM_RATIO 0.5        /* of a level's loss, at which it ends */
#define BURST_BYTES_MAX 30000 /* beyond a few pictures a copy is no help */
#define OVERHEAD_BYTES 60u    /* head, trailer and RTX number beside the payload */
#define PACKET_BYTES_MAX 65535u

static enum redundancy_level level_of(double loss, enum redundancy_level before)
{
    if (loss >= (before == REDUNDANCY_LEVEL_ALL ? REDUNDANCY_ALL * CALM_RATIO : REDUNDANCY_ALL))
        return REDUNDANCY_LEVEL_ALL;
    if (loss >= (before == REDUNDANCY_LEVEL_NONE ? REDUNDANCY_SOME : REDUNDANCY_SOME * CALM_RATIO))
        return REDUNDANCY_LEVEL_SOME;
    return REDUNDANCY_LEVEL_NONE;
}

/* What is left of the estimate, where nothing says that it is too high. */
static uint32_t rate_left(const struct transport *transport)
{
    const struct estimator *estimator = transport->estimator;
    uint64_t allowed_bps = (uint64_t)transport->row->available_bps * SPENT_PERCENT / 100;

    if (estimator->overuse.state != OVERUSE_NORMAL || estimator_has_queue(estimator) ||
        allowed_bps <= estimator->desired_bps)
        return 0;
    return (uint32_t)(allowed_bps - estimator->desired_bps);
}

void redundancy_turn(struct transport *transport, uint64_t now_us)
{
    struct redundancy *redundancy = &transport->redundancy;
    enum redundancy_level level = REDUNDANCY_LEVEL_NONE;

    if (transport->row->available_bps != 0) {
        level = level_of(transport->estimator->loss.smoothed, redundancy->level);
        redundancy->rate_bps = rate_left(transport);
    }
    if (redundancy->level == REDUNDANCY_LEVEL_NONE)
        redundancy->refilled_us = now_us;
    if (redundancy->rate_bps == 0)
        redundancy->tokens_bytes = 0; /* what was saved is as wrong now as more would be */
    redundancy->level = (uint8_t)level;
}

static bool pay(struct redundancy *redundancy, uint32_t bytes, uint64_t now_us)
{
    uint64_t passed_us = now_us - redundancy->refilled_us;
    uint64_t most = (uint64_t)redundancy->rate_bps * REDUNDANCY_BURST_US / 8000000;

    if (passed_us > REDUNDANCY_BURST_US)
        passed_us = REDUNDANCY_BURST_US;
    if (most > BURST_BYTES_MAX)
        most = BURST_BYTES_MAX;
    uint64_t more = (uint64_t)redundancy->rate_bps * passed_us / 8000000;
    if (more > 0) {
        uint64_t tokens = (uint64_t)redundancy->tokens_bytes + more;
        redundancy->tokens_bytes = (int32_t)(tokens < most ? tokens : most);
        redundancy->refilled_us = now_us;
    }
    if (redundancy->tokens_bytes < (int32_t)bytes)
        return false;
    redundancy->tokens_bytes -= (int32_t)bytes;
    return true;
}

static void send_run(struct worker *worker, struct transport *transport)
{
    struct redundancy *redundancy = &transport->redundancy;
    struct consumer *consumer = consumer_find(&worker->streams, redundancy->consumer);

    for (unsigned i = 0; consumer && i < redundancy->count; i++) {
        if (retransmit_unasked(worker, consumer, (uint16_t)(redundancy->first + i), 0, PACKET_BYTES_MAX) > 0)
            redundancy->copies++;
    }
    redundancy->count = 0;
}

void redundancy_run(struct worker *worker, struct transport *transport)
{
    if (transport->redundancy.count > 0 && worker->now_us >= transport->redundancy.due_us)
        send_run(worker, transport);
}

static bool is_to_be_copied(const struct redundancy *redundancy, const struct packet_view *view,
                            const struct rewrite_numbers *numbers)
{
    return redundancy->level == REDUNDANCY_LEVEL_ALL || numbers->marker || view->header.marker ||
           view->layer.temporal > 0;
}

void redundancy_sent(struct worker *worker, struct consumer *consumer, const struct packet_view *view,
                     const struct rewrite_numbers *numbers)
{
    struct transport *transport = consumer->transport;
    struct redundancy *redundancy = &transport->redundancy;
    uint16_t sequence = (uint16_t)numbers->sequence;

    if (consumer->row->rtx_ssrc == 0 || consumer->row->kind != SHM_MEDIA_VIDEO ||
        transport->pacing.packets > 0 || !is_to_be_copied(redundancy, view, numbers) ||
        !pay(redundancy, view->header.payload_length + OVERHEAD_BYTES, worker->now_us))
        return;
    if (redundancy->count > 0 &&
        (redundancy->consumer != consumer->handle || redundancy->count == REDUNDANCY_RUN_MAX ||
         (uint16_t)(redundancy->first + redundancy->count) != sequence))
        send_run(worker, transport);
    if (redundancy->count == 0) {
        redundancy->consumer = consumer->handle;
        redundancy->first = sequence;
        redundancy->due_us = worker->now_us + REDUNDANCY_DELAY_US;
        transport_table_busy(&worker->transports, transport);
    }
    redundancy->count++;
}

unsigned redundancy_repeats(struct transport *transport, uint32_t bytes, uint64_t now_us)
{
    struct redundancy *redundancy = &transport->redundancy;
    unsigned repeats = 0;

    while (repeats < redundancy->level && pay(redundancy, bytes + OVERHEAD_BYTES, now_us))
        repeats++;
    return repeats;
}
