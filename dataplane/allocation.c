#include "dataplane/allocation.h"

#include "dataplane/bandwidth.h"
#include "dataplane/delivery.h"
#include "dataplane/layer_rates.h"
#include "dataplane/layer_switch.h"
#include "dataplane/worker.h"

static bool takes_part(const struct consumer *consumer)
{
    return !consumer->row->paused && !consumer->producer->row->paused;
}

/* Bits a second of all audio that goes there. */
static uint64_t audio_bps(const struct worker *worker, const struct transport *transport)
{
    uint64_t bps = 0;

    for (const struct consumer *consumer = transport->consumers; consumer;
         consumer = consumer->next_of_transport) {
        if (consumer->row->kind == SHM_MEDIA_AUDIO && takes_part(consumer))
            bps += layer_rates_up_to(&consumer->producer->streams[0]->row->rates, 0, 0, worker->now_us);
    }
    return bps;
}

/* The bitrates of one encoding up to a spatial layer of it. The lowest of all that pauses between its
 * pictures costs next to nothing. */
static void measure(const struct worker *worker, const struct stream *stream, unsigned spatial, bool lowest,
                    uint32_t ret_bps[MEDIA_TEMPORAL_LAYERS_MAX])
{
    struct layer_rates *rates = &stream->row->rates;
    bool silent = forward_is_silent(worker, stream);
    unsigned layers = stream->row->temporal_layers > 0 ? stream->row->temporal_layers : 1;

    for (unsigned t = 0; t < MEDIA_TEMPORAL_LAYERS_MAX; t++) {
        ret_bps[t] = layer_rates_up_to(rates, spatial, t, worker->now_us);
        /* Of k-SVC a receiver gets this layer, but not those below. */
        if (ret_bps[t] != 0 && stream->row->layers_apart && spatial > 0)
            ret_bps[t] -= layer_rates_up_to(rates, spatial - 1, t, worker->now_us);
        if (silent)
            ret_bps[t] = 0;
        else if (ret_bps[t] == 0 && lowest && t < layers)
            ret_bps[t] = t > 0 ? ret_bps[t - 1] : 1;
    }
}

static void describe(const struct worker *worker, const struct consumer *consumer,
                     struct bitrate_share *share)
{
    const struct layer_switch *layer = &consumer->row->media.layer;
    const struct producer *producer = consumer->producer;

    *share = (struct bitrate_share){
        .priority = consumer->row->priority,
        .preferred_spatial = layer->count == 1 ? (int8_t)MEDIA_SPATIAL_LAYERS_MAX - 1 : layer->preferred,
        .preferred_temporal = (int8_t)MEDIA_TEMPORAL_LAYERS_MAX - 1,
        .held_spatial = layer->current < 0 ? -1 : (int8_t)layer_switch_allowed(layer),
        .held_temporal = layer->current < 0 ? -1 : layer->allowed_temporal,
        .was_refused = layer->reason == LAYER_REASON_SUSPENDED,
    };
    bool single = producer->row->encoding_count == 1;
    for (unsigned i = 0; i < (single ? MEDIA_SPATIAL_LAYERS_MAX : producer->row->encoding_count); i++)
        measure(worker, producer->streams[single ? 0 : i], single ? i : 0, i == 0, share->bps[i]);
}

/* In the order of priorities, first come first. */
static void insert(struct allocation *allocation, struct consumer *consumer)
{
    uint32_t place = allocation->count;

    if (place == ALLOCATION_CONSUMERS_MAX)
        return;
    allocation->count++;
    for (; place > 0 && allocation->consumers[place - 1]->row->priority < consumer->row->priority; place--)
        allocation->consumers[place] = allocation->consumers[place - 1];
    allocation->consumers[place] = consumer;
}

static void gather(struct worker *worker, struct transport *transport)
{
    struct allocation *allocation = &worker->allocation;

    allocation->count = 0;
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport) {
        if (consumer->row->kind == SHM_MEDIA_VIDEO && takes_part(consumer))
            insert(allocation, consumer);
    }
    for (uint32_t i = 0; i < allocation->count; i++)
        describe(worker, allocation->consumers[i], &allocation->shares[i]);
}

/* Layers that nobody sends do not count, or knowing more of a stream would look like a step down. */
static int at_most(int layer, int top)
{
    return layer < top ? layer : top;
}

static void find_top(const struct bitrate_share *share, int *ret_spatial, int *ret_temporal)
{
    *ret_spatial = *ret_temporal = 0;
    for (int s = 0; s < (int)MEDIA_SPATIAL_LAYERS_MAX; s++)
        for (int t = 0; t < (int)MEDIA_TEMPORAL_LAYERS_MAX; t++)
            if (share->bps[s][t] != 0) {
                *ret_spatial = s;
                *ret_temporal = t > *ret_temporal ? t : *ret_temporal;
            }
}

