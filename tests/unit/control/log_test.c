#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/log.h"

static int ends[2];

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_INFO);
    if (pipe(ends))
        return -1;
    log_set_descriptor(ends[1]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_set_descriptor(STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* Everything written so far; the part of the first line behind its time is returned. */
static const char *written(void)
{
    static char text[65536];

    close(ends[1]);
    size_t have = 0;
    for (ssize_t got; (got = read(ends[0], text + have, sizeof(text) - 1 - have)) > 0;)
        have += (size_t)got;
    text[have] = '\0';
    ends[1] = -1;
    return have > 25 ? text + 25 : text;
}

static void a_line_has_time_level_and_tag(void **state)
{
    (void)state;
    errno = ENOENT;
    log_warn("room", "%s has %d", "x", 3);
    assert_int_equal(errno, ENOENT);
    const char *line = written();
    assert_string_equal(line, "WARN room: x has 3\n");
    assert_int_equal(line[-2], 'Z');
    assert_int_equal(line[-15], 'T');
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    log_info("t", "%s", "a\nERROR forged: \x1b[2J\r\x7f b\xc3\xbc \xff\xc2\x9b end");
    assert_string_equal(written(),
                        "INFO t: a\\nERROR forged: \\x1b[2J\\x0d\\x7f b\xc3\xbc \\xff\\xc2\\x9b end\n");
}

static void levels_below_the_threshold_are_silent(void **state)
{
    (void)state;
    enum log_level level;

    log_debug("t", "no");
    assert_int_equal(log_level_parse("Error", &level), 0);
    log_set_level(level);
    log_warn("t", "no");
    log_error("t", "yes");
    assert_int_equal(log_level_parse("verbose", &level), -EINVAL);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_string_equal(written(), "ERROR t: yes\n");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char text[5000];

    memset(text, '\n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("t", "%s", text);
    const char *line = written();
    assert_true(strlen(line) + 25 <= LOG_LINE_MAX);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void repeated(int number)
{
    log_every_s(3600, log_info, "t", "number %d", number);
}

static void repetitions_are_limited(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    unsigned suppressed = 99;

    for (int i = 0; i < 1000; i++)
        repeated(i);
    assert_string_equal(written(), "INFO t: number 0\n");

    assert_true(log_limit_pass(&limit, 3600, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(log_limit_pass(&limit, 3600, &suppressed));
    assert_false(log_limit_pass(&limit, 3600, &suppressed));
    limit.next_us = 0;
    assert_true(log_limit_pass(&limit, 3600, &suppressed));
    assert_int_equal(suppressed, 2);
}

static void *write_lines(void *argument)
{
    for (int i = 0; i < 200; i++)
        log_info("t", "%s", (const char *)argument);
    return NULL;
}

static void threads_do_not_mix_their_lines(void **state)
{
    (void)state;
    pthread_t first, second;
    unsigned lines = 0;

    assert_int_equal(pthread_create(&first, NULL, write_lines, (void *)"aaaaaaaaaaaaaaaa"), 0);
    assert_int_equal(pthread_create(&second, NULL, write_lines, (void *)"bbbbbbbbbbbbbbbb"), 0);
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    char *text = (char *)written() - 25;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(!strcmp(line + 25, "INFO t: aaaaaaaaaaaaaaaa") ||
                    !strcmp(line + 25, "INFO t: bbbbbbbbbbbbbbbb"));
    assert_int_equal(lines, 400);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_level_and_tag),
        TEST(control_characters_are_escaped),
        TEST(levels_below_the_threshold_are_silent),
        TEST(long_lines_are_cut),
        TEST(repetitions_are_limited),
        TEST(threads_do_not_mix_their_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
