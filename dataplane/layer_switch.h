/* Which encoding of its producer a consumer is sent, and which of its temporal layers. State: struct
 * layer_switch.
 *
 * The target is the highest encoding alive, up to the preferred one and to what the bandwidth allows. The
 * current encoding goes on until a key frame of the target passes, upwards and downwards; one that has died
 * stays current only until then. A newcomer is not preferred to what is sent: a client that tries whether it
 * has room for one more encoding often takes it back at once. A producer with one encoding is the same thing
 * with one row; streams without key frames (audio) are switched to at any packet. */
#pragma once

#include <stdbool.h>

#include "dataplane/packet_view.h"
#include "shm/media_state.h"

#define LAYER_SWITCH_ALIVE_US 2000000u
#define LAYER_SWITCH_ALIVE_DTX_US 5000000u
#define LAYER_SWITCH_PROVEN_US 2000000u /* a newcomer no more */

/* One encoding as seen from its consumers. */
struct layer_view {
    uint64_t last_packet_us; /* 0 = none yet */
    bool dtx;                /* may fall silent for longer */
    bool is_newcomer;        /* came to life so lately that it may well end again */
};

/* temporal_layers: of each encoding, 0 and 1 both mean one. */
void layer_switch_init(struct layer_switch *state, const uint8_t *temporal_layers, unsigned count,
                       bool needs_key_frame);

/* Highest layers that the bandwidth carries. Spatial ones are encodings, or where there is but one those
 * within it; -1: nothing is forwarded from the next layer_switch_update on. */
void layer_switch_allow(struct layer_switch *state, int spatial, int temporal);

/* The spatial layer that was allowed last. */
int layer_switch_allowed(const struct layer_switch *state);

/* The temporal layer to forward now: while a lower encoding is waited for, the one that goes on is thinned
 * out. */
int layer_switch_wanted_temporal(const struct layer_switch *state);

/* Forgets what was forwarded: after a pause the stream begins anew at a key frame. */
void layer_switch_reset(struct layer_switch *state);

/* Chooses the target. To be called when a packet of an encoding comes to life and now and then (a dead layer
 * is noticed by time). Returns the encoding that a key frame is to be asked of, -1 = of none; the request
 * policy of key_frame.h joins what is asked too often. */
int layer_switch_update(struct layer_switch *state, const struct layer_view *views, uint64_t now_us);

enum layer_verdict {
    LAYER_IGNORE,  /* of another encoding, or nothing to begin with yet */
    LAYER_FORWARD, /* of the current one */
    LAYER_BEGIN    /* the first of a new piece of stream: sync the rewriters, then forward */
};

/* A packet of encoding has come; key_frame: it is the first of one. */
enum layer_verdict layer_switch_packet(struct layer_switch *state, unsigned encoding, bool key_frame);

/* Of which encodings layer_switch_packet would not ignore a packet, a bit each; in begins of which it would
 * not ignore one of a key frame, beside those. */
void layer_switch_takes(const struct layer_switch *state, uint8_t *ret_takes, uint8_t *ret_begins);

/* Whether a packet of the current encoding is of a temporal layer that is forwarded. Layers are left at the
 * beginning of a picture, and taken up one by one where the stream says that one can (VP8: the Y bit of
 * RFC 7741 section 4.2). While a lower encoding is waited for, only the lowest temporal layer passes. */
bool layer_switch_temporal(struct layer_switch *state, const struct packet_layer *layer, bool key_frame);

/* Whether what is forwarded differs from what was told last. */
bool layer_switch_has_change(const struct layer_switch *state, int within);

/* True, once, when what is forwarded differs from what was told last: layers for consumerLayersChanged.
 * within: the spatial layer within the encoding. Spatial -1 (and temporal -1): nothing is forwarded. */
bool layer_switch_take_change(struct layer_switch *state, int within, int *ret_spatial, int *ret_temporal);
