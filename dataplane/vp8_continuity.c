#include "dataplane/vp8_continuity.h"

#include <errno.h>

#define PICTURE_ID_MASK 0x7fff
#define WINDOW 64
/* Pictures older than any packet that rewrite_sequence lets pass: the encoder numbers anew. */
#define RENUMBERED 128

enum vp8_continuity_flags {
    VP8_PICTURE_ID = 1, /* highest_in and highest_out count */
    VP8_LONG = 2,       /* highest_in has 15 bits */
    VP8_TL0 = 4         /* tl0_last counts */
};

static unsigned vp8_width_mask(bool long_picture_id)
{
    return long_picture_id ? PICTURE_ID_MASK : 0x7f;
}

static int vp8_delta(const struct vp8_continuity *state, const struct vp8_descriptor *descriptor)
{
    unsigned mask = vp8_width_mask(descriptor->long_picture_id);
    unsigned forward = (unsigned)(descriptor->picture_id - state->highest_in) & mask;
    return forward <= mask / 2 ? (int)forward : (int)forward - (int)mask - 1;
}

/* Pictures go on behind the last one, whatever this one's number is. */
static void vp8_sync_picture_id(struct vp8_continuity *state, const struct vp8_descriptor *descriptor)
{
    unsigned mask = vp8_width_mask(descriptor->long_picture_id);
    state->highest_in = (uint16_t)((descriptor->picture_id - 1u) & mask);
    if (!(state->flags & VP8_PICTURE_ID))
        state->highest_out = (descriptor->picture_id - 1u) & PICTURE_ID_MASK;
    state->dropped = 0;
    state->flags =
        (uint8_t)((state->flags & ~VP8_LONG) | VP8_PICTURE_ID | (descriptor->long_picture_id ? VP8_LONG : 0));
}

void vp8_continuity_sync(struct vp8_continuity *state, const struct vp8_descriptor *descriptor)
{
    if (descriptor->has_picture_id)
        vp8_sync_picture_id(state, descriptor);
    if (descriptor->has_tl0_picture_index && state->flags & VP8_TL0)
        state->tl0_offset = (uint8_t)(state->tl0_last + 1 - descriptor->tl0_picture_index);
}

/* Whether state counts in the descriptor's width. */
static bool vp8_in_step(const struct vp8_continuity *state, const struct vp8_descriptor *descriptor)
{
    return (state->flags & VP8_PICTURE_ID) && !(state->flags & VP8_LONG) == !descriptor->long_picture_id;
}

static void vp8_advance(struct vp8_continuity *state, const struct vp8_descriptor *descriptor, int delta)
{
    state->dropped = delta < WINDOW ? state->dropped << delta : 0;
    state->highest_in = descriptor->picture_id;
}

/* The number of a picture that is not newer than the newest. */
static int vp8_old_picture_id(const struct vp8_continuity *state, int delta, uint16_t *ret_picture_id)
{
    if (delta <= -WINDOW || (state->dropped >> -delta & 1))
        return -ESTALE;
    int dropped_since = __builtin_popcountll(state->dropped & ((1ull << -delta) - 1));
    *ret_picture_id = (uint16_t)((state->highest_out + delta + dropped_since) & PICTURE_ID_MASK);
    return 0;
}

static int vp8_picture_id(struct vp8_continuity *state, const struct vp8_descriptor *descriptor,
                          uint16_t *ret_picture_id)
{
    if (!vp8_in_step(state, descriptor))
        vp8_sync_picture_id(state, descriptor);
    int delta = vp8_delta(state, descriptor);
    if (delta <= -RENUMBERED || (delta <= -WINDOW && descriptor->key_frame)) {
        vp8_sync_picture_id(state, descriptor);
        delta = 1;
    }
    if (delta > 0) {
        vp8_advance(state, descriptor, delta);
        state->highest_out = (uint16_t)((state->highest_out + delta) & PICTURE_ID_MASK);
        *ret_picture_id = state->highest_out;
        return 0;
    }
    return vp8_old_picture_id(state, delta, ret_picture_id);
}

int vp8_continuity_find(const struct vp8_continuity *state, const struct vp8_descriptor *descriptor,
                        struct rewrite_numbers *numbers)
{
    if (descriptor->has_picture_id) {
        int delta = vp8_in_step(state, descriptor) ? vp8_delta(state, descriptor) : 1;
        int error = delta > 0 ? -ESTALE : vp8_old_picture_id(state, delta, &numbers->picture_id);
        if (error)
            return error;
    }
    if (descriptor->has_tl0_picture_index)
        numbers->tl0_picture_index = (uint8_t)(descriptor->tl0_picture_index + state->tl0_offset);
    return 0;
}

int vp8_continuity_packet(struct vp8_continuity *state, const struct vp8_descriptor *descriptor,
                          struct rewrite_numbers *numbers)
{
    if (descriptor->has_picture_id) {
        int error = vp8_picture_id(state, descriptor, &numbers->picture_id);
        if (error)
            return error;
    }
    if (descriptor->has_tl0_picture_index) {
        uint8_t index = (uint8_t)(descriptor->tl0_picture_index + state->tl0_offset);
        if (!(state->flags & VP8_TL0) || (int8_t)(index - state->tl0_last) > 0)
            state->tl0_last = index;
        state->flags |= VP8_TL0;
        numbers->tl0_picture_index = index;
    }
    return 0;
}

void vp8_continuity_drop(struct vp8_continuity *state, const struct vp8_descriptor *descriptor)
{
    if (!descriptor->has_picture_id || !vp8_in_step(state, descriptor))
        return;
    int delta = vp8_delta(state, descriptor);
    if (delta <= 0)
        return;
    vp8_advance(state, descriptor, delta);
    state->dropped |= 1;
    state->highest_out = (uint16_t)((state->highest_out + delta - 1) & PICTURE_ID_MASK);
}
