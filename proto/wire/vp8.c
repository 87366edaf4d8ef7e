#include "proto/wire/vp8.h"

#include <errno.h>

#include "proto/wire/bytes.h"

#define KEY_FRAME_HEADER_BYTES 10 /* frame tag, start code, dimensions (RFC 6386 section 9.1) */

/* The extension bits of the descriptor's second byte. */
#define PICTURE_ID_PRESENT 0x80
#define TL0_PRESENT 0x40
#define TID_PRESENT 0x20
#define KEYIDX_PRESENT 0x10
#define LONG_PICTURE_ID 0x80

/* Parses the bytes behind the first one; returns the descriptor's length or -EBADMSG. */
static int parse_extension(const uint8_t *payload, size_t length, struct vp8_descriptor *descriptor)
{
    size_t position = 2;
    if (length < position)
        return -EBADMSG;
    uint8_t present = payload[1];
    if (present & PICTURE_ID_PRESENT) {
        if (length <= position)
            return -EBADMSG;
        descriptor->has_picture_id = true;
        descriptor->long_picture_id = payload[position] & LONG_PICTURE_ID;
        descriptor->picture_id_offset = (uint8_t)position;
        if (length - position < (descriptor->long_picture_id ? 2u : 1u))
            return -EBADMSG;
        descriptor->picture_id =
            descriptor->long_picture_id ? load_be16(payload + position) & 0x7fff : payload[position] & 0x7f;
        position += descriptor->long_picture_id ? 2 : 1;
    }
    if (present & TL0_PRESENT) {
        if (length <= position)
            return -EBADMSG;
        descriptor->has_tl0_picture_index = true;
        descriptor->tl0_picture_index_offset = (uint8_t)position;
        descriptor->tl0_picture_index = payload[position++];
    }
    if (present & (TID_PRESENT | KEYIDX_PRESENT)) {
        if (length <= position)
            return -EBADMSG;
        uint8_t layer = payload[position++];
        descriptor->has_temporal_layer = present & TID_PRESENT;
        descriptor->has_key_index = present & KEYIDX_PRESENT;
        if (descriptor->has_temporal_layer) {
            descriptor->temporal_layer = layer >> 6;
            descriptor->layer_sync = layer & 0x20;
        }
        if (descriptor->has_key_index)
            descriptor->key_index = layer & 0x1f;
    }
    return (int)position;
}

/* The first partition of a frame begins with the frame's tag; its lowest bit is clear in key frames. */
static void parse_frame(const uint8_t *frame, size_t length, struct vp8_descriptor *descriptor)
{
    if (!descriptor->start_of_partition || descriptor->partition_id != 0 || frame[0] & 0x01)
        return;
    descriptor->key_frame = true;
    if (length < KEY_FRAME_HEADER_BYTES || load_be24(frame + 3) != 0x9d012a)
        return;
    descriptor->width = (uint16_t)((frame[7] << 8 | frame[6]) & 0x3fff);
    descriptor->height = (uint16_t)((frame[9] << 8 | frame[8]) & 0x3fff);
}

int vp8_parse(const uint8_t *payload, size_t length, struct vp8_descriptor *ret_descriptor)
{
    if (length == 0)
        return -EBADMSG;
    struct vp8_descriptor descriptor = {
        .length = 1,
        .non_reference = payload[0] & 0x20,
        .start_of_partition = payload[0] & 0x10,
        .partition_id = payload[0] & 0x07,
    };
    if (payload[0] & 0x80) {
        int extended = parse_extension(payload, length, &descriptor);
        if (extended < 0)
            return extended;
        descriptor.length = (uint8_t)extended;
    }
    if (length <= descriptor.length)
        return -EBADMSG;
    parse_frame(payload + descriptor.length, length - descriptor.length, &descriptor);
    *ret_descriptor = descriptor;
    return 0;
}

int vp8_rewrite(uint8_t *payload, size_t length, const struct vp8_descriptor *descriptor, uint16_t picture_id,
                uint8_t tl0_picture_index)
{
    size_t picture_id_end = descriptor->picture_id_offset + (descriptor->long_picture_id ? 2u : 1u);
    if (descriptor->length > length || (descriptor->has_picture_id && picture_id_end > descriptor->length) ||
        (descriptor->has_tl0_picture_index && descriptor->tl0_picture_index_offset >= descriptor->length))
        return -EBADMSG;
    if (descriptor->has_picture_id && descriptor->long_picture_id)
        store_be16(payload + descriptor->picture_id_offset, (uint16_t)(0x8000 | picture_id));
    else if (descriptor->has_picture_id)
        payload[descriptor->picture_id_offset] = picture_id & 0x7f;
    if (descriptor->has_tl0_picture_index)
        payload[descriptor->tl0_picture_index_offset] = tl0_picture_index;
    return 0;
}
