#include "dataplane/svc_filter.h"

#include "proto/wire/rtp.h"

#define SPATIAL MEDIA_SPATIAL_LAYERS_MAX
#define TEMPORAL MEDIA_TEMPORAL_LAYERS_MAX

static bool has(uint16_t targets, unsigned target)
{
    return target < SPATIAL * TEMPORAL && (targets >> target & 1);
}

/* Of one spatial layer the highest temporal one up to top, or the lowest of all. */
static unsigned choose_temporal(uint16_t targets, unsigned spatial, unsigned top, bool lowest)
{
    for (unsigned i = 0; i <= top; i++) {
        unsigned target = svc_target(spatial, lowest ? i : top - i);
        if (has(targets, target))
            return target;
    }
    return SVC_FILTER_NONE;
}

/* The highest up to what is wanted, else the lowest above. */
static unsigned choose(uint16_t targets, unsigned spatial, unsigned temporal)
{
    unsigned found = SVC_FILTER_NONE;

    for (unsigned s = spatial + 1; found == SVC_FILTER_NONE && s-- > 0;)
        found = choose_temporal(targets, s, temporal, false);
    for (unsigned s = spatial + 1; found == SVC_FILTER_NONE && s < SPATIAL; s++)
        found = choose_temporal(targets, s, TEMPORAL - 1, true);
    return found;
}

void svc_filter_init(struct svc_filter *state)
{
    *state = (struct svc_filter){
        .current = SVC_FILTER_NONE, .active = SVC_TARGETS_ALL, .top = SPATIAL - 1, .has_begun = 1};
}

void svc_filter_resume(struct svc_filter *state)
{
    state->has_picture = 0;
}

static bool can_decode(const struct svc_filter *state, const struct svc_frame *frame)
{
    if (has(frame->present, state->current))
        return true;
    return frame->independent ||
           (frame->own_picture_only && frame->spatial > 0 && (state->sent >> (frame->spatial - 1) & 1));
}

/* Higher temporal layers join those that are whole up to the frame's (RFC 9628 section 4.2, U). */
static uint16_t switched_up(uint16_t intact, unsigned temporal)
{
    for (unsigned s = 0; s < SPATIAL; s++)
        if (has(intact, svc_target(s, temporal)))
            intact |= (uint16_t)((0xfu << temporal & 0xfu) << svc_target(s, 0));
    return intact;
}

static bool begin_frame(struct svc_filter *state, const struct svc_frame *frame, unsigned spatial,
                        unsigned temporal)
{
    bool first_of_picture = state->seen == 0;
    uint16_t open;

    if (frame->key_picture && frame->start)
        state->intact = SVC_TARGETS_ALL;
    open = state->intact;
    if (frame->start && can_decode(state, frame))
        open |= frame->switches;
    if (open & frame->active)
        open &= frame->active;
    unsigned target = frame->start ? choose(open, spatial, temporal) : state->current;
    /* A picture that has begun is not cut short. */
    bool may_change = first_of_picture || target > state->current || state->current == SVC_FILTER_NONE;
    if (target != SVC_FILTER_NONE && may_change)
        state->current = (uint8_t)target;

    if (!has(frame->present, state->current)) {
        state->intact &= (uint16_t)~frame->required;
        return false;
    }
    state->intact |= frame->switches;
    if (frame->temporal_switch)
        state->intact = switched_up(state->intact, frame->temporal);
    return true;
}

bool svc_filter_packet(struct svc_filter *state, uint32_t timestamp, const struct svc_frame *frame,
                       unsigned spatial, unsigned temporal)
{
    uint8_t bit = (uint8_t)(1u << frame->spatial);

    if (state->has_picture && rtp_timestamp_newer(state->timestamp, timestamp))
        return has(frame->present, state->current);
    if (!state->has_picture || timestamp != state->timestamp) {
        state->timestamp = timestamp;
        state->has_picture = 1;
        state->seen = state->sent = 0;
    }
    state->active = frame->active;
    if (!(state->seen & bit)) {
        state->sent |= begin_frame(state, frame, spatial, temporal) ? bit : 0;
        state->seen |= bit;
    }
    return state->sent & bit;
}

bool svc_filter_is_last(const struct svc_filter *state, const struct svc_frame *frame)
{
    return state->has_begun && frame->is_layered && frame->end && frame->spatial == state->current / TEMPORAL;
}

/* Those of the active ones that are forwarded whole. */
static uint32_t forwarded_targets(const struct svc_filter *state, const struct svc_decode_targets *targets)
{
    uint32_t forwarded = 0;

    for (unsigned i = 0; i < targets->count; i++) {
        unsigned layer = targets->layers >> 4 * i & 0xf;
        unsigned above = state->current / TEMPORAL - layer / TEMPORAL; /* layers, and huge below */
        if (above <= (targets->layers_apart ? 0 : SPATIAL) && layer % TEMPORAL <= state->current % TEMPORAL)
            forwarded |= 1u << i;
    }
    return forwarded & targets->active;
}

static bool has_targets(const struct svc_filter *state, const struct svc_frame *frame)
{
    return state->has_begun && state->current != SVC_FILTER_NONE && frame->is_layered &&
           forwarded_targets(state, &frame->decode_targets) != 0;
}

void svc_filter_note_targets(struct svc_filter *state, const struct svc_frame *frame)
{
    const struct svc_decode_targets *targets = &frame->decode_targets;

    if (!has_targets(state, frame))
        return;
    if (forwarded_targets(state, targets) != targets->active)
        state->is_narrowed = 1;
    else if (targets->has_structure) /* which begins with all that the sender sends */
        state->is_narrowed = 0;
}

bool svc_filter_targets(const struct svc_filter *state, const struct svc_frame *frame, uint32_t *ret_targets)
{
    if (!state->is_narrowed || !has_targets(state, frame))
        return false;
    *ret_targets = forwarded_targets(state, &frame->decode_targets);
    return true;
}

bool svc_filter_needs_key_frame(const struct svc_filter *state, unsigned spatial, unsigned temporal)
{
    unsigned wanted = choose(state->active, spatial, temporal);

    if (state->current == SVC_FILTER_NONE)
        return true;
    if (wanted == SVC_FILTER_NONE || wanted / TEMPORAL == state->current / TEMPORAL)
        return false;
    unsigned next = choose(state->intact & state->active, spatial, temporal);
    return next == SVC_FILTER_NONE || next / TEMPORAL != wanted / TEMPORAL;
}

bool svc_filter_layers(const struct svc_filter *state, int *ret_spatial, int *ret_temporal)
{
    if (!state->has_begun || state->current == SVC_FILTER_NONE)
        return false;
    *ret_spatial = state->current / TEMPORAL;
    *ret_temporal = state->current % TEMPORAL;
    return true;
}
