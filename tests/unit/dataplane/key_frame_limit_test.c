/* One receiver cannot keep a sender at key frames; many may ask at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/key_frame_limit.h"

#define START_US 50000000u

static void the_first_counts_at_once(void **state)
{
    struct key_frame_limit limit = {0};
    struct key_frame_asker last = {0};

    (void)state;
    assert_true(key_frame_limit_ask(&limit, &last, 7, START_US));
    assert_false(key_frame_limit_ask(&limit, &last, 7, START_US + KEY_FRAME_LIMIT_MIN_US - 1));
    assert_true(key_frame_limit_ask(&limit, &last, 7, START_US + KEY_FRAME_LIMIT_MIN_US));
}

static void one_that_asks_all_the_time_waits_longer(void **state)
{
    struct key_frame_limit limit = {0};
    struct key_frame_asker last = {0};
    unsigned granted = 0;

    (void)state;
    for (uint64_t now_us = START_US; now_us < START_US + 60000000; now_us += 100000)
        granted += key_frame_limit_ask(&limit, &last, 7, now_us);
    assert_in_range(granted, 14, 18); /* about every four seconds */
}

static void one_that_was_content_begins_anew(void **state)
{
    struct key_frame_limit limit = {0};
    struct key_frame_asker last = {0};
    uint64_t now_us = START_US;

    (void)state;
    for (unsigned i = 0; i < 100; i++, now_us += 100000)
        key_frame_limit_ask(&limit, &last, 7, now_us);
    now_us += KEY_FRAME_LIMIT_CALM_US + KEY_FRAME_LIMIT_MAX_US;
    assert_true(key_frame_limit_ask(&limit, &last, 7, now_us));
    assert_true(key_frame_limit_ask(&limit, &last, 7, now_us + KEY_FRAME_LIMIT_MIN_US));
}

/* When others ask as well, it is the stream that is broken. */
static void several_are_not_held_back(void **state)
{
    struct key_frame_limit limits[2] = {{0}};
    struct key_frame_asker last = {0};
    unsigned granted = 0;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        granted += key_frame_limit_ask(&limits[i % 2], &last, 7 + i % 2, START_US + i * 100000);
    assert_true(granted > 95);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_counts_at_once),
        cmocka_unit_test(one_that_asks_all_the_time_waits_longer),
        cmocka_unit_test(one_that_was_content_begins_anew),
        cmocka_unit_test(several_are_not_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
