#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/ntp_time.h"
#include "dataplane/receive_stats.h"
#include "tests/unit/dataplane/prng.h"

static enum receive_verdict receive(struct receive_stats *stats, uint16_t sequence, uint32_t timestamp,
                                    uint64_t now_us)
{
    struct rtp_header header = {.sequence = sequence, .timestamp = timestamp};
    return receive_stats_packet(stats, &header, 100, now_us);
}

static void test_loss_and_wrap(void **state)
{
    (void)state;
    struct receive_stats stats;
    struct rtcp_report_block block;
    receive_stats_init(&stats, 0x1234, 90000);
    assert_int_equal(receive_stats_report_block(&stats, 1, &block), -ENODATA);

    assert_int_equal(receive(&stats, 65534, 0, 1000), RECEIVE_RESTART);
    assert_int_equal(receive(&stats, 65535, 0, 1000), RECEIVE_NEXT);
    assert_int_equal(receive(&stats, 2, 0, 1000), RECEIVE_NEXT); /* 0 and 1 are missing */
    assert_int_equal(receive_stats_report_block(&stats, 2000, &block), 0);
    assert_int_equal(block.ssrc, 0x1234);
    assert_int_equal(block.highest_sequence, 0x10002);
    assert_int_equal(block.cumulative_lost, 2);
    assert_int_equal(block.fraction_lost, 2 * 256 / 5);
    assert_int_equal(block.lsr, 0);
    assert_int_equal(block.dlsr, 0);

    /* One comes late: the next interval has one more than it expected. */
    assert_int_equal(receive(&stats, 1, 0, 3000), RECEIVE_LATE);
    assert_int_equal(receive(&stats, 3, 0, 3000), RECEIVE_NEXT);
    assert_int_equal(receive_stats_report_block(&stats, 4000, &block), 0);
    assert_int_equal(block.cumulative_lost, 1);
    assert_int_equal(block.fraction_lost, 0);

    /* Nothing expected, nothing lost. */
    assert_int_equal(receive_stats_report_block(&stats, 5000, &block), 0);
    assert_int_equal(block.fraction_lost, 0);
    assert_int_equal(stats.packets, 5);
    assert_int_equal(stats.bytes, 500);
}

static void test_all_lost_but_one_is_255(void **state)
{
    (void)state;
    struct receive_stats stats;
    struct rtcp_report_block block;
    receive_stats_init(&stats, 1, 90000);
    receive(&stats, 0, 0, 0);
    receive_stats_report_block(&stats, 0, &block);
    receive(&stats, 2999, 0, 0);
    receive_stats_report_block(&stats, 0, &block);
    assert_int_equal(block.fraction_lost, 255);
    assert_int_equal(block.cumulative_lost, 2998);
}

static void test_repeats(void **state)
{
    (void)state;
    struct receive_stats stats;
    receive_stats_init(&stats, 1, 90000);
    receive(&stats, 10, 0, 0);
    assert_int_equal(receive(&stats, 10, 0, 0), RECEIVE_REPEAT);
    receive(&stats, 1000, 0, 0);
    assert_int_equal(receive(&stats, 10, 0, 0), RECEIVE_REPEAT);
    assert_int_equal(receive(&stats, 5, 0, 0), RECEIVE_LATE); /* before the first */
    assert_int_equal(receive(&stats, 5, 0, 0), RECEIVE_REPEAT);
    assert_int_equal(stats.repeats, 3);
    assert_int_equal(receive_stats_lost(&stats), 996 - 3);
}

static void test_jump_and_restart(void **state)
{
    (void)state;
    struct receive_stats stats;
    receive_stats_init(&stats, 1, 90000);
    receive(&stats, 100, 0, 0);
    receive(&stats, 101, 0, 0);

    /* One stray is nothing. */
    assert_int_equal(receive(&stats, 30000, 0, 0), RECEIVE_STRAY);
    assert_int_equal(receive(&stats, 102, 0, 0), RECEIVE_NEXT);
    assert_int_equal(receive(&stats, 30001, 0, 0), RECEIVE_STRAY);

    /* Two in a row are a new beginning. */
    assert_int_equal(receive(&stats, 30002, 0, 0), RECEIVE_RESTART);
    assert_int_equal(receive(&stats, 30003, 0, 0), RECEIVE_NEXT);
    assert_int_equal(stats.restarts, 1);
    assert_int_equal(receive_stats_lost(&stats), 0);
    struct rtcp_report_block block;
    receive_stats_report_block(&stats, 0, &block);
    assert_int_equal(block.highest_sequence, 30003);
    assert_int_equal(block.fraction_lost, 0);

    /* Exactly half the circle away, and just behind the window. */
    assert_int_equal(receive(&stats, (uint16_t)(30003 + 32768), 0, 0), RECEIVE_STRAY);
    assert_int_equal(receive(&stats, 30003 - 1024, 0, 0), RECEIVE_STRAY);
    assert_int_equal(receive(&stats, 30003 - 1023, 0, 0), RECEIVE_LATE);
}

