/* Which layers of a stream with layers in it a consumer is sent. State: struct svc_filter.
 *
 * A target (svc_frame.h) is intact when the consumer has got all that decoding it takes. Only to such a one
 * it is switched: down at any picture where the lower layers went along (SVC), up where a frame says that one
 * can, and else at a key picture. What is not intact needs one: also the lower layers of k-SVC. */
#pragma once

#include "dataplane/svc_frame.h"

#define SVC_FILTER_NONE 0xffu

/* The stream begins, with a key picture. */
void svc_filter_init(struct svc_filter *state);

/* Its timestamps may have begun anew. */
void svc_filter_resume(struct svc_filter *state);

/* Whether a packet is forwarded when layers up to these are wanted. timestamp: of its picture. */
bool svc_filter_packet(struct svc_filter *state, uint32_t timestamp, const struct svc_frame *frame,
                       unsigned spatial, unsigned temporal);

/* Whether a packet that is, or was, forwarded is the last one of its picture that is, and so has the marker
 * bit (RFC 9628 section 4.1, RTP payload format for AV1 section 4.2). */
bool svc_filter_is_last(const struct svc_filter *state, const struct svc_frame *frame);

/* A packet is forwarded: what its receiver knows of the decode targets. */
void svc_filter_note_targets(struct svc_filter *state, const struct svc_frame *frame);

/* Whether the dependency descriptor must say what is active, since that is not what the sender says, or was
 * not: the mask of the decode targets that this consumer is sent whole. */
bool svc_filter_targets(const struct svc_filter *state, const struct svc_frame *frame, uint32_t *ret_targets);

/* Whether only a key picture can bring the spatial layer that is wanted. */
bool svc_filter_needs_key_frame(const struct svc_filter *state, unsigned spatial, unsigned temporal);

/* The layers that are forwarded; false before there are any. */
bool svc_filter_layers(const struct svc_filter *state, int *ret_spatial, int *ret_temporal);
