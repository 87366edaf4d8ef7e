#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/packet_view.h"

static struct media_extension_map make_map(void)
{
    struct media_extension_map map = {{0}};
    assert_int_equal(packet_view_map_id(&map, 1, MEDIA_EXTENSION_MID), 0);
    assert_int_equal(packet_view_map_id(&map, 2, MEDIA_EXTENSION_RID), 0);
    assert_int_equal(packet_view_map_id(&map, 5, MEDIA_EXTENSION_TRANSPORT_WIDE_CC), 0);
    assert_int_equal(packet_view_map_id(&map, 10, MEDIA_EXTENSION_AUDIO_LEVEL), 0);
    return map;
}

static void test_map(void **state)
{
    (void)state;
    struct media_extension_map map = make_map();
    assert_int_equal(packet_view_map_id(&map, 1, MEDIA_EXTENSION_MID), 0);
    assert_int_equal(packet_view_map_id(&map, 1, MEDIA_EXTENSION_RID), -EEXIST);
    assert_int_equal(packet_view_map_id(&map, 0, MEDIA_EXTENSION_RID), -EINVAL);
    assert_int_equal(packet_view_map_id(&map, MEDIA_EXTENSION_IDS, MEDIA_EXTENSION_RID), -EINVAL);
    assert_int_equal(packet_view_map_id(&map, 3, MEDIA_EXTENSION_NONE), -EINVAL);
    assert_int_equal(packet_view_map_id(&map, 3, MEDIA_EXTENSION_COUNT), -EINVAL);
}

static void test_extensions(void **state)
{
    (void)state;
    const struct media_extension_map map = make_map();
    const uint8_t packet[] = {
        0x90, 0x6f, 0x12, 0x34, 0,   0, 0, 1, 0, 0, 0, 2, /* header */
        0xbe, 0xde, 0x00, 0x05,                           /* one-byte form, five words */
        0x10, '0',                                        /* MID */
        0x51, 0xab, 0xcd,                                 /* transport-wide number */
        0xa1, 0x80, 0x80,                                 /* audio level with two bytes: not one */
        0x30, 0x77,                                       /* an id that nobody mapped */
        0xa0, 0x85,                                       /* audio level */
        0xa0, 0x86,                                       /* again: the first counts */
        0x23, 'h',  'i',  'g',  'h', 0,                   /* RID, padding */
        0xde, 0xad,                                       /* payload */
    };
    struct packet_view view;
    assert_int_equal(packet_view_parse(packet, sizeof(packet), &map, &view), 0);
    assert_int_equal(view.header.sequence, 0x1234);
    assert_int_equal(view.header.payload_length, 2);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_MID].length, 1);
    assert_int_equal(packet[view.extensions[MEDIA_EXTENSION_MID].offset], '0');
    assert_int_equal(view.extensions[MEDIA_EXTENSION_AUDIO_LEVEL].length, 1);
    assert_int_equal(packet[view.extensions[MEDIA_EXTENSION_AUDIO_LEVEL].offset], 0x85);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_TRANSPORT_WIDE_CC].length, 2);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_RID].length, 4);
    assert_memory_equal(packet + view.extensions[MEDIA_EXTENSION_RID].offset, "high", 4);
    assert_int_equal(view.extensions[MEDIA_EXTENSION_REPAIRED_RID].length, 0);
    assert_ptr_equal(packet_view_payload(packet, &view), packet + sizeof(packet) - 2);
}

static void test_malformed(void **state)
{
    (void)state;
    const struct media_extension_map map = make_map();
    const uint8_t torn[] = {
        0x90, 0x6f, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0x00, 0x01, 0x10, '0', 0x5f, 0xab, 1, 2,
    };
    const uint8_t bad_padding[] = {0xa0, 0x6f, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9};
    struct packet_view view;
    memset(&view, 0x5a, sizeof(view));
    struct packet_view before = view;
    assert_int_equal(packet_view_parse(torn, sizeof(torn), &map, &view), -EBADMSG);
    assert_int_equal(packet_view_parse(bad_padding, sizeof(bad_padding), &map, &view), -EBADMSG);
    assert_int_equal(packet_view_parse(torn, 11, &map, &view), -EBADMSG);
    assert_memory_equal(&view, &before, sizeof(view));
}

static void test_codec(void **state)
{
    (void)state;
    const struct media_extension_map map = {{0}};
    uint8_t packet[12 + 6] = {0x80, 0x65, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0x90, 0x80, 0x05, 0x00, 1, 2};
    struct packet_view view;
    assert_int_equal(packet_view_parse(packet, sizeof(packet), &map, &view), 0);
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_VP8, &view), 0);
    assert_true(view.has_vp8);
    assert_true(view.key_frame);
    assert_int_equal(view.vp8.picture_id, 5);

    packet[12] = 0x65;
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_H264, &view), 0);
    assert_false(view.has_vp8);
    assert_true(view.key_frame);
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_OPUS, &view), 0);
    assert_false(view.key_frame);

    packet[12] = 0x90;
    assert_int_equal(packet_view_parse(packet, 14, &map, &view), 0);
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_VP8, &view), -EBADMSG);
    assert_false(view.has_vp8);
    packet[12] = 0x7c;
    assert_int_equal(packet_view_parse(packet, 13, &map, &view), 0);
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_H264, &view), -EBADMSG);

    /* Padding only. */
    assert_int_equal(packet_view_parse(packet, 12, &map, &view), 0);
    assert_int_equal(packet_view_read_codec(packet, MEDIA_CODEC_VP8, &view), 0);
    assert_false(view.has_vp8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
