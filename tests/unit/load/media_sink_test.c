/* The far end of a consumer: loss, duplicates and order, whatever was made of the sequence numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/media_sink.h"

static struct flow_table flows;
static struct flow *flow;
static struct media_sink sink;
static struct tally tally;

static int start(void **state)
{
    (void)state;
    flow_table_add(&flows); /* so that the id is not 0 */
    flow = flow_table_add(&flows);
    flow->sent = 1000000;
    memset(&tally, 0, sizeof tally);
    media_sink_init(&sink, 1, 0, true);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    flow_table_deinit(&flows);
    return 0;
}

static void arrives(uint64_t counter, uint16_t sequence)
{
    const struct stamp stamp = {flow->id, counter, 5000};
    media_sink_take(&sink, &tally, &flows, sequence, 0, 7000, &stamp);
}

static void arrives_closed(uint16_t sequence)
{
    media_sink_take(&sink, &tally, &flows, sequence, 0, 7000, NULL);
}

static uint64_t lost(uint64_t sent)
{
    return media_sink_expected(&sink, sent) - sink.received;
}

static void all_in_order(void **state)
{
    (void)state;
    assert_true(media_sink_is_blind(&sink));
    for (uint64_t i = 0; i < 5000; i++)
        arrives(100 + i, (uint16_t)(65000 + i));
    assert_false(media_sink_is_blind(&sink));
    assert_int_equal(sink.from, 100);
    assert_int_equal(lost(5100), 0);
    assert_int_equal(lost(5103), 3); /* the tail */
    assert_int_equal(tally.reordered + tally.duplicates, 0);
    assert_int_equal(tally.latency.count, 5000);
    assert_int_equal(tally.latency.max_ns, 2000);
}

static void a_gap_is_lost_though_numbers_are_continuous(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++)
        arrives(100 + i + (i >= 50 ? 7 : 0), (uint16_t)i);
    assert_int_equal(lost(207), 7);
}

static void late_ones_are_not_lost(void **state)
{
    (void)state;
    arrives(10, 10);
    arrives(12, 12);
    arrives(14, 14);
    arrives(13, 13);
    arrives(11, 11);
    assert_int_equal(lost(15), 0);
    assert_int_equal(tally.reordered, 2);
    assert_int_equal(tally.duplicates, 0);
}

static void doubles_count_once(void **state)
{
    (void)state;
    arrives(10, 10);
    arrives(11, 11);
    arrives(11, 12); /* under another number */
    arrives(10, 10);
    arrives(13, 14);
    assert_int_equal(tally.duplicates, 2);
    assert_int_equal(sink.received, 3);
    assert_int_equal(lost(14), 1);
}

static void a_leap_empties_the_window(void **state)
{
    (void)state;
    arrives(10, 10);
    arrives(10 + MEDIA_SINK_WINDOW, 11); /* the same place of the window */
    arrives(11 + 3 * MEDIA_SINK_WINDOW, 12);
    assert_int_equal(tally.duplicates, 0);
    assert_int_equal(sink.received, 3);
}

static void closed_packets_count_by_their_numbers(void **state)
{
    (void)state;
    arrives_closed(1); /* nothing can be said of it */
    assert_true(media_sink_is_blind(&sink));
    arrives(500, 65530);
    for (unsigned i = 1; i < 20; i++)
        if (i != 9)
            arrives_closed((uint16_t)(65530 + i));
    arrives_closed(65531);
    assert_int_equal(sink.received, 19);
    assert_int_equal(tally.duplicates, 1);
    assert_int_equal(lost(520), 1);
    arrives(530, 65550 - 65536); /* ten were lost that left no gap */
    assert_int_equal(lost(531), 11);
    arrives_closed(65551 - 65536);
    assert_int_equal(lost(532), 11);
}

static void only_what_is_sent_after_the_mark_counts(void **state)
{
    (void)state;
    arrives(10, 10);
    arrives(12, 12);
    flow->sent = 14;
    flow_table_mark(&flows);
    media_sink_mark(&sink);
    assert_int_equal(lost(14), 0);
    arrives(13, 13); /* was under way */
    assert_int_equal(sink.received, 0);
    arrives(14, 14);
    arrives(16, 16);
    assert_int_equal(lost(17), 1);
}

static void one_that_begins_after_the_mark(void **state)
{
    (void)state;
    flow->sent = 14;
    flow_table_mark(&flows);
    media_sink_mark(&sink);
    arrives(40, 1);
    arrives(41, 2);
    assert_int_equal(sink.from, 40);
    assert_int_equal(lost(42), 0);
}

static void repairs(void **state)
{
    const struct stamp missing = {flow->id, 11, 5000};
    const struct stamp known = {flow->id, 12, 5000};

    (void)state;
    arrives(10, 10);
    arrives(12, 12);
    media_sink_take_repair(&sink, &tally, 11, 9000, &missing);
    media_sink_take_repair(&sink, &tally, 12, 9000, &known);
    assert_int_equal(tally.repaired, 1);
    assert_int_equal(tally.duplicates, 1);
    assert_int_equal(lost(13), 0);
}

static void what_was_sent_before_it_was_there_is_no_latency(void **state)
{
    const struct stamp missing = {flow->id, 12, 5000};

    (void)state;
    sink.since_ns = 5001;
    arrives(10, 10);
    arrives(11, 11);
    media_sink_take_repair(&sink, &tally, 12, 9000, &missing);
    assert_int_equal(tally.latency.count, 0);
    assert_int_equal(tally.caught_up, 3);
    assert_int_equal(lost(13), 0);
    sink.since_ns = 5000;
    arrives(13, 13);
    assert_int_equal(tally.latency.count, 1);
    assert_int_equal(tally.latency.max_ns, 2000);
    assert_int_equal(tally.caught_up, 3);
}

static void a_stamp_of_nobody(void **state)
{
    const struct stamp stamp = {99, 1, 0};

    (void)state;
    media_sink_take(&sink, &tally, &flows, 1, 0, 0, &stamp);
    assert_int_equal(tally.foreign, 1);
    assert_true(media_sink_is_blind(&sink));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_in_order, start, stop),
        cmocka_unit_test_setup_teardown(a_gap_is_lost_though_numbers_are_continuous, start, stop),
        cmocka_unit_test_setup_teardown(late_ones_are_not_lost, start, stop),
        cmocka_unit_test_setup_teardown(doubles_count_once, start, stop),
        cmocka_unit_test_setup_teardown(a_leap_empties_the_window, start, stop),
        cmocka_unit_test_setup_teardown(closed_packets_count_by_their_numbers, start, stop),
        cmocka_unit_test_setup_teardown(only_what_is_sent_after_the_mark_counts, start, stop),
        cmocka_unit_test_setup_teardown(one_that_begins_after_the_mark, start, stop),
        cmocka_unit_test_setup_teardown(repairs, start, stop),
        cmocka_unit_test_setup_teardown(what_was_sent_before_it_was_there_is_no_latency, start, stop),
        cmocka_unit_test_setup_teardown(a_stamp_of_nobody, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
