/* The shape of video: descriptors that parse, sizes that add up, the rate that was asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire/vp8.h"
#include "tools/kolabmeet-load/stamp.h"
#include "tools/kolabmeet-load/video_shape.h"

static void parse(const struct video_shape *shape, uint32_t index, struct vp8_descriptor *ret_descriptor)
{
    uint8_t payload[64] = {0};
    size_t head_bytes = video_shape_write_head(shape, index, payload);

    assert_true(head_bytes <= VIDEO_SHAPE_HEAD_MAX);
    assert_int_equal(vp8_parse(payload, sizeof payload, ret_descriptor), 0);
}

static void descriptors_parse(void **state)
{
    struct video_shape shape;
    struct vp8_descriptor descriptor;

    (void)state;
    video_shape_init(&shape, 110.0 / 30, 1100, false, 0x7ffe);
    for (unsigned frame = 0; frame < 5; frame++) {
        uint32_t count = video_shape_next_frame(&shape, frame == 0);
        for (uint32_t i = 0; i < count; i++) {
            parse(&shape, i, &descriptor);
            assert_true(descriptor.has_picture_id && descriptor.long_picture_id);
            assert_int_equal(descriptor.picture_id, (0x7fff + frame) & 0x7fff); /* wraps at 15 bits */
            assert_int_equal(descriptor.start_of_partition, i == 0);
            assert_int_equal(descriptor.partition_id, 0);
            assert_false(descriptor.non_reference);
            assert_int_equal(descriptor.key_frame, frame == 0 && i == 0);
            assert_int_equal(descriptor.width, frame == 0 && i == 0 ? 1280 : 0);
            assert_int_equal(descriptor.height, frame == 0 && i == 0 ? 720 : 0);
        }
    }
}

static void the_mean_rate_is_exact(void **state)
{
    struct video_shape shape;
    uint32_t packets = 0;

    (void)state;
    video_shape_init(&shape, 110.0 / 30, 1100, false, 1);
    for (unsigned frame = 0; frame < 300; frame++) {
        uint32_t count = video_shape_next_frame(&shape, false);
        assert_true(count == 3 || count == 4);
        packets += count;
    }
    assert_in_range(packets, 1099, 1100);
}

static void key_frames_are_paid_for(void **state)
{
    struct video_shape shape;
    uint32_t packets = 0;

    (void)state;
    video_shape_init(&shape, 110.0 / 30, 1100, false, 1);
    for (unsigned frame = 0; frame < 300; frame++) {
        bool is_key = frame % 60 == 0;
        uint32_t count = video_shape_next_frame(&shape, is_key);
        assert_true(count >= 1);
        if (is_key)
            assert_int_equal(count, 14); /* 4 × 110 / 30 */
        packets += count;
    }
    assert_in_range(packets, 1098, 1101);
}

static void packets_of_a_frame_differ_by_a_byte(void **state)
{
    struct video_shape shape;
    uint64_t bytes = 0;
    uint64_t packets = 0;
    unsigned sizes_seen = 0;
    uint32_t last_frame_bytes = 0;

    (void)state;
    video_shape_init(&shape, 110.0 / 30, 1100, false, 1);
    for (unsigned frame = 0; frame < 3000; frame++) {
        uint32_t count = video_shape_next_frame(&shape, false);
        uint32_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t size = video_shape_packet_bytes(&shape, i);
            assert_true(size - shape.frame_bytes / count <= 1);
            assert_true(i == 0 || size >= video_shape_packet_bytes(&shape, i - 1));
            assert_in_range(size, 1100 - 1100 / 16 - 1, 1100 + 1100 / 16 + 1);
            sum += size;
        }
        assert_int_equal(sum, shape.frame_bytes);
        sizes_seen += sum != last_frame_bytes;
        last_frame_bytes = sum;
        bytes += sum;
        packets += count;
    }
    assert_in_range(bytes / packets, 1095, 1105);
    assert_true(sizes_seen > 2000);
}

static void even_means_even(void **state)
{
    struct video_shape shape;

    (void)state;
    video_shape_init(&shape, 110.0 / 30, 1100, true, 1);
    for (unsigned frame = 0; frame < 100; frame++) {
        uint32_t count = video_shape_next_frame(&shape, frame % 10 == 0);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(video_shape_packet_bytes(&shape, i), 1100);
    }
}

static void stamps_come_back(void **state)
{
    const struct stamp written = {7, UINT64_C(0x123456789a), UINT64_C(0xfedcba9876543210)};
    struct stamp read;
    uint8_t payload[100] = {0};

    (void)state;
    stamp_write(payload + sizeof payload - STAMP_BYTES, &written);
    assert_true(stamp_read(payload, sizeof payload, &read));
    assert_int_equal(read.source, 7);
    assert_true(read.counter == written.counter && read.sent_ns == written.sent_ns);
    assert_true(stamp_read(payload + sizeof payload - STAMP_BYTES, STAMP_BYTES, &read));
    assert_false(stamp_read(payload + sizeof payload - STAMP_BYTES + 1, STAMP_BYTES - 1, &read));
    assert_false(stamp_read(payload, sizeof payload - 1, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_parse),       cmocka_unit_test(the_mean_rate_is_exact),
        cmocka_unit_test(key_frames_are_paid_for), cmocka_unit_test(packets_of_a_frame_differ_by_a_byte),
        cmocka_unit_test(even_means_even),         cmocka_unit_test(stamps_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