/* What the share says, as far as there is something to say of. */
static void apply(struct worker *worker, struct transport *transport, const struct bitrate_share *share,
                  struct consumer *consumer)
{
    struct layer_switch *layer = &consumer->row->media.layer;
    int before = layer_switch_allowed(layer), before_temporal = layer->allowed_temporal;
    bool unknown = bitrate_share_desired_bps(share) == 0;
    int top, top_temporal;

    if (unknown || transport->row->available_bps == 0)
        layer_switch_allow(layer, (int)MEDIA_SPATIAL_LAYERS_MAX - 1, (int)MEDIA_TEMPORAL_LAYERS_MAX - 1);
    else
        layer_switch_allow(layer, share->spatial, share->temporal);
    int now = layer_switch_allowed(layer), now_temporal = layer->allowed_temporal;
    if (now == before && now_temporal == before_temporal)
        return;
    find_top(share, &top, &top_temporal);
    int steps = at_most(now, top) - at_most(before, top);
    if (steps == 0)
        steps = at_most(now_temporal, top_temporal) - at_most(before_temporal, top_temporal);
    if (steps < 0)
        transport->lowered_us = worker->now_us;
    else if (steps > 0)
        transport->raised_us = worker->now_us;
    delivery_update(worker, consumer);
}

static bool is_blind(const struct transport *transport)
{
    return transport->estimator && transport->estimator->has_remb && !transport->estimator->has_feedback;
}

/* What a receiver estimates itself does not grow while nothing is sent, and it cannot be probed. So the
 * cheapest video is tried now and then, for as long as it takes to see what comes of it. Returns what that
 * needs. */
static uint64_t trial_bps(const struct worker *worker, const struct transport *transport, bool may_rise)
{
    const struct allocation *allocation = &worker->allocation;
    uint64_t least_bps = 0;
    bool has_video = false;

    if (!is_blind(transport))
        return 0;
    for (uint32_t i = 0; i < allocation->count; i++) {
        uint32_t bps = bitrate_share_least_bps(&allocation->shares[i]);
        has_video |= allocation->shares[i].held_spatial >= 0;
        if (bps != 0 && (least_bps == 0 || bps < least_bps))
            least_bps = bps;
    }
    bool is_tried = transport->raised_us != 0 && worker->now_us - transport->raised_us < ALLOCATION_TRIAL_US;
    if (has_video ? !is_tried : !may_rise)
        return 0;
    return least_bps + least_bps * BITRATE_SHARE_MARGIN_PERCENT / 100;
}

/* Doubles the patience when the last rise came down again soon, and forgets it when one lasted. */
static void learn(struct worker *worker, struct transport *transport, uint64_t lowered_before_us)
{
    bool lowered = transport->lowered_us != lowered_before_us;
    uint64_t risen_for_us = worker->now_us - transport->raised_us;

    if (transport->hold_us == 0 || (!lowered && risen_for_us >= ALLOCATION_LASTING_US))
        transport->hold_us = ALLOCATION_HOLD_US;
    else if (lowered && transport->raised_us > lowered_before_us && risen_for_us < ALLOCATION_LASTING_US &&
             transport->hold_us < ALLOCATION_HOLD_MAX_US)
        transport->hold_us *= 2;
}

/* Less by a thirtieth matters, more by a twelfth. */
void allocation_estimate(struct worker *worker, struct transport *transport)
{
    uint64_t now_bps = transport->row->available_bps, shared_bps = transport->shared_bps;

    if (now_bps + shared_bps / 30 < shared_bps || now_bps > shared_bps + shared_bps / 12 ||
        (now_bps == 0) != (shared_bps == 0))
        allocation_turn(worker, transport);
}

void allocation_turn(struct worker *worker, struct transport *transport)
{
    struct allocation *allocation = &worker->allocation;
    uint64_t audio = audio_bps(worker, transport);
    uint64_t available = transport->row->available_bps;
    uint64_t lowered_before_us = transport->lowered_us;
    uint64_t desired = audio;

    transport->shared_bps = available;
    gather(worker, transport);
    bool may_rise = lowered_before_us == 0 || worker->now_us - lowered_before_us >= transport->hold_us;
    uint64_t for_video = available > audio ? available - audio : 0;
    uint64_t trial = trial_bps(worker, transport, may_rise);
    bitrate_share_out(allocation->shares, allocation->count, for_video > trial ? for_video : trial, may_rise);
    for (uint32_t i = 0; i < allocation->count; i++) {
        desired += bitrate_share_desired_bps(&allocation->shares[i]);
        apply(worker, transport, &allocation->shares[i], allocation->consumers[i]);
    }
    learn(worker, transport, lowered_before_us);
    bandwidth_set_desired(transport, desired > UINT32_MAX ? UINT32_MAX : (uint32_t)desired);
}
