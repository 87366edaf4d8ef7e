/* Groups, trend, overuse and the rate that follows, each by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/acked_bitrate.h"
#include "dataplane/aimd.h"
#include "dataplane/application_limit.h"
#include "dataplane/arrival_groups.h"
#include "dataplane/loss_estimate.h"
#include "dataplane/overuse.h"
#include "dataplane/queue_delay.h"
#include "dataplane/trendline.h"

static void test_groups(void **state)
{
    (void)state;
    struct arrival_groups groups = {0};
    struct arrival_delta delta;

    /* Two packets within 5 ms, a group 20 ms later that arrives 23 ms later, and what ends it. */
    assert_false(arrival_groups_packet(&groups, 1000, 51000, 0, &delta));
    assert_false(arrival_groups_packet(&groups, 5000, 56000, 0, &delta));
    assert_false(arrival_groups_packet(&groups, 25000, 79000, 0, &delta));
    assert_false(arrival_groups_packet(&groups, 24000, 80000, 0, &delta)); /* overtaken */
    assert_true(arrival_groups_packet(&groups, 45000, 99000, 0, &delta));
    assert_true(delta.send_ms == 20.0);
    assert_true(delta.arrival_ms == 23.0);
}

static void test_burst_is_one_group(void **state)
{
    (void)state;
    struct arrival_groups groups = {0};
    struct arrival_delta delta;

    arrival_groups_packet(&groups, 0, 100000, 0, &delta);
    /* Sent 10 ms apart, let go 1 ms apart. */
    for (int i = 1; i < 5; i++)
        assert_false(arrival_groups_packet(&groups, 10000 * i, 100000 + 1000 * i, 0, &delta));
    assert_false(arrival_groups_packet(&groups, 60000, 140000, 0, &delta));
    assert_true(arrival_groups_packet(&groups, 90000, 170000, 0, &delta));
    assert_true(delta.send_ms == 20.0);
    assert_true(delta.arrival_ms == 36.0);
}

static void test_clock_that_jumps(void **state)
{
    (void)state;
    struct arrival_groups groups = {0};
    struct arrival_delta delta;

    for (int i = 0; i < 3; i++)
        arrival_groups_packet(&groups, 20000 * i, 20000 * i, (uint64_t)20000 * i, &delta);
    arrival_groups_packet(&groups, 60000, 60000 + 5000000, 60000, &delta);
    assert_false(arrival_groups_packet(&groups, 80000, 80000 + 5000000, 80000, &delta));
    /* And goes on from there. */
    assert_false(arrival_groups_packet(&groups, 100000, 100000 + 5000000, 100000, &delta));
    assert_true(arrival_groups_packet(&groups, 120000, 120000 + 5000000, 120000, &delta));
    assert_true(delta.arrival_ms == 20.0);
}

/* Groups every 20 ms whose delay grows by that much each. Returns the state after that many. */
static enum overuse_state run(double growth_ms, int groups, double *ret_slope)
{
    struct trendline trendline = {0};
    struct overuse overuse;
    enum overuse_state state = OVERUSE_NORMAL;

    overuse_init(&overuse);
    for (int i = 1; i <= groups; i++) {
        trendline_update(&trendline, 20 + growth_ms, 20, i * (20 + growth_ms));
        state = overuse_update(&overuse, trendline_offset_ms(&trendline), trendline.slope, 20,
                               1000000 + (uint64_t)i * 20000);
    }
    *ret_slope = trendline.slope;
    return state;
}

static void test_trend(void **state)
{
    (void)state;
    double slope;

    assert_int_equal(run(0, 100, &slope), OVERUSE_NORMAL);
    assert_true(slope == 0);
    assert_int_equal(run(5, 19, &slope), OVERUSE_NORMAL); /* not enough known */
    assert_int_equal(run(5, 40, &slope), OVERUSE_OVERUSING);
    assert_true(slope > 0.1 && slope < 0.25);
    assert_int_equal(run(-5, 40, &slope), OVERUSE_UNDERUSING);
    assert_int_equal(run(0.05, 100, &slope), OVERUSE_NORMAL); /* a clock that runs slow */
}

