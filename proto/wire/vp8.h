/* VP8 in RTP (RFC 7741): the payload descriptor and the first bytes of a frame. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vp8_descriptor {
    uint8_t length;          /* bytes before the VP8 data */
    uint8_t partition_id;    /* PID */
    bool start_of_partition; /* S */
    bool non_reference;      /* N */
    bool has_picture_id;
    bool long_picture_id; /* 15 bits, else 7 */
    bool has_tl0_picture_index;
    bool has_temporal_layer;
    bool layer_sync; /* Y; false without temporal layer */
    bool has_key_index;
    bool key_frame;         /* this packet begins a key frame */
    uint8_t temporal_layer; /* TID, 0 to 3; 0 when absent */
    uint8_t key_index;
    uint8_t tl0_picture_index;
    uint16_t picture_id;
    uint8_t picture_id_offset;        /* in the payload; 0 when absent */
    uint8_t tl0_picture_index_offset; /* in the payload; 0 when absent */
    uint16_t width;                   /* of a key frame whose header is in this packet, else 0 */
    uint16_t height;                  /* likewise */
};

/* Parses the payload of an RTP packet. -EBADMSG when the descriptor runs past it or nothing follows. */
int vp8_parse(const uint8_t *payload, size_t length, struct vp8_descriptor *ret_descriptor);

/* Writes other numbers into the descriptor of a payload that was parsed into descriptor (or of a copy of it).
 * A 7-bit picture id stays one: its low bits are written. Fields that are absent stay absent. -EBADMSG, and
 * nothing is written, when descriptor does not belong to a payload of this length. */
int vp8_rewrite(uint8_t *payload, size_t length, const struct vp8_descriptor *descriptor, uint16_t picture_id,
                uint8_t tl0_picture_index);
