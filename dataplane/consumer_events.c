#include "dataplane/consumer_events.h"

#include "dataplane/events.h"
#include "dataplane/layer_switch.h"
#include "dataplane/punt.h"
#include "dataplane/svc_filter.h"
#include "dataplane/worker.h"

#define SCORE_INTERVAL_MS (1000u / CONSUMER_EVENTS_RATE)

/* The spatial layer within the encoding that is sent. */
static int layer_within(const struct consumer *consumer)
{
    int spatial = 0, temporal;

    svc_filter_layers(&consumer->row->media.svc, &spatial, &temporal);
    return spatial;
}

/* False when it cannot be told now. */
static bool tell_layers(struct worker *worker, struct consumer *consumer)
{
    int spatial, temporal;

    if (!events_have_room_for_news(worker) ||
        !token_bucket_take(&consumer->events.quota, 1, CONSUMER_EVENTS_RATE, CONSUMER_EVENTS_BURST,
                           worker->now_us))
        return false;
    if (layer_switch_take_change(&consumer->row->media.layer, layer_within(consumer), &spatial, &temporal))
        events_layers(worker, consumer->handle, spatial, temporal);
    return true;
}

static bool tell_score(struct worker *worker, struct consumer *consumer)
{
    uint32_t now_ms = (uint32_t)(worker->now_us / 1000);

    if (now_ms - consumer->events.scored_ms < SCORE_INTERVAL_MS || !events_have_room_for_news(worker))
        return false;
    consumer->events.scored_ms = now_ms;
    events_score(worker, consumer);
    return true;
}

void consumer_events_layers(struct worker *worker, struct consumer *consumer)
{
    struct consumer_events *events = &consumer->events;

    if (events->layers || !layer_switch_has_change(&consumer->row->media.layer, layer_within(consumer)))
        return;
    events->layers = !tell_layers(worker, consumer);
    consumer->transport->has_events |= events->layers;
}

void consumer_events_score(struct consumer *consumer)
{
    consumer->events.score = true;
    consumer->transport->has_events = true;
}

/* Whether there is nothing left to tell of it. */
static bool tell(struct worker *worker, struct consumer *consumer)
{
    struct consumer_events *events = &consumer->events;

    events->layers = events->layers && !tell_layers(worker, consumer);
    events->score = events->score && !tell_score(worker, consumer);
    return !events->layers && !events->score;
}

void consumer_events_turn(struct worker *worker, struct transport *transport)
{
    bool is_told = true;

    if (!transport->has_events)
        return;
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        is_told &= tell(worker, consumer);
    transport->has_events = !is_told;
}
