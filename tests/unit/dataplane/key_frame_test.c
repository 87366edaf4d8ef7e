#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/key_frame.h"

static void test_detect(void **state)
{
    (void)state;
    const uint8_t vp8_key[] = {0x10, 0x00, 0x00, 0x00};       /* S, partition 0; P bit clear */
    const uint8_t vp8_delta[] = {0x10, 0x01, 0x00, 0x00};     /* P bit set */
    const uint8_t vp8_not_first[] = {0x00, 0x00, 0x00, 0x00}; /* no S */
    const uint8_t vp8_torn[] = {0x90, 0x80};                  /* picture id announced, not there */
    const uint8_t h264_idr[] = {0x65, 0x88};
    const uint8_t h264_slice[] = {0x41, 0x9a};
    const uint8_t h264_stap_sps[] = {0x78, 0x00, 0x02, 0x67, 0x42, 0x00, 0x02, 0x68, 0xce};
    const uint8_t h264_fu_idr_start[] = {0x7c, 0x85, 0x88};
    const uint8_t h264_fu_idr_middle[] = {0x7c, 0x05, 0x88};
    const uint8_t opus[] = {0x78, 0x00};

    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP8, vp8_key, sizeof(vp8_key)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP8, vp8_delta, sizeof(vp8_delta)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP8, vp8_not_first, sizeof(vp8_not_first)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP8, vp8_torn, sizeof(vp8_torn)), -EBADMSG);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_idr, sizeof(h264_idr)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_slice, sizeof(h264_slice)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_stap_sps, sizeof(h264_stap_sps)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_fu_idr_start, sizeof(h264_fu_idr_start)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_fu_idr_middle, sizeof(h264_fu_idr_middle)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_H264, h264_idr, 0), -EBADMSG);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_OPUS, opus, sizeof(opus)), 0);

    assert_true(key_frame_needed(MEDIA_CODEC_VP8));
    assert_false(key_frame_needed(MEDIA_CODEC_OPUS));
    assert_false(key_frame_needed(MEDIA_CODEC_OTHER_VIDEO));
}

static void test_detect_vp9(void **state)
{
    (void)state;
    const uint8_t key[] = {0x88, 0x01, 0x00};   /* I, B; P clear */
    const uint8_t delta[] = {0xc8, 0x01, 0x00}; /* I, P, B */
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP9, key, sizeof(key)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP9, delta, sizeof(delta)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_VP9, key, 1), -EBADMSG);
}

static void test_detect_av1(void **state)
{
    (void)state;
    const uint8_t key[] = {0x18, 0x0a}; /* N, W = 1 */
    const uint8_t delta[] = {0x10, 0x30};
    const uint8_t both[] = {0x98, 0x30}; /* Z and N exclude each other */
    assert_true(key_frame_needed(MEDIA_CODEC_AV1));
    assert_int_equal(key_frame_detect(MEDIA_CODEC_AV1, key, sizeof(key)), 1);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_AV1, delta, sizeof(delta)), 0);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_AV1, both, sizeof(both)), -EBADMSG);
    assert_int_equal(key_frame_detect(MEDIA_CODEC_AV1, key, 1), -EBADMSG);
}

static void test_requests_are_joined(void **state)
{
    (void)state;
    struct key_frame_request request = {0};
    uint64_t interval = KEY_FRAME_INTERVAL_US, now_us = 100;

    assert_false(key_frame_request_due(&request, interval, now_us));
    key_frame_request(&request);
    assert_true(key_frame_request_due(&request, interval, now_us)); /* at once, also right after the start */
    key_frame_request_sent(&request, now_us);
    key_frame_request(&request);
    key_frame_request(&request);
    assert_false(key_frame_request_due(&request, interval, now_us + interval - 1));

    /* None came: again, once an interval. */
    assert_true(key_frame_request_due(&request, interval, now_us + interval));
    key_frame_request_sent(&request, now_us + interval);
    assert_false(key_frame_request_due(&request, interval, now_us + interval + 1));
    assert_true(key_frame_request_due(&request, interval, now_us + 2 * interval));

    key_frame_request_seen(&request, now_us + 2 * interval);
    assert_false(key_frame_request_due(&request, interval, now_us + 9 * interval));
    assert_int_equal(request.asked, 2);
}

static void test_a_late_request_waits_for_the_interval(void **state)
{
    (void)state;
    struct key_frame_request request = {0};
    key_frame_request(&request);
    key_frame_request_sent(&request, 5000000);
    key_frame_request_seen(&request, 5100000);
    key_frame_request(&request);
    assert_false(key_frame_request_due(&request, KEY_FRAME_INTERVAL_US, 5200000));
    assert_true(key_frame_request_due(&request, KEY_FRAME_INTERVAL_US, 6000000));
    key_frame_request_cancel(&request);
    assert_false(key_frame_request_due(&request, KEY_FRAME_INTERVAL_US, 6000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_detect_vp9),
        cmocka_unit_test(test_detect_av1),
        cmocka_unit_test(test_requests_are_joined),
        cmocka_unit_test(test_a_late_request_waits_for_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
