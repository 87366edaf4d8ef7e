#include "tools/kolabmeet-load/twcc_collector.h"

#include <errno.h>
#include <string.h>

#include "proto/wire/rtp.h"
#include "proto/wire/twcc_builder.h"

void twcc_collector_init(struct twcc_collector *collector, uint32_t sender_ssrc)
{
    memset(collector, 0, offsetof(struct twcc_collector, arrivals));
    collector->sender_ssrc = sender_ssrc;
}

void twcc_collector_take(struct twcc_collector *collector, uint16_t sequence, uint64_t arrival_ns)
{
    int64_t unwrapped =
        collector->highest == 0 ? sequence + 65536 : rtp_seq_unwrap(collector->highest, sequence);

    if (collector->highest == 0)
        collector->reported = unwrapped;
    if (unwrapped > collector->highest)
        collector->highest = unwrapped;
    if (unwrapped < collector->reported || collector->count == TWCC_COLLECTOR_MAX)
        return;
    size_t at = collector->count; /* nearly always the last place */
    while (at > 0 && collector->arrivals[at - 1].sequence > unwrapped) {
        collector->arrivals[at] = collector->arrivals[at - 1];
        at--;
    }
    collector->arrivals[at].sequence = unwrapped;
    collector->arrivals[at].arrival_us = arrival_ns / 1000;
    collector->count++;
}

size_t twcc_collector_write(struct twcc_collector *collector, uint32_t media_ssrc, uint8_t *buffer,
                            size_t capacity)
{
    struct twcc_builder builder;
    size_t taken = 0;

    if (collector->count == 0)
        return 0;
    twcc_builder_init(&builder, collector->sender_ssrc, media_ssrc, collector->feedback_count,
                      (uint16_t)collector->reported);
    while (taken < collector->count) {
        int error = twcc_builder_add(&builder, (uint16_t)collector->arrivals[taken].sequence,
                                     (int64_t)collector->arrivals[taken].arrival_us);
        if (error == -ENOSPC)
            break;
        collector->reported = collector->arrivals[taken].sequence + 1;
        taken++;
    }
    collector->count = (uint16_t)(collector->count - taken);
    memmove(collector->arrivals, collector->arrivals + taken,
            collector->count * sizeof collector->arrivals[0]);
    int length = twcc_builder_write(&builder, buffer, capacity);
    if (length <= 0)
        return 0;
    collector->feedback_count++;
    return (size_t)length;
}
