/* A VP9 encoder with layers, and a receiver that knows whether it can decode what it is sent. */
#pragma once

#include <string.h>

#include "dataplane/svc_frame.h"

#define MODEL_PICTURES 4096
#define MODEL_SPATIAL 3

struct model_frame {
    unsigned picture;
    unsigned spatial;
    unsigned temporal;
    bool key;           /* of a key picture */
    bool inter_layer;   /* depends on the layer below, in the same picture */
    unsigned reference; /* picture that it depends on, of the same layer; counts without key */
};

struct model {
    bool key_only;        /* layers depend on one another at key pictures alone (k-SVC) */
    unsigned layers;      /* spatial ones, the temporal ones are three */
    unsigned key_picture; /* the last one */
    struct svc_stream stream;
};

static inline unsigned model_temporal(const struct model *model, unsigned picture)
{
    static const unsigned temporal[] = {0, 2, 1, 2};
    return temporal[(picture - model->key_picture) % 4];
}

static inline struct model_frame model_frame(struct model *model, unsigned picture, unsigned spatial,
                                             bool key)
{
    static const unsigned back[] = {4, 1, 2, 1};

    if (key)
        model->key_picture = picture;
    return (struct model_frame){.picture = picture,
                                .spatial = spatial,
                                .temporal = model_temporal(model, picture),
                                .key = key,
                                .inter_layer = spatial > 0 && (key || !model->key_only),
                                .reference = picture - back[(picture - model->key_picture) % 4]};
}

/* One packet of it. */
static inline struct svc_frame model_packet(struct model *model, const struct model_frame *frame, bool start,
                                            bool end)
{
    struct vp9_descriptor descriptor = {
        .has_layers = true,
        .inter_predicted = !frame->key,
        .start_of_frame = start,
        .end_of_frame = end,
        .has_structure = start && frame->key && frame->spatial == 0,
        .spatial_layer_count = (uint8_t)(start && frame->key && frame->spatial == 0 ? model->layers : 0),
        .not_for_upper = frame->spatial + 1 == model->layers || (model->key_only && !frame->key),
        .switching_up = true,
        .inter_layer = frame->inter_layer,
        .key_frame = start && frame->key && frame->spatial == 0,
        .temporal_layer = (uint8_t)frame->temporal,
        .spatial_layer = (uint8_t)frame->spatial,
        .picture_id = (uint16_t)frame->picture,
    };
    struct svc_frame packet;
    svc_frame_read_vp9(&model->stream, &descriptor, &packet);
    return packet;
}

/* What the receiver has decoded. */
struct model_receiver {
    bool decoded[MODEL_PICTURES][MODEL_SPATIAL];
};

/* False: it was sent something that it cannot decode. */
static inline bool model_receive(struct model_receiver *receiver, const struct model_frame *frame)
{
    if (frame->inter_layer && !receiver->decoded[frame->picture][frame->spatial - 1])
        return false;
    if (!frame->key && !receiver->decoded[frame->reference][frame->spatial])
        return false;
    receiver->decoded[frame->picture][frame->spatial] = true;
    return true;
}