static void test_threshold_adapts(void **state)
{
    (void)state;
    struct overuse overuse;

    overuse_init(&overuse);
    for (uint64_t i = 1; i < 1000; i++)
        overuse_update(&overuse, 0, 0, 20, i * 20000);
    assert_true(overuse.threshold_ms < 6.5);
    /* Competing flows that fill queues raise it, a sudden jump does not. */
    overuse_update(&overuse, 400, 1, 20, 20100000);
    assert_true(overuse.threshold_ms < 6.5);
    for (uint64_t i = 1; i < 2000; i++)
        overuse_update(&overuse, overuse.threshold_ms + 10, 1, 20, 20100000 + i * 20000);
    assert_true(overuse.threshold_ms > 100);
}

static void test_aimd(void **state)
{
    (void)state;
    struct aimd aimd;
    uint64_t now_us = 1000000;

    aimd_init(&aimd, 500000);
    for (int i = 0; i < 10; i++)
        aimd_update(&aimd, OVERUSE_NORMAL, 500000, now_us += 100000);
    assert_in_range((uint32_t)aimd.rate_bps, 530000, 545000); /* 8 % a second */
    for (int i = 0; i < 1000; i++)
        aimd_update(&aimd, OVERUSE_NORMAL, 500000, now_us += 100000);
    assert_int_equal((uint32_t)aimd.rate_bps, 760000); /* no more than is known */

    assert_true(aimd_update(&aimd, OVERUSE_OVERUSING, 600000, now_us += 100000));
    assert_int_equal((uint32_t)aimd.rate_bps, 510000);
    assert_false(aimd_update(&aimd, OVERUSE_OVERUSING, 400000, now_us += 100000)); /* too soon */
    assert_int_equal((uint32_t)aimd.rate_bps, 510000);
    for (int i = 0; i < 10; i++)
        aimd_update(&aimd, OVERUSE_UNDERUSING, 600000, now_us += 100000);
    assert_int_equal((uint32_t)aimd.rate_bps, 510000);
    aimd_update(&aimd, OVERUSE_NORMAL, 600000, now_us += 100000);
    for (int i = 0; i < 10; i++)
        aimd_update(&aimd, OVERUSE_NORMAL, 600000, now_us += 100000);
    assert_in_range((uint32_t)aimd.rate_bps, 525000, 545000); /* a packet in a response time */
    /* Far above what it was, the old capacity means nothing. */
    for (int i = 0; i < 10; i++)
        aimd_update(&aimd, OVERUSE_NORMAL, 900000, now_us += 100000);
    assert_true(aimd.capacity_kbps == 0);
}

static void test_acked(void **state)
{
    (void)state;
    struct acked_bitrate acked = {0};
    int64_t arrival_us = 77000000;

    for (int i = 0; i < 49; i++, arrival_us += 10000)
        acked_bitrate_packet(&acked, arrival_us, 1000, false);
    assert_int_equal(acked_bitrate_bps(&acked), 0);
    for (int i = 0; i < 100; i++, arrival_us += 10000)
        acked_bitrate_packet(&acked, arrival_us, 1000, false);
    assert_in_range(acked_bitrate_bps(&acked), 780000, 820000);
    for (int i = 0; i < 200; i++, arrival_us += 10000)
        acked_bitrate_packet(&acked, arrival_us, 250, false);
    assert_in_range(acked_bitrate_bps(&acked), 190000, 300000);
    /* A clock that was put back by an hour. */
    arrival_us -= 3600000000;
    for (int i = 0; i < 200; i++, arrival_us += 10000)
        acked_bitrate_packet(&acked, arrival_us, 250, false);
    assert_in_range(acked_bitrate_bps(&acked), 190000, 230000);
}

