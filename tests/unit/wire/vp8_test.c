/* VP8 descriptors: all flag combinations at every length, key frames, rewriting. */
#include "proto/wire/vp8.h"
#include "wire_test.h"

static void test_minimal(void **state)
{
    (void)state;
    struct vp8_descriptor d;
    const uint8_t payload[] = {0x35, 0x01};
    assert_int_equal(vp8_parse(payload, 2, &d), 0);
    assert_int_equal(d.length, 1);
    assert_true(d.non_reference && d.start_of_partition && !d.key_frame);
    assert_int_equal(d.partition_id, 5);
    assert_false(d.has_picture_id || d.has_tl0_picture_index || d.has_temporal_layer || d.has_key_index);
    assert_int_equal(vp8_parse(payload, 1, &d), -EBADMSG);
    assert_int_equal(vp8_parse(payload, 0, &d), -EBADMSG);
}

static void test_every_field(void **state)
{
    (void)state;
    /* X, S; I L T K; 15-bit id 0x1234; TL0PICIDX 200; TID 2, Y, KEYIDX 21. */
    const uint8_t payload[] = {0x90, 0xf0, 0x92, 0x34, 200, 0xb5, 0x01};
    struct vp8_descriptor d;
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, 6);
    assert_true(d.has_picture_id && d.long_picture_id && d.has_tl0_picture_index && d.has_temporal_layer);
    assert_int_equal(d.picture_id, 0x1234);
    assert_int_equal(d.picture_id_offset, 2);
    assert_int_equal(d.tl0_picture_index, 200);
    assert_int_equal(d.tl0_picture_index_offset, 4);
    assert_int_equal(d.temporal_layer, 2);
    assert_true(d.layer_sync && d.has_key_index);
    assert_int_equal(d.key_index, 21);
    assert_false(d.key_frame);
}

static void test_layer_byte_without_layers(void **state)
{
    (void)state;
    const uint8_t payload[] = {0x80, 0x10, 0xff, 0x01}; /* K alone */
    struct vp8_descriptor d;
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_false(d.has_temporal_layer || d.layer_sync);
    assert_int_equal(d.temporal_layer, 0);
    assert_int_equal(d.key_index, 31);
}

static size_t expected_length(uint8_t first, uint8_t flags, uint8_t third)
{
    if (!(first & 0x80))
        return 1;
    return 2u + (flags & 0x80 ? (third & 0x80 ? 2u : 1u) : 0) + (flags & 0x40 ? 1u : 0) +
           (flags & 0x30 ? 1u : 0);
}

/* Every pair of flag bytes, short and long picture ids, every length up to twelve. */
static void test_all_flags_at_every_length(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 65536; flags++) {
        for (unsigned third = 0; third < 256; third += 0x80) {
            uint8_t bytes[12] = {(uint8_t)(flags >> 8), (uint8_t)flags, (uint8_t)third};
            size_t descriptor = expected_length(bytes[0], bytes[1], bytes[2]);
            for (size_t length = 0; length <= 12; length += length < 7 ? 1 : 5) {
                struct vp8_descriptor d;
                uint8_t *payload = exact_copy(bytes, length);
                int result = vp8_parse(payload, length, &d);
                assert_int_equal(result, length > descriptor ? 0 : -EBADMSG);
                if (result == 0) {
                    assert_int_equal(d.length, descriptor);
                    assert_int_equal(vp8_rewrite(payload, length, &d, 0xffff, 0xff), 0);
                }
                free(payload);
            }
        }
    }
}

static void test_key_frame(void **state)
{
    (void)state;
    /* S, partition 0; frame tag with P clear, start code, 640 wide (scale 1), 360 high (scale 2). */
    uint8_t payload[] = {0x10, 0x50, 0x01, 0x02, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81};
    struct vp8_descriptor d;
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_true(d.key_frame);
    assert_int_equal(d.width, 640);
    assert_int_equal(d.height, 360);
    for (size_t length = 2; length < sizeof payload; length++) {
        uint8_t *cut = exact_copy(payload, length);
        assert_int_equal(vp8_parse(cut, length, &d), 0);
        assert_true(d.key_frame);
        assert_int_equal(d.width, 0);
        assert_int_equal(d.height, 0);
        free(cut);
    }
    payload[4] = 0; /* no start code */
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.width, 0);
    payload[0] = 0x11; /* the first partition only */
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_false(d.key_frame);
    payload[0] = 0x00; /* and its start */
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_false(d.key_frame);
    payload[0] = 0x10;
    payload[1] |= 0x01; /* inter frame */
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_false(d.key_frame);
}

static void test_rewrite(void **state)
{
    (void)state;
    uint8_t payload[] = {0x90, 0xe0, 0x92, 0x34, 200, 0x80, 0x01};
    struct vp8_descriptor d;
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(vp8_rewrite(payload, sizeof payload, &d, 0x7fff, 9), 0);
    assert_memory_equal(payload, "\x90\xe0\xff\xff\x09\x80\x01", 7);
    assert_int_equal(vp8_rewrite(payload, sizeof payload, &d, 0x8000, 9), 0); /* 16 bits: the marker stays */
    assert_memory_equal(payload, "\x90\xe0\x80\x00\x09\x80\x01", 7);

    uint8_t small[] = {0x80, 0x80, 0x05, 0x01};
    assert_int_equal(vp8_parse(small, sizeof small, &d), 0);
    assert_false(d.long_picture_id);
    assert_int_equal(vp8_rewrite(small, sizeof small, &d, 0x1ff, 9), 0);
    assert_memory_equal(small, "\x80\x80\x7f\x01", 4);

    uint8_t none[] = {0x00, 0x01};
    assert_int_equal(vp8_parse(none, sizeof none, &d), 0);
    assert_int_equal(vp8_rewrite(none, sizeof none, &d, 0x1ff, 9), 0);
    assert_memory_equal(none, "\x00\x01", 2);
}

static void test_rewrite_of_another_payload(void **state)
{
    (void)state;
    const uint8_t payload[] = {0x90, 0xe0, 0x92, 0x34, 200, 0x80, 0x01};
    struct vp8_descriptor d;
    assert_int_equal(vp8_parse(payload, sizeof payload, &d), 0);
    for (size_t length = 0; length < 6; length++) {
        uint8_t *cut = exact_copy(payload, length);
        assert_int_equal(vp8_rewrite(cut, length, &d, 1, 1), -EBADMSG);
        assert_memory_equal(cut, payload, length);
        free(cut);
    }
    struct vp8_descriptor forged = {.length = 1, .has_picture_id = true, .picture_id_offset = 200};
    uint8_t one[1] = {0};
    assert_int_equal(vp8_rewrite(one, 1, &forged, 1, 1), -EBADMSG);
    forged =
        (struct vp8_descriptor){.length = 1, .has_tl0_picture_index = true, .tl0_picture_index_offset = 1};
    assert_int_equal(vp8_rewrite(one, 1, &forged, 1, 1), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minimal),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_layer_byte_without_layers),
        cmocka_unit_test(test_all_flags_at_every_length),
        cmocka_unit_test(test_key_frame),
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_rewrite_of_another_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
