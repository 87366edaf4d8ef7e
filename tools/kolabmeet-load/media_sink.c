#include "tools/kolabmeet-load/media_sink.h"

#include <stdlib.h>
#include <string.h>

#include "proto/wire/rtp.h"
#include "tools/kolabmeet-load/memory.h"

void media_sink_init(struct media_sink *sink, uint32_t ssrc, uint32_t rtx_ssrc, bool is_video)
{
    memset(sink, 0, sizeof *sink);
    sink->ssrc = ssrc;
    sink->rtx_ssrc = rtx_ssrc;
    sink->is_video = is_video;
    sink->reception.clock_rate = is_video ? 90000 : 48000;
    if (rtx_ssrc != 0)
        sink->nacks = memory_take(1, sizeof *sink->nacks);
}

void media_sink_deinit(struct media_sink *sink)
{
    free(sink->nacks);
    sink->nacks = NULL;
}

static void begin(struct media_sink *sink, const struct flow *flow, uint64_t counter)
{
    sink->flow = flow;
    sink->from = counter > flow->mark ? counter : flow->mark;
    sink->highest = counter;
}

/* Notes a counter; false when it was seen before. */
static bool note(struct media_sink *sink, struct tally *tally, uint64_t counter)
{
    if (counter > sink->highest) {
        uint64_t step = counter - sink->highest;
        if (step >= MEDIA_SINK_WINDOW)
            memset(sink->seen, 0, sizeof sink->seen);
        else
            for (uint64_t gone = sink->highest + 1; gone < counter; gone++)
                sink->seen[gone % MEDIA_SINK_WINDOW / 64] &= ~(UINT64_C(1) << (gone % 64));
        sink->highest = counter;
    } else {
        bool is_known = sink->highest - counter < MEDIA_SINK_WINDOW;
        if (is_known && sink->seen[counter % MEDIA_SINK_WINDOW / 64] >> (counter % 64) & 1) {
            tally->duplicates++;
            return false;
        }
        if (counter < sink->highest)
            tally->reordered++;
        if (!is_known)
            return true;
    }
    sink->seen[counter % MEDIA_SINK_WINDOW / 64] |= UINT64_C(1) << (counter % 64);
    return true;
}

static void count(struct media_sink *sink, struct tally *tally, uint64_t counter)
{
    if (note(sink, tally, counter) && counter >= sink->from)
        sink->received++;
}

/* What was sent before the sink was there is the last key frame, and what followed it, out of the server's
 * store. */
static void count_latency(const struct media_sink *sink, struct tally *tally, uint64_t arrival_ns,
                          const struct stamp *stamp)
{
    if (stamp->sent_ns < sink->since_ns) {
        tally->caught_up++;
        return;
    }
    histogram_add(&tally->latency, arrival_ns > stamp->sent_ns ? arrival_ns - stamp->sent_ns : 0);
}

void media_sink_take(struct media_sink *sink, struct tally *tally, const struct flow_table *flows,
                     uint16_t sequence, uint32_t timestamp, uint64_t arrival_ns, const struct stamp *stamp)
{
    int64_t unwrapped = reception_take(&sink->reception, sequence, timestamp, arrival_ns);

    if (sink->nacks)
        nack_list_take(sink->nacks, unwrapped, arrival_ns);
    if (!stamp) {
        if (sink->flow)
            count(sink, tally, (uint64_t)(unwrapped + sink->offset));
        return;
    }
    if (!sink->flow) {
        const struct flow *flow = flow_table_find(flows, stamp->source);
        if (!flow) {
            tally->foreign++;
            return;
        }
        begin(sink, flow, stamp->counter);
    }
    sink->offset = (int64_t)stamp->counter - unwrapped;
    count(sink, tally, stamp->counter);
    count_latency(sink, tally, arrival_ns, stamp);
}

void media_sink_take_repair(struct media_sink *sink, struct tally *tally, uint16_t sequence,
                            uint64_t arrival_ns, const struct stamp *stamp)
{
    if (!sink->flow)
        return;
    if (sink->nacks)
        nack_list_take(sink->nacks, rtp_seq_unwrap(sink->reception.highest, sequence), arrival_ns);
    uint64_t before = tally->duplicates;
    count(sink, tally, stamp->counter);
    if (tally->duplicates != before)
        return;
    tally->repaired++;
    count_latency(sink, tally, arrival_ns, stamp);
}

void media_sink_mark(struct media_sink *sink)
{
    if (!sink->flow)
        return;
    sink->from = sink->flow->mark;
    sink->received = 0;
}

uint64_t media_sink_expected(const struct media_sink *sink, uint64_t sent)
{
    return sink->flow && sent > sink->from ? sent - sink->from : 0;
}
