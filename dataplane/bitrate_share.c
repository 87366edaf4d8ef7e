#include "dataplane/bitrate_share.h"

#define LEVELS_MAX (MEDIA_SPATIAL_LAYERS_MAX * MEDIA_TEMPORAL_LAYERS_MAX)

struct level {
    int8_t spatial;
    int8_t temporal;
};

/* The levels of a consumer, lowest first. A higher picture at a quarter of its frames is worse than a lower
 * one with all of them, so spatial layers begin at half of their frames. */
static unsigned list_levels(const struct bitrate_share *share, struct level ret_levels[LEVELS_MAX])
{
    unsigned count = 0;

    for (int8_t s = 0; s < (int8_t)MEDIA_SPATIAL_LAYERS_MAX && s <= share->preferred_spatial; s++) {
        int8_t top = -1;
        for (int8_t t = 0; t < (int8_t)MEDIA_TEMPORAL_LAYERS_MAX && t <= share->preferred_temporal; t++)
            if (share->bps[s][t] != 0)
                top = t;
        int8_t first = (int8_t)(count == 0 || top < 1 ? 0 : top - 1);
        for (int8_t t = first; t <= top; t++)
            if (share->bps[s][t] != 0)
                ret_levels[count++] = (struct level){s, t};
    }
    if (count > 0 || share->preferred_spatial < 0)
        return count;
    /* Nothing lives up to what is preferred: the lowest above it. */
    for (int8_t s = (int8_t)(share->preferred_spatial + 1); s < (int8_t)MEDIA_SPATIAL_LAYERS_MAX; s++)
        for (int8_t t = 0; t < (int8_t)MEDIA_TEMPORAL_LAYERS_MAX && t <= share->preferred_temporal; t++) {
            if (share->bps[s][t] != 0)
                ret_levels[count++] = (struct level){s, t};
            if (t == share->preferred_temporal && count > 0)
                return count;
        }
    return count;
}

static uint32_t cost(const struct bitrate_share *share)
{
    return share->spatial < 0 ? 0 : share->bps[share->spatial][share->temporal];
}

static bool is_rise(const struct bitrate_share *share, const struct level *level)
{
    if (share->spatial < 0 && share->held_spatial < 0)
        return share->was_refused;
    if (level->spatial != share->held_spatial)
        return level->spatial > share->held_spatial;
    return level->temporal > share->held_temporal;
}

/* Puts the share one level up if that fits into what is available beside used_bps. */
static bool step(struct bitrate_share *share, uint64_t available_bps, uint64_t *used_bps, bool may_rise)
{
    struct level levels[LEVELS_MAX];
    unsigned count = list_levels(share, levels);
    unsigned next = 0;

    if (share->spatial >= 0) {
        while (next < count &&
               (levels[next].spatial != share->spatial || levels[next].temporal != share->temporal))
            next++;
        next++;
    }
    if (next >= count)
        return false;
    const struct level *level = &levels[next];
    uint64_t bps = share->bps[level->spatial][level->temporal];
    uint64_t needed = *used_bps - cost(share) + bps;
    bool rise = is_rise(share, level);

    if (rise && !may_rise) {
        share->wants_more = true;
        return false;
    }
    uint64_t margin = rise ? needed * BITRATE_SHARE_MARGIN_PERCENT / 100 : 0;
    if (needed + margin > available_bps) {
        share->wants_more = true;
        return false;
    }
    *used_bps = needed;
    share->spatial = level->spatial;
    share->temporal = level->temporal;
    return true;
}

uint64_t bitrate_share_out(struct bitrate_share *shares, unsigned count, uint64_t available_bps,
                           bool may_rise)
{
    uint64_t used_bps = 0;
    bool given = true;

    for (unsigned i = 0; i < count; i++) {
        shares[i].spatial = shares[i].temporal = -1;
        shares[i].wants_more = false;
        step(&shares[i], available_bps, &used_bps, may_rise);
    }
    while (given) {
        given = false;
        for (unsigned i = 0; i < count; i++) {
            if (shares[i].spatial < 0)
                continue;
            for (unsigned steps = shares[i].priority ? shares[i].priority : 1; steps > 0; steps--) {
                if (!step(&shares[i], available_bps, &used_bps, may_rise))
                    break;
                given = true;
            }
        }
    }
    return used_bps;
}

uint32_t bitrate_share_desired_bps(const struct bitrate_share *share)
{
    struct level levels[LEVELS_MAX];
    unsigned count = list_levels(share, levels);

    return count == 0 ? 0 : share->bps[levels[count - 1].spatial][levels[count - 1].temporal];
}

uint32_t bitrate_share_least_bps(const struct bitrate_share *share)
{
    struct level levels[LEVELS_MAX];

    return list_levels(share, levels) == 0 ? 0 : share->bps[levels[0].spatial][levels[0].temporal];
}
