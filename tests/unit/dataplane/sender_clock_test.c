#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/ntp_time.h"
#include "dataplane/sender_clock.h"

#define SENDER_AHEAD_US 3900000000000000ull /* since 1900, as browsers have it */

static uint64_t sender_ntp(uint64_t now_us)
{
    return ntp_time_from_us(now_us + SENDER_AHEAD_US);
}

static void test_ntp_time(void **state)
{
    (void)state;
    assert_true(ntp_time_from_us(1500000) == 0x180000000ull);
    assert_int_equal(ntp_time_middle(ntp_time_from_us(1500000)), 0x18000);
    assert_int_equal(ntp_time_delay(1500000), 0x18000);
    assert_int_equal(ntp_time_delay(UINT64_MAX), UINT32_MAX);
    for (uint64_t us = 1; us < 4000000000000000ull; us = us * 3 + 7)
        assert_true(llabs((long long)(ntp_time_to_us(ntp_time_from_us(us)) - us)) <= 1);
    /* Many years of 90 kHz do not overflow: the remainder of whole seconds stays exact. */
    uint64_t years_us = 1000000000000000ull + 250000;
    assert_int_equal(ntp_time_to_rtp(years_us, 90000), (uint32_t)(1000000000ull * 90000 + 22500));
}

static void test_shortest_delay_wins(void **state)
{
    (void)state;
    struct sender_clock clock = {0};
    struct stream_clock stream = {.ntp = sender_ntp(10000000), .rtp = 4294960000u, .rate = 90000};
    uint32_t timestamp;

    assert_false(sender_clock_timestamp(&clock, &stream, 10000000, &timestamp));
    sender_clock_report(&clock, sender_ntp(10000000), 10080000); /* 80 ms under way */
    sender_clock_report(&clock, sender_ntp(11000000), 11020000); /* 20 ms */
    sender_clock_report(&clock, sender_ntp(12000000), 12300000); /* 300 ms */
    assert_true(sender_clock_timestamp(&clock, &stream, 13020000, &timestamp));
    /* Three seconds after the stream's report, but for the 640 us that the 300 ms may have moved it. */
    assert_in_range(timestamp - 4294960000u, 270000 - 60, 270000 + 60);
}

static void test_streams_of_one_peer_agree(void **state)
{
    (void)state;
    struct sender_clock clock = {0};
    struct stream_clock audio = {.ntp = sender_ntp(10000000), .rtp = 1000, .rate = 48000};
    struct stream_clock video = {.ntp = sender_ntp(10500000), .rtp = 900000, .rate = 90000};
    uint32_t audio_timestamp, video_timestamp;

    sender_clock_report(&clock, audio.ntp, 10020000);
    sender_clock_report(&clock, video.ntp, 10900000); /* met a queue */
    assert_true(sender_clock_timestamp(&clock, &audio, 12000000, &audio_timestamp));
    assert_true(sender_clock_timestamp(&clock, &video, 12000000, &video_timestamp));
    int64_t audio_us = 10000000 + (int64_t)(audio_timestamp - 1000) * 1000000 / 48000;
    int64_t video_us = 10500000 + (int64_t)(video_timestamp - 900000) * 1000000 / 90000;
    assert_true(llabs(audio_us - video_us) < 100);
}

static void test_clock_set_anew(void **state)
{
    (void)state;
    struct sender_clock clock = {0};
    sender_clock_report(&clock, sender_ntp(10000000), 10000000);
    int64_t before = clock.offset_us;
    sender_clock_report(&clock, sender_ntp(11000000 - 7200000000ull), 11000000);
    assert_true(clock.offset_us - before == 7200000000ll);
    sender_clock_report(&clock, sender_ntp(12000000), 12000000);
    assert_true(clock.offset_us == before);
}

static void test_translate(void **state)
{
    (void)state;
    struct stream_clock low = {.ntp = sender_ntp(10000000), .rtp = 100, .rate = 90000};
    struct stream_clock high = {.ntp = sender_ntp(10200000), .rtp = 4000000000u, .rate = 90000};
    struct stream_clock none = {.rate = 90000};
    uint32_t timestamp;

    /* One second after high's report is 1.2 s after low's. */
    assert_true(sender_clock_translate(&high, &low, 4000000000u + 90000, &timestamp));
    assert_in_range(timestamp, 100 + 108000 - 1, 100 + 108000 + 1);
    /* One second before it is 0.8 s before low's. */
    assert_true(sender_clock_translate(&high, &low, 4000000000u - 90000, &timestamp));
    assert_in_range(timestamp + 72000, 100 - 1, 100 + 1);
    assert_false(sender_clock_translate(&none, &low, 1, &timestamp));
    assert_false(sender_clock_translate(&high, &none, 1, &timestamp));
}

static void test_hostile_times(void **state)
{
    (void)state;
    struct sender_clock clock = {0};
    uint32_t timestamp;
    const uint64_t ntps[] = {1, UINT64_MAX, 1ull << 63, 0xffffffff};
    for (size_t i = 0; i < 4; i++) {
        struct stream_clock stream = {.ntp = ntps[i], .rtp = UINT32_MAX, .rate = UINT32_MAX};
        struct stream_clock other = {.ntp = ntps[3 - i], .rtp = 0, .rate = 1};
        sender_clock_report(&clock, ntps[i], 1000000 * i + 1);
        assert_true(sender_clock_timestamp(&clock, &stream, UINT64_MAX / 4, &timestamp));
        assert_true(sender_clock_translate(&stream, &other, 0x80000000u, &timestamp));
        assert_true(sender_clock_translate(&other, &stream, 0x80000000u, &timestamp));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ntp_time),
        cmocka_unit_test(test_shortest_delay_wins),
        cmocka_unit_test(test_streams_of_one_peer_agree),
        cmocka_unit_test(test_clock_set_anew),
        cmocka_unit_test(test_translate),
        cmocka_unit_test(test_hostile_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
