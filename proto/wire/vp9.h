/* VP9 in RTP (RFC 9628): the payload descriptor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP9_SPATIAL_LAYERS_MAX 8
#define VP9_REFERENCES_MAX 3

struct vp9_descriptor {
    uint16_t length; /* bytes before the VP9 data */
    bool has_picture_id;
    bool long_picture_id; /* 15 bits, else 7 */
    bool inter_predicted; /* P: predicted from an earlier picture */
    bool has_layers;
    bool flexible;             /* F */
    bool start_of_frame;       /* B: of a layer frame */
    bool end_of_frame;         /* E: of a layer frame */
    bool has_structure;        /* V: scalability structure present */
    bool not_for_upper;        /* Z: no higher spatial layer refers to this one */
    bool switching_up;         /* U; false without layers */
    bool inter_layer;          /* D; false without layers */
    bool key_frame;            /* this packet begins a picture that needs no other */
    uint8_t temporal_layer;    /* TID; 0 without layers */
    uint8_t spatial_layer;     /* SID; 0 without layers */
    uint8_t tl0_picture_index; /* with layers and not flexible */
    uint16_t picture_id;
    uint8_t reference_count;                /* of references */
    uint8_t references[VP9_REFERENCES_MAX]; /* picture id differences, flexible only */
    uint8_t spatial_layer_count;            /* of the structure; 0 without one */
    uint16_t width[VP9_SPATIAL_LAYERS_MAX]; /* 0 when the structure has no resolutions */
    uint16_t height[VP9_SPATIAL_LAYERS_MAX];
};

/* Parses the payload of an RTP packet. -EBADMSG when the descriptor runs past it or nothing follows. */
int vp9_parse(const uint8_t *payload, size_t length, struct vp9_descriptor *ret_descriptor);
