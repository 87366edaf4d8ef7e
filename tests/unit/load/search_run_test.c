/* A step of a search is judged by what the server lost; what the generator lost itself is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/kolabmeet-load/search_run.h"

static char text[4096];

/* The load after a first step of 110 packets/s that went like this. */
static double next_after(uint64_t lost, uint64_t own_lost)
{
    const struct options options = {.search = SEARCH_RATE,
                                    .search_loss = 0.001,
                                    .search_latency_ns = 50000000,
                                    .video = {110, 1100},
                                    .backend = srtp_backend_find("libsrtp2")};
    const struct result result = {.seconds = 1, .expected = 10000, .lost = lost, .own_lost = own_lost};
    struct scenario_load load = {0};
    struct search_run run;

    memset(text, 0, sizeof text);
    FILE *file = fmemopen(text, sizeof text, "w");
    search_run_init(&run, &options, file);
    assert_true(search_run_next(&run, &result, &load));
    fclose(file);
    search_run_deinit(&run);
    return load.video_rate;
}

static void by_what_the_server_lost(void **state)
{
    (void)state;
    assert_true(next_after(10, 0) == 220);
    assert_non_null(strstr(text, ": good\n"));
    assert_true(next_after(11, 0) == 110); /* once more */
    assert_non_null(strstr(text, ": bad\n"));
}

static void own_losses_are_said(void **state)
{
    (void)state;
    assert_true(next_after(5, 5000) == 220);
    assert_non_null(strstr(text, "5000 lost in own receive buffers: good (the generator may be the limit)"));
    assert_true(next_after(6, 5000) == 110);  /* more than a thousandth of the others */
    assert_true(next_after(0, 10000) == 110); /* nothing is known of the server */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_what_the_server_lost),
        cmocka_unit_test(own_losses_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
