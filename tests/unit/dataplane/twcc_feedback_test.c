#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/twcc_feedback.h"
#include "proto/wire/rtcp_feedback.h"
#include "proto/wire/twcc_builder.h"
#include "tests/unit/dataplane/prng.h"

#define MS 1000ull

static struct twcc_feedback_state twcc;

static int begin(void **state)
{
    (void)state;
    memset(&twcc, 0, sizeof(twcc));
    return 0;
}

/* Writes one feedback packet and parses it. Returns false when there was none. */
static bool take(uint64_t now_us, uint8_t buffer[TWCC_BUILDER_BYTES], struct twcc_feedback *ret_feedback)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    int length = twcc_feedback_write(&twcc, 7, now_us, buffer, TWCC_BUILDER_BYTES);
    if (length == 0)
        return false;
    assert_true(length > 0);
    assert_int_equal(rtcp_begin(&iterator, buffer, (size_t)length), 0);
    assert_true(rtcp_next(&iterator, &packet));
    assert_int_equal(packet.type, RTCP_RTPFB);
    assert_int_equal(packet.count, RTCP_RTPFB_TWCC);
    assert_int_equal(twcc_parse(&packet, ret_feedback), 0);
    return true;
}

static unsigned count_received(const struct twcc_feedback *feedback)
{
    struct twcc_iterator iterator;
    struct twcc_status status;
    unsigned received = 0;
    twcc_begin(&iterator, feedback);
    while (twcc_next(&iterator, &status))
        received += status.received;
    return received;
}

static void test_loss_and_times(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    struct twcc_iterator iterator;
    struct twcc_status status;
    uint64_t t0_us = 1000000 * MS;

    assert_false(twcc_feedback_due(&twcc, t0_us));
    twcc_feedback_packet(&twcc, 65534, 0x99, t0_us);
    twcc_feedback_packet(&twcc, 65535, 0x99, t0_us + 5 * MS);
    twcc_feedback_packet(&twcc, 65535, 0x99, t0_us + 6 * MS); /* again */
    twcc_feedback_packet(&twcc, 2, 0x88, t0_us + 20 * MS);
    twcc_feedback_packet(&twcc, 1, 0x77, t0_us + 30 * MS); /* overtaken */
    assert_true(twcc_feedback_due(&twcc, t0_us + 30 * MS));
    assert_true(take(t0_us + 40 * MS, buffer, &feedback));
    assert_int_equal(feedback.sender_ssrc, 7);
    assert_int_equal(feedback.media_ssrc, 0x77);
    assert_int_equal(feedback.feedback_count, 0);
    assert_int_equal(feedback.base_sequence, 65534);
    assert_int_equal(feedback.status_count, 5);

    const struct {
        uint16_t sequence;
        bool received;
        int64_t after_us;
    } expected[] = {{65534, true, 0}, {65535, true, 5000}, {0, false, 0}, {1, true, 30000}, {2, true, 20000}};
    twcc_begin(&iterator, &feedback);
    int64_t base_us = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(twcc_next(&iterator, &status));
        base_us = i == 0 ? status.arrival_us : base_us;
        assert_int_equal(status.sequence, expected[i].sequence);
        assert_int_equal(status.received, expected[i].received);
        if (status.received)
            assert_int_equal(status.arrival_us - base_us, expected[i].after_us);
    }
    assert_false(take(t0_us + 40 * MS, buffer, &feedback));
    assert_int_equal(twcc.packets, 4);
}

static void test_interval(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    uint64_t t0_us = 50000 * MS;
    twcc_feedback_packet(&twcc, 1, 1, t0_us);
    assert_true(take(t0_us, buffer, &feedback));
    assert_false(twcc_feedback_due(&twcc, t0_us + 200 * MS)); /* nothing to tell */
    twcc_feedback_packet(&twcc, 2, 1, t0_us + 1 * MS);
    assert_false(twcc_feedback_due(&twcc, t0_us + 99 * MS));
    assert_true(twcc_feedback_due(&twcc, t0_us + 100 * MS));
    assert_true(take(t0_us + 100 * MS, buffer, &feedback));
    assert_int_equal(feedback.feedback_count, 1);
    assert_int_equal(feedback.base_sequence, 2);

    /* Many in no time: before the window is full. */
    for (unsigned i = 3; i < 3 + MEDIA_TWCC_WINDOW / 2; i++)
        twcc_feedback_packet(&twcc, (uint16_t)i, 1, t0_us + 101 * MS);
    assert_true(twcc_feedback_due(&twcc, t0_us + 101 * MS));
    assert_true(take(t0_us + 101 * MS, buffer, &feedback));
    assert_int_equal(feedback.status_count, MEDIA_TWCC_WINDOW / 2);
    assert_int_equal(count_received(&feedback), MEDIA_TWCC_WINDOW / 2);
}