static void test_application_limit(void **state)
{
    (void)state;
    struct application_limit limit = {0};
    uint64_t now_us = 1000000;
    int changes = 0;

    for (int i = 0; i < 20; i++)
        changes += application_limit_update(&limit, 1000000 / 8 / 20 / 2, 1000000, now_us += 50000);
    for (int i = 0; i < 60; i++)
        changes += application_limit_update(&limit, 1000000 / 8 / 20 / 2, 1000000, now_us += 50000);
    assert_true(limit.is_limited);
    assert_int_equal(changes, 1);
    for (int i = 0; i < 20; i++)
        changes += application_limit_update(&limit, 1000000 / 8 / 20, 1000000, now_us += 50000);
    assert_false(limit.is_limited);
    assert_int_equal(changes, 2);
}

static void test_queue(void **state)
{
    (void)state;
    struct queue_delay delay = {0};
    uint64_t now_us = 1000000;

    assert_int_equal(queue_delay_end(&delay, now_us), 0);
    queue_delay_packet(&delay, 1000, 900001000);
    assert_int_equal(queue_delay_end(&delay, now_us), 0);
    queue_delay_packet(&delay, 2000, 900302000);
    queue_delay_packet(&delay, 3000, 900103000); /* jitter is no queue */
    assert_int_equal(queue_delay_end(&delay, now_us += 100000), 0); /* nor is a moment */
    queue_delay_packet(&delay, 2000, 900202000);
    assert_int_equal(queue_delay_end(&delay, now_us += 100000), 100000);
    /* After half a minute it is the path's. */
    for (int i = 0; i < 310; i++) {
        queue_delay_packet(&delay, 2000, 900102000);
        queue_delay_end(&delay, now_us += 100000);
    }
    assert_int_equal(delay.queue_us, 0);
    queue_delay_packet(&delay, 2000, 900002000 + 1000000000000);
    assert_int_equal(queue_delay_end(&delay, now_us += 100000), 0);
}

static void test_loss(void **state)
{
    (void)state;
    struct loss_estimate loss;
    struct loss_path path = {.rate_bps = 1000000, .acked_bps = 800000, .rtt_us = 50000};
    uint64_t now_us = 1000000;

    loss_estimate_init(&loss);
    loss_estimate_update(&loss, 0, 0, 0, &path, now_us);
    assert_false(loss_estimate_update(&loss, 100, 5, 0, &path, now_us += 300000));
    assert_int_equal(loss_estimate_bound_bps(&loss), LOSS_ESTIMATE_UNBOUNDED);
    assert_true(loss_estimate_update(&loss, 100, 20, 0, &path, now_us += 300000));
    assert_int_equal(loss_estimate_bound_bps(&loss), 900000);
    /* Late packets were not lost. */
    assert_false(loss_estimate_update(&loss, 100, 20, 19, &path, now_us += 400000));
    assert_in_range(loss_estimate_bound_bps(&loss), 880000, 950000);

    /* The queue loses them: cut again, and never taken for the path's own. */
    path.queue_us = 200000;
    path.rate_bps = path.acked_bps = 500000;
    for (int i = 0; i < 5; i++)
        loss_estimate_update(&loss, 100, 20, 0, &path, now_us += 400000);
    assert_true(loss.own_ratio == 0);
    assert_true(loss_estimate_bound_bps(&loss) <= 475000);

    /* No queue, and no less loss after a cut: it is. */
    path.queue_us = 0;
    for (int i = 0; i < 20; i++)
        loss_estimate_update(&loss, 100, 20, 0, &path, now_us += 400000);
    assert_true(loss.own_ratio > 0.15);
    path.rate_bps = 300000; /* delay allows no more: the bound binds nothing any more */
    for (int i = 0; i < 20; i++)
        loss_estimate_update(&loss, 100, 20, 0, &path, now_us += 1000000);
    assert_int_equal(loss_estimate_bound_bps(&loss), LOSS_ESTIMATE_UNBOUNDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_burst_is_one_group),
        cmocka_unit_test(test_clock_that_jumps),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_threshold_adapts),
        cmocka_unit_test(test_aimd),
        cmocka_unit_test(test_acked),
        cmocka_unit_test(test_application_limit),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
