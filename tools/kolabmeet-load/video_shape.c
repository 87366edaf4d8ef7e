#include "tools/kolabmeet-load/video_shape.h"

#include <string.h>

#include "proto/wire/bytes.h"

#define KEY_FRAME_WIDTH 1280
#define KEY_FRAME_HEIGHT 720

void video_shape_init(struct video_shape *shape, double packets_per_frame, uint32_t payload_bytes,
                      bool is_even, uint32_t seed)
{
    *shape = (struct video_shape){
        .packets_per_frame = packets_per_frame,
        .payload_bytes = payload_bytes,
        .is_even = is_even,
        .noise = seed * 2654435761u | 1u,
        .picture_id = (uint16_t)(seed & 0x7fff),
    };
}

/* xorshift: the same sizes in every run */
static uint32_t next_noise(struct video_shape *shape)
{
    shape->noise ^= shape->noise << 13;
    shape->noise ^= shape->noise >> 17;
    shape->noise ^= shape->noise << 5;
    return shape->noise;
}

uint32_t video_shape_next_frame(struct video_shape *shape, bool key_frame)
{
    double mean = shape->packets_per_frame;

    shape->budget += mean;
    double packets = key_frame ? mean * VIDEO_SHAPE_KEY_FRAME_FACTOR : shape->budget;
    shape->frame_packets = packets < 1 ? 1 : (uint32_t)packets;
    shape->budget -= shape->frame_packets;
    shape->key_frame = key_frame;
    shape->picture_id = (shape->picture_id + 1) & 0x7fff;
    shape->frame_bytes = shape->frame_packets * shape->payload_bytes;
    if (!shape->is_even) { /* up to a sixteenth less or more */
        uint32_t range = shape->frame_bytes / 8;
        shape->frame_bytes += next_noise(shape) % (range + 1);
        shape->frame_bytes -= range / 2;
    }
    return shape->frame_packets;
}

uint32_t video_shape_packet_bytes(const struct video_shape *shape, uint32_t index)
{
    uint32_t bytes = shape->frame_bytes / shape->frame_packets;
    uint32_t longer = shape->frame_bytes % shape->frame_packets; /* the last ones, as libwebrtc has it */
    return bytes + (index >= shape->frame_packets - longer ? 1 : 0);
}

size_t video_shape_write_head(const struct video_shape *shape, uint32_t index,
                              uint8_t ret_head[VIDEO_SHAPE_HEAD_MAX])
{
    ret_head[0] = index == 0 ? 0x90 : 0x80; /* X, and S at the start of the partition */
    ret_head[1] = 0x80;                     /* I */
    store_be16(ret_head + 2, 0x8000 | shape->picture_id);
    if (index > 0)
        return 4;

    uint8_t *frame = ret_head + 4;
    uint32_t partition = shape->frame_bytes > 0x7ffff ? 0x7ffff : shape->frame_bytes;
    uint32_t tag = (shape->key_frame ? 0u : 1u) | 1u << 4 | partition << 5; /* P, show_frame, size */
    frame[0] = (uint8_t)tag;
    frame[1] = (uint8_t)(tag >> 8);
    frame[2] = (uint8_t)(tag >> 16);
    if (!shape->key_frame)
        return 7;
    frame[3] = 0x9d;
    frame[4] = 0x01;
    frame[5] = 0x2a;
    frame[6] = KEY_FRAME_WIDTH & 0xff;
    frame[7] = KEY_FRAME_WIDTH >> 8;
    frame[8] = KEY_FRAME_HEIGHT & 0xff;
    frame[9] = KEY_FRAME_HEIGHT >> 8;
    return 14;
}
