#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/layer_rates.h"

/* 25 pictures a second: 1000 bytes on the lower, 500 on the upper layer. */
static void play(struct layer_rates *rates, uint64_t from_us, uint64_t to_us)
{
    for (uint64_t now = from_us; now < to_us; now += 40000)
        layer_rates_packet(rates, 0, now / 40000 % 2, now / 40000 % 2 ? 500 : 1000, now);
}

static void test_layers_add_up(void **state)
{
    (void)state;
    struct layer_rates rates = {0};

    assert_int_equal(layer_rates_up_to(&rates, 0, 0, 1000), 0);
    play(&rates, 10000000, 13000000);
    assert_in_range(layer_rates_up_to(&rates, 0, 0, 13000000), 95000, 105000);
    assert_in_range(layer_rates_up_to(&rates, 0, 1, 13000000), 142000, 158000);
    assert_int_equal(layer_rates_up_to(&rates, 0, 2, 13000000), 0);
    assert_int_equal(layer_rates_up_to(&rates, 1, 0, 13000000), 0);
    assert_int_equal(layer_rates_up_to(&rates, 4, 0, 13000000), 0);
}

static void test_young_stream_has_a_rate(void **state)
{
    (void)state;
    struct layer_rates rates = {0};

    play(&rates, 10000000, 10400000);
    assert_in_range(layer_rates_up_to(&rates, 0, 1, 10400000), 100000, 200000);
}

static void test_silence_ends_a_layer(void **state)
{
    (void)state;
    struct layer_rates rates = {0};

    play(&rates, 10000000, 12000000);
    assert_int_not_equal(layer_rates_up_to(&rates, 0, 1, 12600000), 0);
    assert_int_equal(layer_rates_up_to(&rates, 0, 1, 13500001), 0);
    play(&rates, 20000000, 22000000);
    assert_in_range(layer_rates_up_to(&rates, 0, 1, 22000000), 142000, 158000);
}

static void test_top(void **state)
{
    (void)state;
    struct layer_rates rates = {0};

    for (uint64_t now_us = 10000000; now_us < 12000000; now_us += 20000) {
        assert_int_equal(layer_rates_top(&rates, now_us), now_us < 11000000 ? -1 : 2);
        layer_rates_packet(&rates, 0, 0, 100, now_us);
        layer_rates_packet(&rates, 2, 1, 100, now_us);
    }
    for (uint64_t now_us = 12000000; now_us < 13500000; now_us += 20000)
        layer_rates_packet(&rates, 0, 0, 100, now_us);
    assert_int_equal(layer_rates_top(&rates, 13500000), 0);
    assert_int_equal(layer_rates_top(&rates, 15000000), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_add_up),
        cmocka_unit_test(test_young_stream_has_a_rate),
        cmocka_unit_test(test_silence_ends_a_layer),
        cmocka_unit_test(test_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
