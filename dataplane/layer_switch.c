#include "dataplane/layer_switch.h"

#include <string.h>

enum layer_switch_flags {
    LAYER_NEEDS_KEY_FRAME = 1,
    LAYER_IDLE = 2 /* current is none or dead: any key frame is better */
};

void layer_switch_init(struct layer_switch *state, const uint8_t *temporal_layers, unsigned count,
                       bool needs_key_frame)
{
    memset(state, 0, sizeof(*state));
    state->count = (uint8_t)(count < MEDIA_ENCODINGS_MAX ? count : MEDIA_ENCODINGS_MAX);
    memcpy(state->temporal_layers, temporal_layers, state->count);
    state->current = state->target = -1;
    state->preferred = state->allowed = (int8_t)(state->count - 1);
    state->allowed_temporal = (int8_t)MEDIA_TEMPORAL_LAYERS_MAX - 1;
    state->allowed_layer = (int8_t)MEDIA_SPATIAL_LAYERS_MAX - 1;
    state->reported_spatial = state->reported_temporal = -1;
    state->flags = (needs_key_frame ? LAYER_NEEDS_KEY_FRAME : 0) | LAYER_IDLE;
}

void layer_switch_reset(struct layer_switch *state)
{
    state->current = -1;
    state->flags |= LAYER_IDLE;
}

static bool layer_alive(const struct layer_view *view, uint64_t now_us)
{
    uint64_t patience_us = view->dtx ? LAYER_SWITCH_ALIVE_DTX_US : LAYER_SWITCH_ALIVE_US;
    return view->last_packet_us != 0 &&
           (now_us <= view->last_packet_us || now_us - view->last_packet_us <= patience_us);
}

/* Whether it may be the target; idle: nothing is being sent. */
static bool layer_eligible(const struct layer_switch *state, const struct layer_view *views, int layer,
                           bool idle, uint64_t now_us)
{
    return layer_alive(&views[layer], now_us) &&
           (idle || layer <= state->current || !views[layer].is_newcomer);
}

/* The highest alive up to the one preferred and allowed, else the lowest alive above it. */
static int layer_choose(const struct layer_switch *state, const struct layer_view *views, bool idle,
                        uint64_t now_us)
{
    int top = state->preferred < state->allowed ? state->preferred : state->allowed;

    if (state->allowed < 0)
        return -1;
    for (int i = top; i >= 0; i--)
        if (layer_eligible(state, views, i, idle, now_us))
            return i;
    for (int i = top + 1; i < state->count; i++)
        if (layer_eligible(state, views, i, idle, now_us))
            return i;
    return -1;
}

void layer_switch_allow(struct layer_switch *state, int spatial, int temporal)
{
    state->allowed = (int8_t)(spatial < state->count ? spatial : state->count - 1);
    state->allowed_temporal = (int8_t)(spatial < 0 ? -1 : temporal);
    if (state->count == 1 && spatial >= 0)
        state->allowed_layer = (int8_t)spatial;
}

int layer_switch_allowed(const struct layer_switch *state)
{
    return state->count == 1 && state->allowed >= 0 ? state->allowed_layer : state->allowed;
}

static enum layer_reason reason_of(const struct layer_switch *state)
{
    if (state->allowed < 0)
        return LAYER_REASON_SUSPENDED;
    if (state->target < 0)
        return LAYER_REASON_NO_SOURCE;
    if (state->target == state->preferred) {
        bool thinned = state->allowed_temporal + 1 < state->temporal_layers[state->target];
        return thinned ? LAYER_REASON_ESTIMATE : LAYER_REASON_PREFERRED;
    }
    return state->target == state->allowed ? LAYER_REASON_ESTIMATE : LAYER_REASON_DEAD;
}

int layer_switch_update(struct layer_switch *state, const struct layer_view *views, uint64_t now_us)
{
    if (state->allowed < 0)
        layer_switch_reset(state);
    bool idle = state->current < 0 || !layer_alive(&views[state->current], now_us);

    state->target = (int8_t)layer_choose(state, views, idle, now_us);
    state->reason = (uint8_t)reason_of(state);
    state->flags = (uint8_t)((state->flags & ~LAYER_IDLE) | (idle ? LAYER_IDLE : 0));
    if (state->target == state->current || !(state->flags & LAYER_NEEDS_KEY_FRAME))
        return -1;
    return state->target;
}

int layer_switch_wanted_temporal(const struct layer_switch *state)
{
    return state->target >= 0 && state->target < state->current ? 0 : state->allowed_temporal;
}

enum layer_verdict layer_switch_packet(struct layer_switch *state, unsigned encoding, bool key_frame)
{
    int layer = (int)encoding;
    if (layer == state->current)
        return LAYER_FORWARD;
    if (encoding >= state->count || ((state->flags & LAYER_NEEDS_KEY_FRAME) && !key_frame))
        return LAYER_IGNORE;

    bool wanted = layer == state->target;
    if (state->allowed < 0 || (!wanted && !(state->flags & LAYER_IDLE)))
        return LAYER_IGNORE;
    state->current = (int8_t)layer;
    state->target = wanted ? state->current : state->target;
    state->flags &= (uint8_t)~LAYER_IDLE;
    state->temporal = (int8_t)layer_switch_wanted_temporal(state);
    return LAYER_BEGIN;
}

void layer_switch_takes(const struct layer_switch *state, uint8_t *ret_takes, uint8_t *ret_begins)
{
    unsigned current = state->current >= 0 ? 1u << state->current : 0;
    unsigned target = state->target >= 0 ? 1u << state->target : 0;
    unsigned all = (1u << state->count) - 1;
    unsigned others = (state->flags & LAYER_IDLE ? all : target & all) & ~current;

    if (state->allowed < 0)
        others = 0;
    *ret_begins = (uint8_t)others;
    *ret_takes = (uint8_t)(state->flags & LAYER_NEEDS_KEY_FRAME ? current : current | others);
}

bool layer_switch_temporal(struct layer_switch *state, const struct packet_layer *layer, bool key_frame)
{
    int8_t wanted = (int8_t)layer_switch_wanted_temporal(state);

    if (layer->frame_start || key_frame) {
        bool next = layer->temporal_sync && layer->temporal == state->temporal + 1;
        if (key_frame || wanted < state->temporal)
            state->temporal = wanted;
        else if (next && layer->temporal <= wanted)
            state->temporal = (int8_t)layer->temporal;
    }
    return layer->temporal <= state->temporal;
}

/* What is forwarded, as it is told. */
static void forwarded(const struct layer_switch *state, int within, int *ret_spatial, int *ret_temporal)
{
    int spatial = state->target < 0 ? -1 : state->current;
    int temporal = -1;

    if (spatial >= 0) {
        int top = state->temporal_layers[spatial] > 1 ? state->temporal_layers[spatial] - 1 : 0;
        temporal = state->temporal < top ? state->temporal : top;
        spatial += within;
    }
    *ret_spatial = spatial;
    *ret_temporal = temporal;
}

bool layer_switch_has_change(const struct layer_switch *state, int within)
{
    int spatial, temporal;

    forwarded(state, within, &spatial, &temporal);
    return spatial != state->reported_spatial || temporal != state->reported_temporal;
}

bool layer_switch_take_change(struct layer_switch *state, int within, int *ret_spatial, int *ret_temporal)
{
    if (!layer_switch_has_change(state, within))
        return false;
    forwarded(state, within, ret_spatial, ret_temporal);
    state->reported_spatial = (int8_t)*ret_spatial;
    state->reported_temporal = (int8_t)*ret_temporal;
    return true;
}
