/* Histogram: percentiles within 0.8 %, exact counts, sum and maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/histogram.h"

static struct histogram histogram;

static int clear(void **state)
{
    (void)state;
    histogram_clear(&histogram);
    return 0;
}

static void is_within(uint64_t value, uint64_t exact)
{
    assert_true(value >= exact);
    assert_true(value <= exact + exact / 128 + 1);
}

static void empty(void **state)
{
    (void)state;
    assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 0);
    assert_int_equal(histogram_mean_ns(&histogram), 0);
}

static void one_value_is_every_percentile(void **state)
{
    (void)state;
    histogram_add(&histogram, 123456);
    assert_int_equal(histogram_percentile_ns(&histogram, 0), 123456);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 123456);
    assert_int_equal(histogram_percentile_ns(&histogram, 1), 123456);
    assert_int_equal(histogram_mean_ns(&histogram), 123456);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (uint64_t value = 1; value <= 100; value++)
        histogram_add(&histogram, value);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 50);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.99), 99);
    assert_int_equal(histogram_percentile_ns(&histogram, 1), 100);
    assert_int_equal(histogram.sum_ns, 5050);
}

static void percentiles_of_a_ramp(void **state)
{
    (void)state;
    for (uint64_t value = 1; value <= 1000000; value++)
        histogram_add(&histogram, value);
    is_within(histogram_percentile_ns(&histogram, 0.5), 500000);
    is_within(histogram_percentile_ns(&histogram, 0.9), 900000);
    is_within(histogram_percentile_ns(&histogram, 0.999), 999000);
    assert_int_equal(histogram_percentile_ns(&histogram, 1), 1000000);
    assert_int_equal(histogram.count, 1000000);
}

/* Around every power of two: no value may fall into a bucket that ends below it. */
static void bucket_borders(void **state)
{
    (void)state;
    for (unsigned bit = 1; bit < HISTOGRAM_VALUE_BITS; bit++)
        for (uint64_t value = (UINT64_C(1) << bit) - 1; value <= (UINT64_C(1) << bit) + 1; value++) {
            histogram_clear(&histogram);
            histogram_add(&histogram, value);
            histogram_add(&histogram, UINT64_C(1) << HISTOGRAM_VALUE_BITS);
            is_within(histogram_percentile_ns(&histogram, 0.5), value);
        }
}

static void a_rare_long_one_shows_at_the_end(void **state)
{
    (void)state;
    for (int i = 0; i < 999; i++)
        histogram_add(&histogram, 1000);
    histogram_add(&histogram, 5000000);
    is_within(histogram_percentile_ns(&histogram, 0.99), 1000);
    is_within(histogram_percentile_ns(&histogram, 0.999), 1000);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.9999), 5000000);
    assert_int_equal(histogram.max_ns, 5000000);
}

static void beyond_the_range(void **state)
{
    (void)state;
    histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram.max_ns, UINT64_MAX);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.5), (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
}

static void merge(void **state)
{
    static struct histogram other;

    (void)state;
    histogram_clear(&other);
    for (uint64_t i = 0; i < 50; i++) {
        histogram_add(&histogram, 10);
        histogram_add(&other, 20);
    }
    histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(histogram_mean_ns(&histogram), 15);
    assert_int_equal(histogram.max_ns, 20);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.5), 10);
    assert_int_equal(histogram_percentile_ns(&histogram, 0.51), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(empty, clear),
        cmocka_unit_test_setup(one_value_is_every_percentile, clear),
        cmocka_unit_test_setup(small_values_are_exact, clear),
        cmocka_unit_test_setup(percentiles_of_a_ramp, clear),
        cmocka_unit_test_setup(bucket_borders, clear),
        cmocka_unit_test_setup(a_rare_long_one_shows_at_the_end, clear),
        cmocka_unit_test_setup(beyond_the_range, clear),
        cmocka_unit_test_setup(merge, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
