#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/bitrate_window.h"

static void test_even_flow(void **state)
{
    (void)state;
    struct bitrate_window window = {0};
    uint64_t now_us = 5000000;
    for (int i = 0; i < 200; i++, now_us += 10000)
        bitrate_window_add(&window, 1250, now_us);
    /* 1,250 bytes each 10 ms are 1 Mbit/s. */
    assert_in_range(bitrate_window_bps(&window, now_us), 950000, 1050000);
}

static void test_silence_ends_it(void **state)
{
    (void)state;
    struct bitrate_window window = {0};
    bitrate_window_add(&window, 125000, 1000000);
    assert_true(bitrate_window_bps(&window, 1900000) > 0);
    assert_int_equal(bitrate_window_bps(&window, 2000000), 0);
    assert_int_equal(window.total_bytes, 0);
    bitrate_window_add(&window, 7, 3600000000000ull);
    assert_int_equal(window.total_bytes, 7);
}

static void test_time_that_goes_back(void **state)
{
    (void)state;
    struct bitrate_window window = {0};
    bitrate_window_add(&window, 100, 2000000);
    bitrate_window_add(&window, 100, 1800000);
    assert_int_equal(window.total_bytes, 200);
    assert_int_equal(bitrate_window_bps(&window, 3000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even_flow),
        cmocka_unit_test(test_silence_ends_it),
        cmocka_unit_test(test_time_that_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
