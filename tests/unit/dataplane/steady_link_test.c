/* Cameras in layers on links that hold less than all of it (layers_sim.h), in simulated minutes: the link is
 * used, its queue stays short, and pictures go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dataplane/layers_sim.h"

#define BEGIN_MS 15000u
#define WINDOW_MS 20000u
#define WINDOWS 6u

struct expectation {
    unsigned cameras;
    uint32_t rate_bps;
    double used;
    uint32_t longest_gap_us;
};

/* used: what the levels that fit add up to, less a little. 800 kbit/s hold two low layers and half of the
 * frames of a low one more beside audio. */
static const struct expectation expectations[] = {
    {1, 200000, 0.72, 220000}, {1, 400000, 0.75, 200000}, {1, 600000, 0.75, 200000},
    {2, 400000, 0.78, 220000}, {2, 600000, 0.75, 200000}, {2, 800000, 0.72, 150000},
    {3, 600000, 0.80, 220000}, {3, 800000, 0.80, 200000}, {2, 1200000, 0.75, 200000},
};

/* In two minutes. */
static void run(const struct expectation *expected, uint32_t stalls_per_s, double swing,
                uint32_t *ret_longest_queue_us, double *ret_used)
{
    struct sim *sim = layers_sim_create(expected->cameras, expected->rate_bps);
    uint64_t arrived_bytes = 0;

    sim->stalls_per_s = stalls_per_s;
    layers_sim.swing = swing;
    sim_run(sim, BEGIN_MS);
    layers_sim_forget();
    *ret_longest_queue_us = 0;
    for (unsigned window = 0; window < WINDOWS; window++) {
        sim_run(sim, WINDOW_MS);
        uint32_t queue_us = sim_delay_p95_us(sim);
        *ret_longest_queue_us = queue_us > *ret_longest_queue_us ? queue_us : *ret_longest_queue_us;
        arrived_bytes += sim->arrived_bytes;
        sim_forget(sim);
    }
    *ret_used = (double)arrived_bytes * 8000 / (WINDOWS * WINDOW_MS) / expected->rate_bps;
    sim_destroy(sim);
}

static void test_link_is_used_without_a_queue(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        uint32_t queue_us;
        double used;

        run(&expectations[i], 0, 0.05, &queue_us, &used);
        assert_in_range(queue_us, 0, 100000);
        assert_true(used >= expectations[i].used);
        assert_in_range(layers_sim_longest_gap_us(), 0, expectations[i].longest_gap_us);
        assert_in_range(layers_sim_changes(), 0, 10);
    }
}

/* A receiver that stands still now and then makes the path look full, or wide. */
static void test_receiver_that_stalls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        uint32_t queue_us;
        double used;

        run(&expectations[i], 5, 0, &queue_us, &used);
        assert_in_range(queue_us, 0, 150000);
        assert_true(used >= expectations[i].used - 0.05);
        assert_in_range(layers_sim_changes(), 0, 8);
    }
}

static bool is_whole(void)
{
    for (unsigned i = 0; i < layers_sim.count; i++)
        if (layers_sim.cameras[i].spatial != 1 || layers_sim.cameras[i].temporal != 2)
            return false;
    return true;
}

static uint32_t ms_until_whole(struct sim *sim, uint32_t limit_ms)
{
    uint32_t ms = 0;

    for (; !is_whole() && ms < limit_ms; ms++)
        sim_run(sim, 1);
    return ms;
}

/* The link is cut and comes back: the lower layer soon, the upper one again. */
static void test_cut_and_back(void **state)
{
    (void)state;
    struct sim *sim = layers_sim_create(1, 3000000);
    uint32_t ms;

    assert_true(ms_until_whole(sim, 10000) < 10000);
    sim_run(sim, 5000);
    sim->rate_bps = 400000;
    for (ms = 0; layers_sim.cameras[0].spatial != 0 && ms < 5000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 1000);
    sim_run(sim, 3000);
    layers_sim_forget();
    sim_run(sim, WINDOW_MS);
    assert_in_range(sim_delay_p95_us(sim), 0, 100000);
    assert_in_range(layers_sim_longest_gap_us(), 0, 200000);
    sim->rate_bps = 3000000;
    assert_in_range(ms_until_whole(sim, 30000), 0, 12000);
    sim_destroy(sim);
}

/* A path that became longer is no queue: whatever that cost is back within seconds, and probes go on. */
static void test_longer_path_under_layers(void **state)
{
    (void)state;
    for (unsigned cameras = 1; cameras <= 2; cameras++)
        for (uint32_t more_us = 30000; more_us <= 150000; more_us += 20000) {
            struct sim *sim = layers_sim_create(cameras, 20000000);

            sim_run(sim, 6000);
            assert_true(is_whole());
            sim->delay_us += more_us; /* there and back */
            sim_run(sim, 5000);
            assert_in_range(ms_until_whole(sim, 30000), 0, 1000);
            assert_false(estimator_has_queue(&sim->estimator));
            sim_run(sim, 10000);
            assert_true(is_whole());
            sim_destroy(sim);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_is_used_without_a_queue),
        cmocka_unit_test(test_receiver_that_stalls),
        cmocka_unit_test(test_cut_and_back),
        cmocka_unit_test(test_longer_path_under_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
