/* A sender within its limit is never noticed; one far beyond gets four times the limit and no more. */
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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_keeps_to_the_limit_is_not_noticed),
        cmocka_unit_test(test_flood_is_cut_to_four_times_the_limit),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_highest_limit_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
