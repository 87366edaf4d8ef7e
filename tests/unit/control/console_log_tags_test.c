/* Levels of single tags: more than the rest says, or less, at run time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/log.h"

static int reset(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    for (size_t i = 0; log_tag_name(i); i++)
        log_reset_tag_level(log_tag_name(i));
    return 0;
}

static void a_tag_says_more_than_the_rest(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_ERROR;
    assert_int_equal(log_get_tag_level("dtls", &level), -ENODATA);
    assert_int_equal(log_set_tag_level("dtls", LOG_LEVEL_DEBUG), 0);
    assert_int_equal(log_get_tag_level("dtls", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_true(log_enabled("dtls", LOG_LEVEL_DEBUG));
    assert_false(log_enabled("room", LOG_LEVEL_DEBUG));
    log_set_level(LOG_LEVEL_ERROR);
    assert_true(log_enabled("dtls", LOG_LEVEL_DEBUG));
    assert_false(log_enabled("room", LOG_LEVEL_WARN));
}

static void a_tag_that_is_off_says_errors_only(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_DEBUG);
    assert_int_equal(log_set_tag_level("room", LOG_LEVEL_ERROR), 0);
    assert_true(log_enabled("room", LOG_LEVEL_ERROR));
    assert_false(log_enabled("room", LOG_LEVEL_WARN));
    assert_true(log_enabled("dtls", LOG_LEVEL_DEBUG));
    assert_int_equal(log_reset_tag_level("room"), 0);
    assert_int_equal(log_reset_tag_level("room"), 0); /* twice is once */
    assert_true(log_enabled("room", LOG_LEVEL_DEBUG));
}

static void an_unknown_tag_follows_the_rest(void **state)
{
    (void)state;
    assert_int_equal(log_set_tag_level("cellar", LOG_LEVEL_DEBUG), -ENOENT);
    assert_int_equal(log_reset_tag_level("cellar"), -ENOENT);
    assert_int_equal(log_set_tag_level("room", LOG_LEVEL_DEBUG), 0);
    assert_true(log_enabled("cellar", LOG_LEVEL_INFO));
    assert_false(log_enabled("cellar", LOG_LEVEL_DEBUG));
}

static void every_tag_in_the_code_is_known(void **state)
{
    (void)state;
    char tag[64];
    unsigned found = 0;
    enum log_level level;
    /* Tests run in the folder of tests. */
    FILE *tags =
        popen("grep -rhoE --include='*.c' '(log_(error|warn|info|debug)\\(|log_every_s\\([^\"]*)\"[a-z]+\"'"
              " ../control | grep -oE '[a-z]+\"$' | tr -d '\"' | sort -u",
              "r");
    assert_non_null(tags);
    for (; fscanf(tags, "%63s", tag) == 1; found++)
        if (log_get_tag_level(tag, &level) == -ENOENT)
            fail_msg("\"%s\" is not in LOG_TAGS", tag);
    pclose(tags);
    assert_true(found >= 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, reset, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tag_says_more_than_the_rest),
        TEST(a_tag_that_is_off_says_errors_only),
        TEST(an_unknown_tag_follows_the_rest),
        TEST(every_tag_in_the_code_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
