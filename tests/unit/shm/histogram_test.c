/* Buckets of durations: where they begin, that none is off by more than an eighth, quantiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/histogram.h"

static void test_buckets(void **state)
{
    uint32_t last = 0;

    (void)state;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(histogram_bucket(histogram_low_us(i)), i);
    for (uint64_t us = 0; us < 2000000; us += 1 + us / 100) {
        uint32_t bucket = histogram_bucket(us);
        assert_true(bucket == last || bucket == last + 1);
        assert_true(histogram_low_us(bucket) <= us && us < histogram_low_us(bucket + 1));
        assert_true(histogram_low_us(bucket + 1) - histogram_low_us(bucket) <= (us < 8 ? 1 : us / 8 + 1));
        last = bucket;
    }
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_quantiles(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    assert_int_equal(histogram_quantile_us(&histogram, 0.5), 0);
    for (uint64_t us = 1; us <= 1000; us++)
        histogram_add(&histogram, us, 3);
    assert_int_equal(histogram_total(&histogram), 3000);
    assert_in_range(histogram_quantile_us(&histogram, 0.5), 500, 563);
    assert_in_range(histogram_quantile_us(&histogram, 0.99), 990, 1114);
    histogram_add(&histogram, UINT64_MAX, 1);
    assert_true(histogram_quantile_us(&histogram, 1) > 1500000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_buckets), cmocka_unit_test(test_quantiles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
