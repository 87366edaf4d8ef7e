/* Schedule: entries run in the order of their times, once, and can be moved and taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/schedule.h"

#define ENTRIES 1000

static struct schedule schedule;
static struct schedule_entry entries[ENTRIES];
static uint64_t ran[4 * ENTRIES]; /* due times, in the order they ran */
static size_t ran_count;

static void note(void *context, uint64_t now_ns)
{
    struct schedule_entry *entry = context;

    assert_true(entry->due_ns <= now_ns);
    assert_false(schedule_has(entry));
    ran[ran_count++] = entry->due_ns;
}

static int start(void **state)
{
    (void)state;
    ran_count = 0;
    for (size_t i = 0; i < ENTRIES; i++)
        entries[i] = (struct schedule_entry){.run = note, .context = &entries[i]};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    schedule_deinit(&schedule);
    return 0;
}

static uint64_t scatter(size_t i)
{
    return (i * 2654435761u) % 100003;
}

static void assert_ascending(void)
{
    for (size_t i = 1; i < ran_count; i++)
        assert_true(ran[i - 1] <= ran[i]);
}

static void empty(void **state)
{
    (void)state;
    assert_true(schedule_next_ns(&schedule) == SCHEDULE_NEVER);
    assert_int_equal(schedule_run(&schedule, 1000), 0);
}

static void runs_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++)
        schedule_add(&schedule, &entries[i], scatter(i));
    schedule_run(&schedule, 50000);
    size_t half = ran_count;
    assert_true(half > 0 && half < ENTRIES);
    assert_true(schedule_next_ns(&schedule) > 50000);
    schedule_run(&schedule, 100003);
    assert_int_equal(ran_count, ENTRIES);
    assert_ascending();
}

static void says_how_late_it_is(void **state)
{
    (void)state;
    schedule_add(&schedule, &entries[0], 100);
    schedule_add(&schedule, &entries[1], 150);
    assert_int_equal(schedule_run(&schedule, 160), 60);
    assert_int_equal(schedule_run(&schedule, 170), 0);
}

static void moves(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++)
        schedule_add(&schedule, &entries[i], scatter(i));
    for (size_t i = 0; i < ENTRIES; i += 2)
        schedule_add(&schedule, &entries[i], scatter(i + 7));
    schedule_run(&schedule, 200000);
    assert_int_equal(ran_count, ENTRIES);
    assert_ascending();
}

static void taken_back_does_not_run(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENTRIES; i++)
        schedule_add(&schedule, &entries[i], scatter(i));
    for (size_t i = 0; i < ENTRIES; i += 3) {
        schedule_remove(&schedule, &entries[i]);
        schedule_remove(&schedule, &entries[i]); /* no matter */
        assert_false(schedule_has(&entries[i]));
    }
    schedule_run(&schedule, 200000);
    assert_int_equal(ran_count, ENTRIES - (ENTRIES + 2) / 3);
    assert_ascending();
}

static void again(void *context, uint64_t now_ns)
{
    struct schedule_entry *entry = context;
    (void)now_ns;
    ran[ran_count++] = entry->due_ns;
    schedule_add(&schedule, entry, entry->due_ns + 10);
}

static void one_that_adds_itself_makes_up(void **state)
{
    (void)state;
    entries[0].run = again;
    schedule_add(&schedule, &entries[0], 10);
    schedule_run(&schedule, 55);
    assert_int_equal(ran_count, 5); /* 10, 20, 30, 40, 50 */
    assert_int_equal(schedule_next_ns(&schedule), 60);
}

static void removes_another(void *context, uint64_t now_ns)
{
    (void)now_ns;
    schedule_remove(&schedule, context);
    ran_count++;
}

static void one_may_take_another_back(void **state)
{
    (void)state;
    entries[0].run = removes_another;
    entries[0].context = &entries[1];
    schedule_add(&schedule, &entries[0], 10);
    schedule_add(&schedule, &entries[1], 10);
    schedule_add(&schedule, &entries[2], 5);
    schedule_run(&schedule, 20);
    assert_true(schedule_next_ns(&schedule) == SCHEDULE_NEVER);
    assert_false(schedule_has(&entries[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty, start, stop),
        cmocka_unit_test_setup_teardown(runs_in_order, start, stop),
        cmocka_unit_test_setup_teardown(says_how_late_it_is, start, stop),
        cmocka_unit_test_setup_teardown(moves, start, stop),
        cmocka_unit_test_setup_teardown(taken_back_does_not_run, start, stop),
        cmocka_unit_test_setup_teardown(one_that_adds_itself_makes_up, start, stop),
        cmocka_unit_test_setup_teardown(one_may_take_another_back, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
