#include "dataplane/arrival_groups.h"

#define GROUP_US 5000
#define BURST_US 5000
#define BURST_MAX_US 100000
#define CLOCK_JUMP_US 3000000
#define BACKWARDS_MAX 3

/* Sent apart, but let go together by a queue: it came sooner after the group than it was sent after it. */
static bool is_burst(const struct arrival_group *group, int64_t send_us, int64_t arrival_us)
{
    int64_t arrival_delta_us = arrival_us - group->last_arrival_us;
    int64_t send_delta_us = send_us - group->last_send_us;

    if (send_delta_us == 0)
        return true;
    return arrival_delta_us < send_delta_us && arrival_delta_us <= BURST_US &&
           arrival_us - group->first_arrival_us < BURST_MAX_US;
}

static void begin(struct arrival_group *group, int64_t send_us, int64_t arrival_us, uint64_t now_us)
{
    *group = (struct arrival_group){.first_send_us = send_us,
                                    .last_send_us = send_us,
                                    .first_arrival_us = arrival_us,
                                    .last_arrival_us = arrival_us,
                                    .told_us = now_us};
}

static void extend(struct arrival_group *group, int64_t send_us, int64_t arrival_us, uint64_t now_us)
{
    if (send_us > group->last_send_us)
        group->last_send_us = send_us;
    if (arrival_us > group->last_arrival_us)
        group->last_arrival_us = arrival_us;
    group->told_us = now_us;
}

/* The deltas of the two groups that are whole. */
static bool compare(struct arrival_groups *groups, struct arrival_delta *ret_delta)
{
    const struct arrival_group *current = &groups->current;
    const struct arrival_group *previous = &groups->previous;
    int64_t send_us = current->last_send_us - previous->last_send_us;
    int64_t arrival_us = current->last_arrival_us - previous->last_arrival_us;
    int64_t own_us = (int64_t)(current->told_us - previous->told_us);

    if (arrival_us - own_us >= CLOCK_JUMP_US) {
        groups->has_previous = groups->has_current = 0;
        return false;
    }
    if (arrival_us < 0) {
        if (++groups->backwards >= BACKWARDS_MAX)
            groups->has_previous = groups->has_current = groups->backwards = 0;
        return false;
    }
    groups->backwards = 0;
    *ret_delta =
        (struct arrival_delta){.send_ms = (double)send_us / 1000, .arrival_ms = (double)arrival_us / 1000};
    return true;
}

bool arrival_groups_packet(struct arrival_groups *groups, int64_t send_us, int64_t arrival_us,
                           uint64_t now_us, struct arrival_delta *ret_delta)
{
    bool compared = false;

    if (!groups->has_current) {
        begin(&groups->current, send_us, arrival_us, now_us);
        groups->has_current = 1;
        return false;
    }
    if (send_us < groups->current.first_send_us)
        return false;
    if (is_burst(&groups->current, send_us, arrival_us) ||
        send_us - groups->current.first_send_us <= GROUP_US) {
        extend(&groups->current, send_us, arrival_us, now_us);
        return false;
    }
    if (groups->has_previous)
        compared = compare(groups, ret_delta);
    groups->has_previous = groups->has_current;
    groups->previous = groups->current;
    begin(&groups->current, send_us, arrival_us, now_us);
    groups->has_current = 1;
    return compared;
}
