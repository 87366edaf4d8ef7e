/* What sinks have missed, and whose loss it was: the server's (or the network's), or our own kernel's, which
 * throws away what a socket of ours has no room for.
 *
 * Own is only what was counted: as many packets as the kernel has thrown away for the participant whose sinks
 * they are, and never more than these have missed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct media_sink;

struct loss_sum {
    uint64_t sinks;
    uint64_t silent;   /* sinks that have received nothing */
    uint64_t expected; /* packets since the mark */
    uint64_t lost;     /* of them: by the server or the network */
    uint64_t own_lost; /* of them: in own receive buffers */
};

/* All that the sink has missed counts as lost by the server, for now. While it is not over, what is later
 * than the last packet that came is neither expected nor lost: it is under way. */
void loss_sum_add(struct loss_sum *sum, const struct media_sink *sink, bool is_over);

/* Of what these sinks have missed up to thrown packets were lost in own receive buffers. */
void loss_sum_own(struct loss_sum *sum, uint64_t thrown);

void loss_sum_merge(struct loss_sum *sum, const struct loss_sum *other);
