#include "dataplane/key_frame.h"

#include <errno.h>

#include "proto/wire/h264.h"
#include "proto/wire/vp8.h"
#include "proto/wire/vp9.h"

int key_frame_detect(enum media_codec codec, const uint8_t *payload, size_t length)
{
    switch (codec) {
    case MEDIA_CODEC_VP8: {
        struct vp8_descriptor descriptor;
        return vp8_parse(payload, length, &descriptor) ? -EBADMSG : descriptor.key_frame;
    }
    case MEDIA_CODEC_VP9: {
        struct vp9_descriptor descriptor;
        return vp9_parse(payload, length, &descriptor) ? -EBADMSG : descriptor.key_frame;
    }
    case MEDIA_CODEC_H264: {
        struct h264_payload h264;
        return h264_parse(payload, length, &h264) ? -EBADMSG : h264.key_frame;
    }
    case MEDIA_CODEC_AV1: {
        /* The aggregation header, RTP payload format for AV1 section 4.4: a coded video sequence begins (N),
         * and nothing of before is continued (Z). */
        enum { Z = 0x80, N = 0x08 };
        if (length < 2 || (payload[0] & (Z | N)) == (Z | N))
            return -EBADMSG;
        return (payload[0] & N) != 0;
    }
    default:
        return 0;
    }
}

void key_frame_request(struct key_frame_request *state)
{
    state->wanted = 1;
}

void key_frame_request_cancel(struct key_frame_request *state)
{
    state->wanted = 0;
}

bool key_frame_request_due(const struct key_frame_request *state, uint64_t interval_us, uint64_t now_us)
{
    return state->wanted && (state->asked_us == 0 || now_us - state->asked_us >= interval_us);
}

void key_frame_request_sent(struct key_frame_request *state, uint64_t now_us)
{
    state->asked_us = now_us;
    state->asked++;
}

void key_frame_request_seen(struct key_frame_request *state, uint64_t now_us)
{
    state->seen_us = now_us;
    state->wanted = 0;
}