static void test_late_after_its_feedback(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    uint64_t t0_us = 50000 * MS;
    twcc_feedback_packet(&twcc, 10, 1, t0_us);
    twcc_feedback_packet(&twcc, 12, 1, t0_us + 1 * MS);
    assert_true(take(t0_us + 2 * MS, buffer, &feedback));

    twcc_feedback_packet(&twcc, 11, 1, t0_us + 50 * MS);
    assert_true(take(t0_us + 102 * MS, buffer, &feedback));
    assert_int_equal(feedback.base_sequence, 11);
    assert_int_equal(feedback.status_count, 2);
    assert_int_equal(count_received(&feedback), 2); /* 12 is told again, with its own time */

    /* Later than the window: what was forgotten is not reported lost. */
    twcc_feedback_packet(&twcc, 14, 1, t0_us + 700 * MS);
    assert_true(take(t0_us + 700 * MS, buffer, &feedback));
    twcc_feedback_packet(&twcc, 9, 1, t0_us + 701 * MS);
    twcc_feedback_packet(&twcc, 12, 1, t0_us + 702 * MS);
    assert_false(take(t0_us + 900 * MS, buffer, &feedback));
    twcc_feedback_packet(&twcc, 13, 1, t0_us + 901 * MS); /* its neighbours are still known */
    assert_true(take(t0_us + 901 * MS, buffer, &feedback));
    assert_int_equal(feedback.base_sequence, 13);
}

static void test_early_reordering(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    twcc_feedback_packet(&twcc, 0, 1, 1000 * MS);
    twcc_feedback_packet(&twcc, 65530, 1, 1001 * MS);
    assert_true(take(1001 * MS, buffer, &feedback));
    assert_int_equal(feedback.base_sequence, 65530);
    assert_int_equal(feedback.status_count, 7);
    assert_int_equal(count_received(&feedback), 2);
}

static void test_jumps(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    const uint16_t jumps[] = {100, 100 + 600, 40000, 500, 34000, 32767, 65535, 0};
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        uint64_t now_us = (1000 + 200 * i) * MS;
        twcc_feedback_packet(&twcc, jumps[i], 1, now_us);
        assert_true(twcc_feedback_due(&twcc, now_us));
        assert_true(take(now_us, buffer, &feedback));
        assert_int_equal((uint16_t)(feedback.base_sequence + feedback.status_count),
                         (uint16_t)(jumps[i] + 1));
        assert_int_equal(count_received(&feedback), 1);
        assert_false(take(now_us, buffer, &feedback));
    }
    /* Older than the window, but not by so much that the sender must have begun anew. */
    twcc_feedback_packet(&twcc, (uint16_t)(0 - 600), 1, 5000 * MS);
    assert_false(twcc_feedback_due(&twcc, 9000 * MS));
}

static void test_buffer_too_small(void **state)
{
    (void)state;
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    twcc_feedback_packet(&twcc, 1, 1, 1000 * MS);
    assert_int_equal(twcc_feedback_write(&twcc, 7, 1000 * MS, buffer, 19), -ENOSPC);
    assert_true(take(1000 * MS, buffer, &feedback)); /* nothing was lost */
    assert_int_equal(feedback.feedback_count, 0);
}

/* Whatever comes: every arrival is reported with its time, and what was never sent is never reported. */
static void test_random_network(void **state)
{
    (void)state;
    enum { COUNT = 200000 };
    static uint64_t arrival_us[COUNT];
    static uint8_t reported[COUNT];
    struct prng prng = {.state = 31337};
    uint8_t buffer[TWCC_BUILDER_BYTES];
    struct twcc_feedback feedback = {0};
    uint64_t now_us = 77000 * MS;
    unsigned missing = 0, arrivals = 0;

    for (uint32_t number = 0; number < COUNT; number++) {
        now_us += prng_below(&prng, 2 * MS);
        uint32_t which = number;
        if (number > 50 && prng_below(&prng, 10) == 0)
            which = number - prng_below(&prng, 50);
        if (prng_below(&prng, 20) != 0) {
            twcc_feedback_packet(&twcc, (uint16_t)which, 1, now_us);
            arrival_us[which] = arrival_us[which] ? arrival_us[which] : now_us;
        }
        while (twcc_feedback_due(&twcc, now_us) && take(now_us, buffer, &feedback)) {
            struct twcc_iterator iterator;
            struct twcc_status status;
            twcc_begin(&iterator, &feedback);
            while (twcc_next(&iterator, &status)) {
                uint32_t of = number - (uint16_t)((uint16_t)number - status.sequence);
                if (!status.received)
                    continue;
                assert_true(of < COUNT && arrival_us[of] != 0);
                /* The reference time has 24 bits of 64 ms; compare what is left of it. */
                uint64_t span_us = 64000ull << 24;
                int64_t error =
                    (int64_t)((arrival_us[of] % span_us) - ((uint64_t)status.arrival_us % span_us));
                assert_true(error >= 0 && error < TWCC_TICK_US);
                reported[of] = 1;
            }
        }
    }
    for (uint32_t number = 0; number < COUNT - 1000; number++) {
        arrivals += arrival_us[number] != 0;
        missing += arrival_us[number] != 0 && !reported[number];
    }
    assert_true(arrivals > COUNT / 2);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_loss_and_times, begin),
        cmocka_unit_test_setup(test_interval, begin),
        cmocka_unit_test_setup(test_late_after_its_feedback, begin),
        cmocka_unit_test_setup(test_early_reordering, begin),
        cmocka_unit_test_setup(test_jumps, begin),
        cmocka_unit_test_setup(test_buffer_too_small, begin),
        cmocka_unit_test_setup(test_random_network, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
