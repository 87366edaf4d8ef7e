/* Key frames: telling one, and asking for one. State: struct key_frame_request, one a producer stream. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shm/media_state.h"

#define KEY_FRAME_INTERVAL_US 1000000u

/* Whether a decoder of codec can begin at pictures of this stream at all: false for audio and unknown video,
 * which are forwarded from any packet on. */
static inline bool key_frame_needed(enum media_codec codec)
{
    return codec == MEDIA_CODEC_VP8 || codec == MEDIA_CODEC_VP9 || codec == MEDIA_CODEC_H264 ||
           codec == MEDIA_CODEC_AV1;
}

/* 1 when the payload is the first packet of a key frame, 0 when it is not, -EBADMSG when it is not what
 * codec's payload format allows. Codecs without key frames, and payload formats that are not known here, say
 * 0. */
int key_frame_detect(enum media_codec codec, const uint8_t *payload, size_t length);

/* Somebody needs a key frame. Requests within one interval are joined. */
void key_frame_request(struct key_frame_request *state);

/* Nobody does any more (stream died, last consumer left). */
void key_frame_request_cancel(struct key_frame_request *state);

/* Whether to send PLI or FIR now: one is wanted and the last was sent at least an interval ago. Stays true
 * until key_frame_request_sent; comes back after each interval while no key frame passed. */
bool key_frame_request_due(const struct key_frame_request *state, uint64_t interval_us, uint64_t now_us);
void key_frame_request_sent(struct key_frame_request *state, uint64_t now_us);

/* A key frame passes: the request is answered. */
void key_frame_request_seen(struct key_frame_request *state, uint64_t now_us);
