#include "tools/kolabmeet-load/loss_sum.h"

#include "tools/kolabmeet-load/media_sink.h"

void loss_sum_add(struct loss_sum *sum, const struct media_sink *sink, bool is_over)
{
    sum->sinks++;
    if (!sink->flow) {
        sum->silent++;
        return;
    }
    uint64_t expected = media_sink_expected(sink, is_over ? sink->flow->sent : sink->highest + 1);
    sum->expected += expected;
    sum->lost += expected > sink->received ? expected - sink->received : 0;
}

void loss_sum_own(struct loss_sum *sum, uint64_t thrown)
{
    uint64_t own = thrown < sum->lost ? thrown : sum->lost;

    sum->lost -= own;
    sum->own_lost += own;
}

void loss_sum_merge(struct loss_sum *sum, const struct loss_sum *other)
{
    sum->sinks += other->sinks;
    sum->silent += other->silent;
    sum->expected += other->expected;
    sum->lost += other->lost;
    sum->own_lost += other->own_lost;
}
