/* Packets of a stream with layers in it, of VP9 or AV1, to a consumer whose wishes change. Input: a byte of
 * what comes (the lowest bit: AV1), a byte of how far the timestamp goes and what is wanted, a length, the
 * descriptor. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/svc_filter.h"
#include "tests/fuzz/must.h"

static bool read_frame(struct svc_stream *stream, bool av1, const uint8_t *data, size_t length,
                       struct svc_frame *ret_frame)
{
    struct vp9_descriptor descriptor;

    if (av1)
        return svc_frame_read_dependency(stream, data, length, ret_frame) == 0;
    if (vp9_parse(data, length, &descriptor) != 0)
        return false;
    svc_frame_read_vp9(stream, &descriptor, ret_frame);
    return ret_frame->is_layered;
}

static void check_frame(const struct svc_frame *frame)
{
    MUST(frame->spatial < MEDIA_SPATIAL_LAYERS_MAX && frame->temporal < MEDIA_TEMPORAL_LAYERS_MAX);
    MUST((frame->required & ~frame->present) == 0);
    MUST((frame->switches & ~frame->present) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    static struct svc_stream stream;
    struct svc_filter filter;
    uint32_t timestamp = 0xfffff000u;

    stream = (struct svc_stream){0};
    svc_filter_init(&filter);
    while (length > 3) {
        bool av1 = data[0] & 1;
        unsigned wish = data[1];
        size_t bytes = data[2] < length - 3 ? data[2] : length - 3;
        struct svc_frame frame;
        int spatial, temporal;

        timestamp += (uint32_t)(data[0] >> 1) * 1000 - 10000;
        if (read_frame(&stream, av1, data + 3, bytes, &frame)) {
            check_frame(&frame);
            bool sent = svc_filter_packet(&filter, timestamp, &frame, wish & 3, wish >> 2 & 3);
            bool known = svc_filter_layers(&filter, &spatial, &temporal);
            MUST(known || !sent);
            MUST(!known ||
                 (spatial < (int)MEDIA_SPATIAL_LAYERS_MAX && temporal < (int)MEDIA_TEMPORAL_LAYERS_MAX));
            MUST(!svc_filter_is_last(&filter, &frame) || (known && frame.end && frame.spatial == spatial));
            MUST(known || svc_filter_needs_key_frame(&filter, wish & 3, wish >> 2 & 3));
            if (wish & 0x80)
                svc_filter_resume(&filter);
        }
        data += 3 + bytes;
        length -= 3 + bytes;
    }
    return 0;
}
