#include "dataplane/fanout.h"

#include <errno.h>
#include <string.h>

#include "dataplane/layer_switch.h"
#include "dataplane/stream_table.h"

static struct fanout_line *line_of(const struct consumer *consumer)
{
    return &consumer->producer->fanout.lines[consumer->line];
}

/* Moves the lines to a block of that order. */
static int resize(struct line_pool *pool, struct fanout *fanout, unsigned order)
{
    struct fanout_line *lines = line_pool_take(pool, order);

    if (!lines)
        return -ENOMEM;
    if (fanout->count > 0)
        memcpy(lines, fanout->lines, fanout->count * sizeof(*lines));
    line_pool_give(pool, fanout->lines, fanout->order);
    fanout->lines = lines;
    fanout->order = order;
    return 0;
}

int fanout_add(struct line_pool *pool, struct fanout *fanout, struct consumer *consumer)
{
    int error = 0;

    if (!fanout->lines)
        error = resize(pool, fanout, 0);
    else if (fanout->count == 1u << fanout->order)
        error = resize(pool, fanout, fanout->order + 1);
    if (error != 0)
        return error;
    consumer->line = fanout->count++;
    fanout->lines[consumer->line] = (struct fanout_line){.consumer = consumer,
                                                         .row = consumer->row,
                                                         .transport = consumer->transport,
                                                         .transport_row = consumer->transport->row,
                                                         .takes = UINT8_MAX,
                                                         .begins = UINT8_MAX};
    return 0;
}

void fanout_remove(struct line_pool *pool, struct fanout *fanout, struct consumer *consumer)
{
    fanout_settle(consumer);
    fanout->count--;
    fanout->lines[consumer->line] = fanout->lines[fanout->count];
    fanout->lines[consumer->line].consumer->line = consumer->line;
    if (fanout->count == 0) {
        line_pool_give(pool, fanout->lines, fanout->order);
        *fanout = (struct fanout){0};
    } else if (fanout->count * 4 <= 1u << fanout->order) {
        resize(pool, fanout, fanout->order - 1); /* else it stays as it is */
    }
}

static enum statistics_drop reason_to_ignore(const struct layer_switch *layer)
{
    if (layer->current >= 0)
        return DROP_consumer_other_layer;
    return layer->allowed < 0 ? DROP_consumer_suspended : DROP_consumer_waits_key_frame;
}

/* What the consumer's state says, without the rest of the line. */
static struct fanout_line look(const struct consumer *consumer)
{
    const struct layer_switch *layer = &consumer->row->media.layer;
    struct fanout_line line = {0};

    if (consumer->row->paused) {
        line.reason = DROP_consumer_paused;
    } else if (!transport_can_send(consumer->transport)) {
        line.reason = DROP_consumer_no_address;
    } else {
        layer_switch_takes(layer, &line.takes, &line.begins);
        line.reason = (uint8_t)reason_to_ignore(layer);
    }
    return line;
}

void fanout_refresh(const struct consumer *consumer)
{
    struct fanout_line seen = look(consumer);
    struct fanout_line *line = line_of(consumer);

    line->takes = seen.takes;
    line->begins = seen.begins;
    line->reason = seen.reason;
}

bool fanout_lets_through(const struct consumer *consumer)
{
    struct fanout_line seen = look(consumer);
    const struct fanout_line *line = line_of(consumer);

    return (seen.takes & ~line->takes) == 0 && (seen.begins & ~(line->takes | line->begins)) == 0;
}

enum statistics_drop fanout_reason(const struct consumer *consumer)
{
    return (enum statistics_drop)look(consumer).reason;
}

void fanout_settle(const struct consumer *consumer)
{
    struct fanout_line *line = line_of(consumer);

    line->row->packets_dropped += line->dropped;
    line->dropped = 0;
}
