#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/ntp_time.h"
#include "dataplane/send_stats.h"

static void test_round_trip(void **state)
{
    (void)state;
    struct send_stats stats;
    uint64_t sent_us = 5000000, now_us = 5000000 + 80000 + 500000;
    send_stats_init(&stats, 90000);
    struct rtcp_report_block block = {
        .fraction_lost = 25,
        .cumulative_lost = -3,
        .jitter = 99,
        .highest_sequence = 0x10005,
        .lsr = ntp_time_middle(ntp_time_from_us(sent_us)),
        .dlsr = ntp_time_delay(500000),
    };
    send_stats_report_block(&stats, &block, now_us);
    assert_in_range(stats.rtt_us, 80000 - 50, 80000 + 50);
    assert_int_equal(stats.fraction_lost, 25);
    assert_int_equal(stats.packets_lost, -3);
    assert_int_equal(stats.jitter, 99);
    assert_int_equal(stats.highest, 0x10005);
    assert_true(stats.report_us == now_us);
}

static void test_round_trips_that_cannot_be(void **state)
{
    (void)state;
    struct send_stats stats;
    uint64_t now_us = 100000000;
    uint32_t now = ntp_time_middle(ntp_time_from_us(now_us));
    const struct rtcp_report_block lies[] = {
        {.lsr = 0, .dlsr = 0},                 /* no report of ours seen */
        {.lsr = now, .dlsr = 65536},           /* answered before it was sent */
        {.lsr = now + 1000, .dlsr = 0},        /* from the future */
        {.lsr = now - 61u * 65536, .dlsr = 0}, /* a minute under way */
    };
    send_stats_init(&stats, 90000);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        send_stats_report_block(&stats, &lies[i], now_us);
    assert_int_equal(stats.rtt_us, 0);
    /* Under the resolution of the format: short, but known. */
    struct rtcp_report_block at_once = {.lsr = now, .dlsr = 1};
    send_stats_report_block(&stats, &at_once, now_us);
    assert_int_equal(stats.rtt_us, 1);
}

static void test_sender_info_by_time(void **state)
{
    (void)state;
    struct send_stats stats;
    struct sender_clock clock = {0};
    struct stream_clock source = {.rate = 48000};
    struct rtcp_sender_info info;
    send_stats_init(&stats, 48000);
    struct rewrite_state last = {.last_timestamp = 0xfffffff0u, .last_us = 1000000};
    assert_int_equal(send_stats_sender_info(&stats, &last, &clock, &source, 1, &info), -ENODATA);

    send_stats_packet(&stats, 100, 1000000);
    send_stats_packet(&stats, 60, 1500000);
    assert_int_equal(send_stats_sender_info(&stats, &last, &clock, &source, 2000000, &info), 0);
    assert_int_equal(info.rtp_timestamp, 0xfffffff0u + 48000u);
    assert_true(info.ntp == ntp_time_from_us(2000000));
    assert_int_equal(info.packet_count, 2);
    assert_int_equal(info.octet_count, 160);
}

static void test_sender_info_by_the_producers_clock(void **state)
{
    (void)state;
    struct send_stats stats;
    struct sender_clock clock = {0};
    struct rtcp_sender_info info;
    uint64_t far_us = 3900000000000000ull;
    struct stream_clock source = {.ntp = ntp_time_from_us(far_us + 1000000), .rtp = 500000, .rate = 90000};

    send_stats_init(&stats, 90000);
    sender_clock_report(&clock, source.ntp, 1020000);
    /* Sent 40 ms later than the sender's clock says it was captured. */
    struct rewrite_state last = {
        .last_timestamp = 500000 + 90000 + 7000, .last_us = 2060000, .timestamp_offset = 7000};
    send_stats_packet(&stats, 100, 2060000);
    assert_int_equal(send_stats_sender_info(&stats, &last, &clock, &source, 3020000, &info), 0);
    assert_in_range(info.rtp_timestamp, 500000 + 180000 + 7000 - 1, 500000 + 180000 + 7000 + 1);

    /* A clock that is far off the packets is not believed. */
    source.rtp += 90000 * 60;
    assert_int_equal(send_stats_sender_info(&stats, &last, &clock, &source, 3020000, &info), 0);
    assert_int_equal(info.rtp_timestamp, 500000 + 90000 + 7000 + 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_round_trips_that_cannot_be),
        cmocka_unit_test(test_sender_info_by_time),
        cmocka_unit_test(test_sender_info_by_the_producers_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