/* RFC 3550 section A.8 with a transit that alternates by 10 ms settles at 10 ms. */
static void test_jitter(void **state)
{
    (void)state;
    struct receive_stats stats;
    receive_stats_init(&stats, 1, 48000);
    for (uint32_t i = 0; i < 500; i++)
        receive(&stats, (uint16_t)i, i * 960, 1000000000000000ull + i * 20000ull + (i % 2) * 10000ull);
    assert_in_range(receive_stats_jitter(&stats), 470, 480);

    /* A clock that jumps is no jitter. */
    receive(&stats, 500, 0x80000000u, 1000000000000000ull + 500 * 20000ull);
    assert_in_range(receive_stats_jitter(&stats), 400, 480);
}

static void test_sender_report(void **state)
{
    (void)state;
    struct receive_stats stats;
    struct rtcp_report_block block;
    struct rtcp_sender_info info = {.ntp = 0x1122334455667788ull, .rtp_timestamp = 77};
    struct rtcp_sender_info no_clock = {.ntp = 0, .rtp_timestamp = 5};
    receive_stats_init(&stats, 1, 48000);
    receive(&stats, 1, 0, 0);
    receive_stats_sender_report(&stats, &info, 1000000);
    receive_stats_sender_report(&stats, &no_clock, 1100000);
    receive_stats_report_block(&stats, 1500000, &block);
    assert_int_equal(block.lsr, 0x33445566);
    assert_int_equal(block.dlsr, 32768);
    struct stream_clock clock = receive_stats_clock(&stats);
    assert_true(clock.ntp == info.ntp);
    assert_int_equal(clock.rtp, 77);
    assert_int_equal(clock.rate, 48000);
}

/* Against plain 64-bit numbers: loss, lateness and repeats in random order. */
static void test_against_oracle(void **state)
{
    (void)state;
    enum { STEPS = 1000000, SPAN = 1 << 20 };
    static uint8_t came[SPAN + 1];
    struct prng prng = {.state = 4711};
    struct receive_stats stats;
    uint64_t first = 65000, highest = first, accepted = 0;

    receive_stats_init(&stats, 1, 90000);
    for (int step = 0; step < STEPS && highest < first + SPAN - 200; step++) {
        uint64_t number = highest + 1 + prng_below(&prng, 3);
        if (step == 0)
            number = first;
        else if (prng_below(&prng, 4) == 0)
            number =
                highest - prng_below(&prng, highest - first < 1000 ? (uint32_t)(highest - first + 1) : 1000);
        enum receive_verdict verdict = receive(&stats, (uint16_t)number, 0, (uint64_t)step * 10);
        if (came[number - first]) {
            assert_int_equal(verdict, RECEIVE_REPEAT);
            continue;
        }
        came[number - first] = 1;
        accepted++;
        assert_int_equal(verdict, step == 0          ? RECEIVE_RESTART
                                  : number > highest ? RECEIVE_NEXT
                                                     : RECEIVE_LATE);
        highest = number > highest ? number : highest;
        assert_true(receive_stats_lost(&stats) == (int64_t)(highest - first + 1 - accepted));
    }
    assert_int_equal(stats.strays, 0);
    assert_true(highest > first + 500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_and_wrap),  cmocka_unit_test(test_all_lost_but_one_is_255),
        cmocka_unit_test(test_repeats),        cmocka_unit_test(test_jump_and_restart),
        cmocka_unit_test(test_jitter),         cmocka_unit_test(test_sender_report),
        cmocka_unit_test(test_against_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
