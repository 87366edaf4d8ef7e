/* VP8, VP9 and H.264 payloads: any bytes are parsed as each of them; VP8 descriptors are rewritten. */
#include "fuzz_check.h"
#include "proto/wire/h264.h"
#include "proto/wire/vp8.h"
#include "proto/wire/vp9.h"

static void check_vp8(const uint8_t *data, size_t length)
{
    struct vp8_descriptor before, after;
    if (vp8_parse(data, length, &before) < 0)
        return;
    CHECK(before.length < length && before.temporal_layer <= 3);
    uint8_t *payload = copy_of(data, length);
    CHECK(vp8_rewrite(payload, length, &before, (uint16_t)(before.picture_id + 1),
                      (uint8_t)(before.tl0_picture_index + 1)) == 0);
    CHECK(vp8_parse(payload, length, &after) == 0);
    CHECK(after.length == before.length && after.key_frame == before.key_frame);
    CHECK(after.has_picture_id == before.has_picture_id && after.long_picture_id == before.long_picture_id);
    if (before.has_picture_id)
        CHECK(((after.picture_id - before.picture_id) & 0x7f) == 1);
    if (before.has_tl0_picture_index)
        CHECK((uint8_t)(after.tl0_picture_index - before.tl0_picture_index) == 1);
    CHECK(memcmp(payload + before.length, data + before.length, length - before.length) == 0);
    free(payload);

    /* The same descriptor for a payload cut short: written whole or not at all. */
    payload = copy_of(data, length / 2);
    vp8_rewrite(payload, length / 2, &before, 1, 1);
    free(payload);
}

static void check_vp9(const uint8_t *data, size_t length)
{
    struct vp9_descriptor descriptor;
    if (vp9_parse(data, length, &descriptor) < 0)
        return;
    CHECK(descriptor.length > 0 && descriptor.length < length);
    CHECK(descriptor.spatial_layer_count <= VP9_SPATIAL_LAYERS_MAX);
    CHECK(descriptor.reference_count <= VP9_REFERENCES_MAX);
    CHECK(descriptor.temporal_layer <= 7 && descriptor.spatial_layer <= 7);
    CHECK(!descriptor.key_frame || descriptor.start_of_frame);
}

static void check_h264(const uint8_t *data, size_t length)
{
    struct h264_payload payload;
    if (h264_parse(data, length, &payload) < 0)
        return;
    CHECK(payload.nal_type >= 1 && payload.nal_type <= 23);
    CHECK(payload.key_frame == (payload.has_idr || payload.has_sps));
    CHECK(payload.start || !payload.key_frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    if (length > UINT16_MAX)
        return 0;
    check_vp8(data, length);
    check_vp9(data, length);
    check_h264(data, length);
    return 0;
}
