#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/probe.h"

#define START_US 10000000u

static const struct probe_inputs more = {
    .estimate_bps = 1000000, .desired_bps = 10000000, .is_normal = true, .is_limited = true};

/* Sends the cluster that has begun, and has it arrive at that many percent of the pace. Returns its result.
 */
static uint32_t run(struct probe *probe, uint64_t *now_us, uint32_t pace_percent)
{
    uint8_t cluster = probe->cluster;
    uint32_t bytes = probe_packet_bytes(probe), result_bps = 0;
    uint64_t begun_us = *now_us;

    while (probe->cluster != 0) {
        while (probe_due_bytes(probe, *now_us) > 0) {
            struct send_history_packet packet = {.sent_us = *now_us, .bytes = bytes, .cluster = cluster};
            int64_t arrival_us = 77000000 + (int64_t)((*now_us - begun_us) * 100 / pace_percent);
            probe_sent(probe, bytes, *now_us);
            uint32_t so_far_bps = probe_received(probe, &packet, arrival_us, more.estimate_bps, *now_us);
            result_bps = so_far_bps != 0 ? so_far_bps : result_bps;
        }
        *now_us += 1000;
    }
    assert_int_equal(probe_due_bytes(probe, *now_us), 0);
    return result_bps;
}

static void test_only_when_there_is_a_use(void **state)
{
    (void)state;
    struct probe probe;
    struct probe_inputs inputs = more;

    probe_init(&probe);
    inputs.desired_bps = 0;
    assert_false(probe_begin(&probe, &inputs, START_US));
    inputs.desired_bps = 800000;
    assert_false(probe_begin(&probe, &inputs, START_US));
    inputs.desired_bps = 1500000;
    inputs.is_normal = false;
    assert_false(probe_begin(&probe, &inputs, START_US));
    inputs.is_normal = true;
    assert_false(probe_begin(&probe, &inputs, START_US + 100000)); /* too soon after */
    assert_true(probe_begin(&probe, &inputs, START_US + 1000000));
    assert_int_equal(probe.target_bps, 1950000);                    /* and no more than of use */
    assert_false(probe_begin(&probe, &inputs, START_US + 1000000)); /* one at a time */
}

static void test_success_leads_further(void **state)
{
    (void)state;
    struct probe probe;
    uint64_t now_us = START_US;

    probe_init(&probe);
    assert_true(probe_begin(&probe, &more, now_us));
    assert_int_equal(probe.target_bps, 3000000);
    uint32_t result_bps = run(&probe, &now_us, 100);
    assert_in_range(result_bps, 2600000, 3400000);
    assert_int_equal(probe.successes, 1);
    probe.initial = 0;
    struct probe_inputs inputs = more;
    inputs.estimate_bps = result_bps;
    assert_true(probe_begin(&probe, &inputs, now_us)); /* at once */
    assert_int_equal(probe.target_bps, 2 * result_bps);

    /* What was found and could not be used leads nowhere. */
    run(&probe, &now_us, 100);
    assert_false(probe_begin(&probe, &more, now_us));
}

static void test_full_path(void **state)
{
    (void)state;
    struct probe probe;
    uint64_t now_us = START_US;

    probe_init(&probe);
    assert_true(probe_begin(&probe, &more, now_us));
    uint32_t result_bps = run(&probe, &now_us, 50);
    assert_in_range(result_bps, 1250000, 1600000); /* half of it, less five percent */
    assert_true(probe.found_full);
    struct probe_inputs inputs = more;
    inputs.estimate_bps = result_bps;
    assert_false(probe_begin(&probe, &inputs, now_us));
}

static void test_longer_waits_after_nothing(void **state)
{
    (void)state;
    struct probe probe;
    uint64_t now_us = START_US, last_us = 0, wait_us = 0;

    probe_init(&probe);
    probe.initial = 0;
    for (int i = 0; i < 4; i++) {
        while (!probe_begin(&probe, &more, now_us))
            now_us += 10000;
        assert_true(i < 2 || i > 3 || now_us - last_us > wait_us || wait_us >= 5000000);
        wait_us = last_us != 0 ? now_us - last_us : 0;
        last_us = now_us;
        while (probe.cluster != 0) { /* nothing of it arrives */
            probe_sent(&probe, probe_packet_bytes(&probe), now_us);
            now_us += 1000;
        }
    }
    assert_in_range(wait_us, 3000000, 6000000);
}

static void test_not_credible(void **state)
{
    (void)state;
    struct probe probe;
    uint64_t now_us = START_US;

    probe_init(&probe);
    assert_true(probe_begin(&probe, &more, now_us));
    assert_int_equal(run(&probe, &now_us, 1000), 0); /* ten times as fast as it was sent */
    struct send_history_packet packet = {.sent_us = now_us, .bytes = 1000, .cluster = 5};
    assert_int_equal(probe_received(&probe, &packet, 1, 1, now_us), 0); /* never begun */
    packet.cluster = 0;
    assert_int_equal(probe_received(&probe, &packet, 1, 1, now_us), 0);
}

static void test_recovery_after_a_drop(void **state)
{
    (void)state;
    struct probe probe;
    struct probe_inputs inputs = more;

    probe_init(&probe);
    probe.initial = 0;
    inputs.is_limited = false;
    inputs.estimate_bps = 400000;
    probe.overused_us = START_US;
    probe_dropped(&probe, 3000000, 2500000, START_US); /* that is no drop */
    assert_false(probe_begin(&probe, &inputs, START_US + 1500000));
    probe_dropped(&probe, 3000000, 400000, START_US);
    assert_false(probe_begin(&probe, &inputs, START_US + 900000));
    assert_true(probe_begin(&probe, &inputs, START_US + 1500000));
    assert_int_equal(probe.target_bps, 2550000);
}

static void test_cluster_that_cannot_be_sent(void **state)
{
    (void)state;
    struct probe probe;

    probe_init(&probe);
    assert_true(probe_begin(&probe, &more, START_US));
    probe_abandon(&probe, START_US + 1000);
    assert_int_equal(probe_due_bytes(&probe, START_US + 20000), 0);
    assert_true(probe_begin(&probe, &more, START_US + 1000000));
    probe_sent(&probe, 10, START_US + 1300000); /* the worker stood still */
    assert_int_equal(probe.cluster, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_when_there_is_a_use),
        cmocka_unit_test(test_success_leads_further),
        cmocka_unit_test(test_full_path),
        cmocka_unit_test(test_longer_waits_after_nothing),
        cmocka_unit_test(test_not_credible),
        cmocka_unit_test(test_recovery_after_a_drop),
        cmocka_unit_test(test_cluster_that_cannot_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
