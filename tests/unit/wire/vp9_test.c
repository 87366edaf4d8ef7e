/* VP9 descriptors: both modes, the scalability structure at its maxima, every truncation. */
#include "proto/wire/vp9.h"
#include "wire_test.h"

static void test_non_flexible(void **state)
{
    (void)state;
    /* I P L B E Z; 15-bit id; TID 3, U, SID 5, D; TL0PICIDX. */
    const uint8_t payload[] = {0xed, 0x81, 0x02, 0x7b, 99, 'v'};
    struct vp9_descriptor d;
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, 5);
    assert_true(d.has_picture_id && d.long_picture_id && d.inter_predicted && d.has_layers);
    assert_true(d.start_of_frame && d.end_of_frame && d.not_for_upper && !d.flexible && !d.has_structure);
    assert_int_equal(d.picture_id, 0x102);
    assert_int_equal(d.temporal_layer, 3);
    assert_int_equal(d.spatial_layer, 5);
    assert_true(d.switching_up && d.inter_layer);
    assert_int_equal(d.tl0_picture_index, 99);
    assert_false(d.key_frame);
}

static void test_flexible(void **state)
{
    (void)state;
    /* I P L F B; 7-bit id; TID 1, SID 0; differences 1, 2 and 64. */
    uint8_t payload[] = {0xf8, 0x11, 0x20, 0x03, 0x05, 0x80, 'v', 'v'};
    struct vp9_descriptor d;
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, 6);
    assert_int_equal(d.picture_id, 0x11);
    assert_true(d.flexible && !d.long_picture_id);
    assert_int_equal(d.reference_count, 3);
    assert_memory_equal(d.references, "\x01\x02\x40", 3);
    payload[5] |= 0x01; /* a fourth one announced */
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), -EBADMSG);
    payload[0] = 0xb8; /* not predicted: no differences */
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, 3);
    assert_int_equal(d.reference_count, 0);
    assert_true(d.key_frame);
}

static void test_key_frame(void **state)
{
    (void)state;
    struct vp9_descriptor d;
    for (unsigned head = 0; head < 256; head++) {
        for (unsigned layer = 0; layer < 256; layer++) {
            /* No picture id, no structure, no differences. */
            if (head & 0x82 || (head & 0x50) == 0x50)
                continue;
            const uint8_t payload[] = {(uint8_t)head, (uint8_t)layer, 0, 'v'};
            assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
            bool lowest = !(head & 0x20) || (layer >> 1 & 7) == 0;
            assert_int_equal(d.key_frame, !(head & 0x40) && head & 0x08 && lowest);
        }
    }
}

static void test_structure(void **state)
{
    (void)state;
    /* V and B; three layers with resolutions; a group of two pictures with one and three references. */
    const uint8_t payload[] = {0x0a, 0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x05,
                               0x00, 0x02, 0xd0, 0x02, 0x04, 0x01, 0x0c, 0x01, 0x02, 0x03, 'v'};
    struct vp9_descriptor d;
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, sizeof payload - 1);
    assert_true(d.has_structure);
    assert_int_equal(d.spatial_layer_count, 3);
    assert_int_equal(d.width[0], 320);
    assert_int_equal(d.height[0], 180);
    assert_int_equal(d.width[2], 1280);
    assert_int_equal(d.height[2], 720);
    assert_int_equal(d.width[3], 0);
    for (size_t length = 0; length < sizeof payload; length++) {
        uint8_t *cut = exact_copy(payload, length);
        assert_int_equal(vp9_parse(cut, length, &d), -EBADMSG);
        free(cut);
    }
}

static void test_structure_without_resolutions(void **state)
{
    (void)state;
    const uint8_t payload[] = {0x02, 0xe0, 'v'};
    struct vp9_descriptor d;
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.spatial_layer_count, 8);
    assert_int_equal(d.width[0], 0);
    assert_int_equal(d.length, 2);
}

static void test_structure_at_its_maxima(void **state)
{
    (void)state;
    uint8_t payload[2 + 32 + 1 + 255 * 4 + 1] = {0x02, 0xf8};
    struct vp9_descriptor d;
    payload[34] = 255;
    for (size_t i = 0; i < 255; i++)
        payload[35 + 4 * i] = 0x0c;
    assert_int_equal(vp9_parse(payload, sizeof payload, &d), 0);
    assert_int_equal(d.length, sizeof payload - 1);
    uint8_t *cut = exact_copy(payload, sizeof payload - 1);
    assert_int_equal(vp9_parse(cut, sizeof payload - 1, &d), -EBADMSG);
    free(cut);
}

/* Every first two bytes at every short length: no answer but parsed within the payload or refused. */
static void test_all_flags_at_every_length(void **state)
{
    (void)state;
    unsigned parsed = 0;
    for (unsigned flags = 0; flags < 65536; flags++) {
        const uint8_t bytes[12] = {(uint8_t)(flags >> 8), (uint8_t)flags, 0xff, 0xff, 0x18, 0x01, 0xff, 0xff};
        for (size_t length = 0; length <= 12; length++) {
            struct vp9_descriptor d;
            uint8_t *payload = exact_copy(bytes, length);
            int result = vp9_parse(payload, length, &d);
            assert_true(result == -EBADMSG || (result == 0 && d.length < length));
            parsed += result == 0;
            free(payload);
        }
    }
    assert_true(parsed > 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_non_flexible),
        cmocka_unit_test(test_flexible),
        cmocka_unit_test(test_key_frame),
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_structure_without_resolutions),
        cmocka_unit_test(test_structure_at_its_maxima),
        cmocka_unit_test(test_all_flags_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
