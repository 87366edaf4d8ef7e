#include "dataplane/consumer_events.h"

#include "dataplane/events.h"
#include "dataplane/layer_switch.h"
#include "dataplane/svc_filter.h"
#include "dataplane/worker.h"

/* The spatial layer within the encoding that is sent. */
static int layer_within(const struct consumer *consumer)
{
    int spatial = 0, temporal;

    svc_filter_layers(&consumer->row->media.svc, &spatial, &temporal);
    return spatial;
}

void consumer_events_layers(struct consumer *consumer)
{
    if (!layer_switch_has_change(&consumer->row->media.layer, layer_within(consumer)))
        return;
    consumer->events.layers = true;
    consumer->transport->has_events = true;
}

void consumer_events_score(struct consumer *consumer)
{
    consumer->events.score = true;
    consumer->transport->has_events = true;
}

static void tell(struct worker *worker, struct consumer *consumer)
{
    struct layer_switch *layer = &consumer->row->media.layer;
    int spatial, temporal;

    if (consumer->events.layers &&
        layer_switch_take_change(layer, layer_within(consumer), &spatial, &temporal))
        events_layers(worker, consumer->handle, spatial, temporal);
    if (consumer->events.score)
        events_score(worker, consumer);
    consumer->events = (struct consumer_events){.told_us = worker->now_us};
}

/* Whether there is nothing left to tell of it. */
static bool tell_if_due(struct worker *worker, struct consumer *consumer)
{
    const struct consumer_events *events = &consumer->events;

    if (!events->layers && !events->score)
        return true;
    if (worker->now_us - events->told_us < CONSUMER_EVENTS_INTERVAL_US || !events_have_room_for_news(worker))
        return false;
    tell(worker, consumer);
    return true;
}

void consumer_events_turn(struct worker *worker, struct transport *transport)
{
    bool is_told = true;

    if (!transport->has_events)
        return;
    for (struct consumer *consumer = transport->consumers; consumer; consumer = consumer->next_of_transport)
        is_told &= tell_if_due(worker, consumer);
    transport->has_events = !is_told;
}
