#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dataplane/score.h"

static void test_clean_stream(void **state)
{
    (void)state;
    struct score_totals totals = {.expected = 1000, .received = 1000};
    struct score score;
    score_init(&score, &totals);
    assert_int_equal(score.value, 10);
    for (int i = 0; i < 50; i++) {
        totals.expected += 100;
        totals.received += 100;
        assert_false(score_update(&score, &totals));
    }
    assert_int_equal(score.value, 10);
}

static void test_loss_and_recovery(void **state)
{
    (void)state;
    struct score_totals totals = {0};
    struct score score;
    score_init(&score, &totals);
    totals.expected += 100;
    totals.received += 90;
    assert_true(score_update(&score, &totals));
    /* 80 of 90 delivered: (8/9)^4 = 0.62 */
    assert_int_equal(score.value, 6);
    assert_int_equal(score.history[0], 6);

    uint8_t last = score.value;
    for (int i = 0; i < 60; i++) {
        totals.expected += 100;
        totals.received += 100;
        score_update(&score, &totals);
        assert_true(score.value >= last);
        last = score.value;
    }
    assert_int_equal(score.value, 10);
}

static void test_nothing_comes(void **state)
{
    (void)state;
    struct score_totals totals = {0};
    struct score score;
    score_init(&score, &totals);
    totals.expected += 100;
    score_update(&score, &totals);
    assert_int_equal(score.value, 0);
}

static void test_repair_counts(void **state)
{
    (void)state;
    struct score_totals totals = {.expected = 100, .received = 90, .repaired = 10, .retransmitted = 10};
    struct score_totals none = {0};
    struct score lossy, repaired, wasteful;
    score_init(&lossy, &none);
    score_init(&repaired, &none);
    score_init(&wasteful, &none);
    score_update(&repaired, &totals);
    totals.retransmitted = 100;
    score_update(&wasteful, &totals);
    totals.repaired = totals.retransmitted = 0;
    score_update(&lossy, &totals);
    assert_true(repaired.value > lossy.value);
    assert_true(repaired.value > wasteful.value);
    assert_true(wasteful.value >= lossy.value);
}

static void test_newest_weighs_most(void **state)
{
    (void)state;
    struct score_totals none = {0};
    struct score falling, rising;
    score_init(&falling, &none);
    score_init(&rising, &none);
    struct score_totals good_then = {.expected = 100, .received = 100};
    struct score_totals bad = {.expected = 200, .received = 150};
    score_update(&falling, &good_then);
    score_update(&falling, &bad);
    struct score_totals bad_then = {.expected = 100, .received = 50};
    struct score_totals good = {.expected = 200, .received = 150};
    score_update(&rising, &bad_then);
    score_update(&rising, &good);
    assert_true(rising.value > falling.value);
}

static void test_inactive_and_reset(void **state)
{
    (void)state;
    struct score_totals totals = {.expected = 100, .received = 10};
    struct score_totals none = {0};
    struct score score;
    score_init(&score, &none);
    score_update(&score, &totals);
    assert_false(score_is_inactive(1000000, false, 2500000));
    assert_true(score_is_inactive(1000000, false, 2500001));
    assert_false(score_is_inactive(1000000, true, 2500001));
    assert_true(score_is_inactive(1000000, true, 6000001));
    assert_false(score_is_silent(&score));
    assert_false(score_reset(&score, 0, &totals)); /* was 0 by loss */
    assert_true(score_is_silent(&score));
    assert_true(score_reset(&score, 10, &totals));
    totals.expected += 10;
    totals.received += 10;
    assert_false(score_update(&score, &totals)); /* the past is forgotten */
    assert_int_equal(score.value, 10);

    /* A stream whose counts began anew. */
    struct score_totals anew = {.expected = 5, .received = 5};
    assert_false(score_update(&score, &anew));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_stream),       cmocka_unit_test(test_loss_and_recovery),
        cmocka_unit_test(test_nothing_comes),      cmocka_unit_test(test_repair_counts),
        cmocka_unit_test(test_newest_weighs_most), cmocka_unit_test(test_inactive_and_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
