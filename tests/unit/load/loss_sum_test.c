/* Whose loss it was: own is what was counted, and never more than what is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/loss_sum.h"
#include "tools/kolabmeet-load/media_sink.h"

static struct flow flow = {.id = 1, .sent = 110};

/* Packets 10 up to before 100 should have come, of which `received` did. */
static struct media_sink sink_of(uint64_t received)
{
    return (struct media_sink){.flow = &flow, .from = 10, .highest = 99, .received = received};
}

static void what_is_missing_is_the_servers_at_first(void **state)
{
    struct loss_sum sum = {0};
    struct media_sink sink = sink_of(87);

    (void)state;
    loss_sum_add(&sum, &sink, false);
    assert_int_equal(sum.sinks, 1);
    assert_int_equal(sum.expected, 90);
    assert_int_equal(sum.lost, 3);
    assert_int_equal(sum.own_lost, 0);
    sum = (struct loss_sum){0};
    loss_sum_add(&sum, &sink, true); /* nothing is under way any more */
    assert_int_equal(sum.expected, 100);
    assert_int_equal(sum.lost, 13);
}

static void own_is_what_was_counted(void **state)
{
    struct loss_sum sum = {0};
    struct media_sink sink = sink_of(80);

    (void)state;
    loss_sum_add(&sum, &sink, false);
    loss_sum_own(&sum, 4);
    assert_int_equal(sum.lost, 6);
    assert_int_equal(sum.own_lost, 4);
    loss_sum_own(&sum, 0);
    assert_int_equal(sum.lost, 6);
    loss_sum_own(&sum, 7); /* no more than there is: the others were reports and the like */
    assert_int_equal(sum.lost, 0);
    assert_int_equal(sum.own_lost, 10);
    assert_int_equal(sum.expected, 90);
}

static void one_participants_count_excuses_no_other(void **state)
{
    struct loss_sum all = {0};
    struct loss_sum first = {0};
    struct loss_sum second = {0};
    struct media_sink whole = sink_of(90);
    struct media_sink broken = sink_of(85);

    (void)state;
    loss_sum_add(&first, &whole, false);
    loss_sum_own(&first, 1000);
    loss_sum_add(&second, &broken, false);
    loss_sum_own(&second, 2);
    loss_sum_merge(&all, &first);
    loss_sum_merge(&all, &second);
    assert_int_equal(all.sinks, 2);
    assert_int_equal(all.expected, 180);
    assert_int_equal(all.lost, 3);
    assert_int_equal(all.own_lost, 2);
}

static void more_than_expected_is_no_loss(void **state)
{
    struct loss_sum sum = {0};
    struct media_sink silent = {0};
    struct media_sink sink = sink_of(91); /* one came behind those that are expected */

    (void)state;
    loss_sum_add(&sum, &silent, true);
    assert_int_equal(sum.silent, 1);
    assert_int_equal(sum.expected, 0);
    loss_sum_add(&sum, &sink, false);
    loss_sum_own(&sum, 5);
    assert_int_equal(sum.lost + sum.own_lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_the_servers_at_first),
        cmocka_unit_test(own_is_what_was_counted),
        cmocka_unit_test(one_participants_count_excuses_no_other),
        cmocka_unit_test(more_than_expected_is_no_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
