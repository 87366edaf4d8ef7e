/* A sender within its limit is never noticed; one far beyond gets four times the limit and no more, however
 * small its packets are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/police.h"

#define LIMIT 1500000u
#define BYTES 1200u

/* Sends for ms at that rate; what passes, in bit/s. */
static uint64_t send(struct police *police, uint64_t *now_us, uint64_t bps, unsigned ms)
{
    uint64_t end_us = *now_us + ms * 1000ull, sent = 0, passed = 0, begin_us = *now_us;
    for (; *now_us < end_us; *now_us += 500)
        for (; sent < bps * (*now_us - begin_us) / 8000000; sent += BYTES)
            passed += police_admit(police, LIMIT, BYTES, *now_us) ? BYTES : 0;
    return passed * 8000 / ms;
}

static void test_who_keeps_to_the_limit_is_not_noticed(void **state)
{
    struct police police = {0};
    uint64_t now_us = 77000000;

    (void)state;
    /* Over the limit for a while too, as before the first REMB, or in a burst of repairs. */
    static const uint64_t rates[] = {LIMIT, LIMIT * 3, 800000, LIMIT * 2};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t passed = send(&police, &now_us, rates[i], 3000);
        assert_in_range(passed, rates[i] - 20000, rates[i] + 20000);
    }
    for (unsigned i = 0; i < 200; i++) /* a key frame at once */
        assert_true(police_admit(&police, LIMIT, BYTES, now_us));
}

static void test_flood_is_cut_to_four_times_the_limit(void **state)
{
    struct police police = {0};
    uint64_t now_us = 77000000;

    (void)state;
    send(&police, &now_us, 15ull * LIMIT, 1000);
    uint64_t passed = send(&police, &now_us, 15ull * LIMIT, 5000);
    assert_in_range(passed, 4ull * LIMIT - 100000, 4ull * LIMIT + 100000);
    now_us += 400000; /* and who comes to its senses is heard at once */
    passed = send(&police, &now_us, LIMIT, 1000);
    assert_in_range(passed, LIMIT - 20000, LIMIT + 20000);
}

/* The same in small packets: how many of them pass a second. */
static unsigned send_small(struct police *police, uint64_t *now_us, uint32_t limit_bps, uint32_t bytes,
                           unsigned per_second, unsigned seconds)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < per_second * seconds; i++, *now_us += 1000000 / per_second)
        passed += police_admit(police, limit_bps, bytes, *now_us);
    return passed / seconds;
}

static void test_small_packets_are_as_bad_as_big_ones(void **state)
{
    struct police police = {0};
    uint64_t now_us = 77000000;

    (void)state;
    send_small(&police, &now_us, LIMIT, 13, 50000, 1);
    unsigned passed = send_small(&police, &now_us, LIMIT, 13, 50000, 4);
    assert_in_range(passed, 1700, 1800);
    now_us += 400000;
    assert_int_equal(send_small(&police, &now_us, LIMIT, 13, 500, 1), 500);
}

/* Many small packets are legitimate: audio in frames of 10 ms, low layers of video, all at once. */
static void test_small_packets_of_who_listens(void **state)
{
    struct police police = {0};
    uint64_t now_us = 77000000;

    (void)state;
    assert_int_equal(send_small(&police, &now_us, 100000, 80, 500, 5), 500);
    /* All that four times the limit carries, in packets of 500 bytes, and a screen up to a high limit. */
    assert_int_equal(send_small(&police, &now_us, LIMIT, 500, 4 * LIMIT / 8 / 500 - 10, 5),
                     4 * LIMIT / 8 / 500 - 10);
    assert_int_equal(send_small(&police, &now_us, 30000000 / 4, 1150, 3200, 5), 3200);
}

static void test_no_limit(void **state)
{
    struct police police = {0};

    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        assert_true(police_admit(&police, 0, 1500, 1));
}

static void test_highest_limit_does_not_overflow(void **state)
{
    struct police police = {0};
    uint64_t passed = 0;

    (void)state;
    for (unsigned i = 0; i < 1000000; i++)
        passed += police_admit(&police, 1000000000, 1500, 1000000) ? 1500 : 0;
    assert_in_range(passed, 499990000, 500000000); /* four Gbit */
    unsigned packets = 0;
    for (unsigned i = 0; i < 1000000; i++)
        packets += police_admit(&police, UINT32_MAX, 1, 3000000);
    assert_int_equal(packets, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_keeps_to_the_limit_is_not_noticed),
        cmocka_unit_test(test_flood_is_cut_to_four_times_the_limit),
        cmocka_unit_test(test_small_packets_are_as_bad_as_big_ones),
        cmocka_unit_test(test_small_packets_of_who_listens),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_highest_limit_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
