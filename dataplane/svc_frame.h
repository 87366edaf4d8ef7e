/* What a packet of a stream with layers in it (SVC) says of its frame, whatever the codec: VP9 by its payload
 * descriptor (RFC 9628 section 4.2), AV1 by the dependency descriptor.
 *
 * A receiver gets the layers up to a spatial and a temporal one: its target, one of sixteen. Sets of targets
 * are masks with bit svc_target(spatial, temporal). Layers above the fourth count as the fourth. */
#pragma once

#include <stdbool.h>

#include "proto/wire/dependency_descriptor.h"
#include "proto/wire/vp9.h"
#include "shm/media_state.h"

#define SVC_TARGETS_ALL 0xffffu

static inline unsigned svc_target(unsigned spatial, unsigned temporal)
{
    return spatial * MEDIA_TEMPORAL_LAYERS_MAX + temporal;
}

#define SVC_DECODE_TARGETS_MAX 16u

/* The decode targets of the dependency descriptor, which is rewritten for who does not get them all. */
struct svc_decode_targets {
    uint64_t layers; /* by target, four bits each: its svc_target */
    uint32_t active; /* that are being sent */
    struct dependency_active place;
    uint8_t count; /* 0: no descriptor, or too many of them */
    bool has_structure;
    bool layers_apart; /* a higher spatial layer goes on without the ones below (k-SVC) */
};

/* Everything else counts only with is_layered. */
struct svc_frame {
    bool is_layered;
    bool key_picture;      /* the lowest frame of a picture that needs no other */
    bool independent;      /* the frame depends on none */
    bool own_picture_only; /* it depends on nothing but frames of its own picture */
    bool temporal_switch;  /* of a target that was sent whole up to this temporal layer, higher ones can be
                              decoded from here on (RFC 9628: U) */
    bool start;            /* the first packet of the frame */
    bool end;              /* the last one */
    uint8_t spatial;
    uint8_t temporal;
    uint16_t present;  /* targets that it belongs to */
    uint16_t required; /* of them those in which later frames may depend on it */
    uint16_t switches; /* who can decode this frame can decode these from here on */
    uint16_t active;   /* those that are being sent */
    struct svc_decode_targets decode_targets;
};

/* What later packets of a stream are understood by; zeroes are the start. */
struct svc_stream {
    uint8_t spatial_layers; /* of VP9, by its scalability structure; 0 = not said yet */
    uint32_t active_targets;
    struct dependency_structure structure; /* of AV1 */
    bool layers_apart;                     /* says the structure */
};

void svc_frame_read_vp9(struct svc_stream *stream, const struct vp9_descriptor *descriptor,
                        struct svc_frame *ret_frame);

/* Of a frame of VP9 the decode targets, by the header extension that may come with it. Errors as below. */
int svc_frame_read_decode_targets(struct svc_stream *stream, const uint8_t *value, size_t length,
                                  struct svc_frame *frame);

/* value: the header extension. -EBADMSG when it is malformed; -ENOENT when it refers to a structure that was
 * not seen: then the packet can only be taken as one without layers. */
int svc_frame_read_dependency(struct svc_stream *stream, const uint8_t *value, size_t length,
                              struct svc_frame *ret_frame);
