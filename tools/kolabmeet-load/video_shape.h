/* The shape of a camera's VP8 stream as a browser sends it: frames at a steady rate, each cut into packets
 * whose sizes differ by a byte at most, key frames some times as big, paid for by the frames after them. The
 * mean number of packets of a frame is exactly what was asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIDEO_SHAPE_HEAD_MAX 14 /* descriptor, and the header of a key frame */
#define VIDEO_SHAPE_KEY_FRAME_FACTOR 4

struct video_shape {
    double packets_per_frame; /* in the mean */
    uint32_t payload_bytes;   /* of a packet, in the mean */
    bool is_even;             /* all packets have just this size */

    double budget; /* packets that may be sent by now */
    uint32_t noise;
    uint16_t picture_id;
    bool key_frame;
    uint32_t frame_packets; /* of the present frame */
    uint32_t frame_bytes;
};

/* packets_per_frame is at least 1. */
void video_shape_init(struct video_shape *shape, double packets_per_frame, uint32_t payload_bytes,
                      bool is_even, uint32_t seed);

/* Begins the next frame; returns its number of packets, at least 1. */
uint32_t video_shape_next_frame(struct video_shape *shape, bool key_frame);

/* Payload bytes of packet index (below frame_packets) of the present frame, the head included. */
uint32_t video_shape_packet_bytes(const struct video_shape *shape, uint32_t index);

/* Writes what the payload of packet index begins with: descriptor (RFC 7741 section 4.2, with a picture id of
 * 15 bits), and in the first packet the frame's header (RFC 6386 section 9.1), whole for a key frame.
 * Returns its bytes. */
size_t video_shape_write_head(const struct video_shape *shape, uint32_t index,
                              uint8_t ret_head[VIDEO_SHAPE_HEAD_MAX]);
