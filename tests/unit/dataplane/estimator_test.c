/* The whole estimator on simulated paths (path_sim.h), and against receivers that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/wire/bytes.h"
#include "tests/unit/dataplane/path_sim.h"

static double utilisation(const struct sim *sim, uint32_t ms)
{
    return (double)sim->arrived_bytes * 8000 / ms / sim->rate_bps;
}

static void test_steady_link_is_filled(void **state)
{
    (void)state;
    static const uint32_t rates[] = {200000, 400000, 800000, 2000000};

    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct sim *sim = sim_create(1000000, rates[i]);
        sim->application_bps = sim->estimator.desired_bps = 3000000;
        sim_run(sim, 5000);
        sim_forget(sim);
        sim_run(sim, 40000);
        assert_true(utilisation(sim, 40000) >= 0.8);
        assert_true(sim_delay_p95_us(sim) < 150000);
        sim_destroy(sim);
    }
}

static void test_sudden_drop_and_recovery(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);
    uint32_t ms = 0;

    sim->application_bps = sim->estimator.desired_bps = 2500000;
    sim_run(sim, 15000);
    assert_in_range(sim->estimator.estimate_bps, 2200000, 4200000);
    sim->rate_bps = 400000;
    sim_forget(sim);
    for (; sim->estimator.estimate_bps > sim->rate_bps; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 1200);
    sim_run(sim, 2000);
    sim_forget(sim);
    sim_run(sim, 10000);
    assert_true(utilisation(sim, 10000) >= 0.75);

    sim->rate_bps = 3000000;
    for (ms = 0; sim->estimator.estimate_bps < 2500000 && ms < 30000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 10000);
    sim_destroy(sim);
}

/* A forwarder sends layers: low ones fill nothing, so only probes find out. */
static void test_probes_find_what_layers_do_not_fill(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);
    uint32_t ms;

    sim->application_bps = 150000;
    sim->ignores_estimate = true;
    sim->estimator.desired_bps = 1700000;
    for (ms = 0; sim->estimator.estimate_bps < 1700000 && ms < 30000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 2000);

    sim->rate_bps = 300000;
    sim->application_bps = 500000;
    sim_run(sim, 2000);
    sim->application_bps = 200000; /* a layer that fits */
    sim_run(sim, 20000);
    assert_in_range(sim->estimator.estimate_bps, 150000, 360000);
    sim->application_bps = 150000;
    sim->rate_bps = 3000000;
    for (ms = 0; sim->estimator.estimate_bps < 1700000 && ms < 30000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 10000);

    /* Enough is enough. */
    sim_run(sim, 2000);
    sim_forget(sim);
    sim_run(sim, 20000);
    assert_int_equal(sim->probed_bytes, 0);
    sim_destroy(sim);
}

static void test_random_loss_does_not_take_the_rate(void **state)
{
    (void)state;
    static const double losses[] = {0.01, 0.05, 0.1, 0.2};

    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct sim *sim = sim_create(1000000, 3000000);
        sim->application_bps = sim->estimator.desired_bps = 2500000;
        sim->loss = losses[i];
        sim_run(sim, 15000);
        sim_forget(sim);
        sim_run(sim, 40000);
        assert_true(sim->least_bps >= (losses[i] > 0.15 ? 1000000 : 2100000));
        sim_destroy(sim);
    }
}

/* Feedback that is lost, comes twice and late. */
static void test_bad_feedback_path(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 800000);

    sim->application_bps = sim->estimator.desired_bps = 3000000;
    sim->feedback_loss = 0.2;
    sim->repeats_feedback = true;
    sim_run(sim, 5000);
    sim_forget(sim);
    sim_run(sim, 30000);
    assert_true(utilisation(sim, 30000) >= 0.8);
    assert_true(sim_delay_p95_us(sim) < 150000);
    sim_destroy(sim);
}

static void test_silence(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 5000);
    uint32_t before_bps = sim->estimator.estimate_bps;
    sim->feedback_loss = 1.0;
    sim_run(sim, 1200);
    assert_true(sim->estimator.estimate_bps <= before_bps / 2);
    assert_int_equal(sim->estimator.reason, ESTIMATOR_SILENCE);
    sim_run(sim, 10000);
    assert_int_equal(sim->estimator.estimate_bps, ESTIMATOR_MIN_BPS);
    sim->feedback_loss = 0;
    sim_run(sim, 10000);
    assert_true(sim->estimator.estimate_bps > 1500000);
    sim_destroy(sim);
}

/* After silence half of what was known is enough to begin with, whatever was lost meanwhile. */
static void test_after_silence(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 5000);
    uint32_t before_bps = sim->estimator.estimate_bps;
    sim->feedback_loss = sim->loss = 1.0;
    sim_run(sim, 4000);
    assert_in_range(sim->estimator.estimate_bps, ESTIMATOR_MIN_BPS, before_bps / 16);
    sim->feedback_loss = sim->loss = 0;
    sim_run(sim, 300);
    assert_in_range(sim->estimator.estimate_bps, before_bps / 2 - 1, before_bps);
    assert_int_equal(sim->estimator.heard_bps, 0);
    assert_int_equal(sim->estimator.loss.ratio, 0);
    sim_destroy(sim);
}

static void test_another_path(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 5000);
    uint32_t before_bps = sim->estimator.estimate_bps;
    estimator_begin_anew(&sim->estimator);
    assert_int_equal(sim->estimator.estimate_bps, before_bps / 2);
    assert_int_equal(sim->estimator.desired_bps, 2000000);
    assert_int_equal(sim->estimator.limits.start_bps, 1000000);
    estimator_begin_anew(&sim->estimator);
    estimator_begin_anew(&sim->estimator);
    assert_int_equal(sim->estimator.estimate_bps, 1000000);
    sim_run(sim, 5000);
    assert_true(sim->estimator.estimate_bps > 1500000);
    sim_destroy(sim);
}

/* A receiver that never gives feedback changes nothing. */
static void test_mute_receiver(void **state)
{
    (void)state;
    struct sim *sim = sim_create(700000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim->feedback_loss = 1.0;
    sim_run(sim, 5000);
    assert_int_equal(sim->estimator.estimate_bps, 700000);
    sim_destroy(sim);
}

/* A route that becomes 200 ms longer is not a queue for ever. */
static void test_longer_path(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 10000);
    sim->delay_us += 200000;
    sim_run(sim, 15000);
    assert_true(sim->estimator.estimate_bps >= 2000000);
    sim_destroy(sim);
}

/* What stands still for a while and then goes on (a scheduler, a radio) has not become slower. */
static void test_path_that_holds_its_breath(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);

    sim->application_bps = sim->estimator.desired_bps = 450000;
    sim_run(sim, 10000);
    for (int i = 0; i < 10; i++) {
        sim_forget(sim);
        sim->link_free_us = sim->now_us + 350000;
        sim_run(sim, 1000);
        assert_true(sim->least_bps >= 450000);
        sim_run(sim, 1000);
    }
    sim_destroy(sim);
}

/* A key frame every two seconds makes a queue for a moment; what is sent on average fits. */
static void test_key_frames_on_a_small_link(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 400000);

    sim->application_bps = 230000;
    sim->ignores_estimate = true;
    sim->estimator.desired_bps = 700000;
    sim_run(sim, 5000);
    sim_forget(sim);
    for (int i = 0; i < 15; i++) {
        sim->key_frame_bytes = 8000;
        sim_run(sim, 2000);
    }
    assert_true(sim->least_bps >= 200000);
    sim_destroy(sim);
}

/* All video was suspended: there is no feedback but of probes. */
static void test_nothing_but_audio(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);
    uint32_t ms;

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 5000);
    sim->rate_bps = 60000;
    sim_run(sim, 3000);
    sim->application_bps = 0;
    sim->ignores_estimate = true;
    sim_run(sim, 20000);
    assert_true(sim->estimator.estimate_bps < 150000);
    sim->rate_bps = 3000000;
    for (ms = 0; sim->estimator.estimate_bps < 1000000 && ms < 30000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 12000);
    sim_destroy(sim);
}

static void feed(struct estimator *estimator, uint8_t *packet, size_t length, uint64_t now_us)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet part;
    struct twcc_feedback feedback;

    if (rtcp_begin(&iterator, packet, length) == 0 && rtcp_next(&iterator, &part) &&
        twcc_parse(&part, &feedback) == 0)
        estimator_feedback(estimator, &feedback, now_us);
}

/* Whatever is said, the estimate stays within its limits and the history adds up. */
static void test_lies(void **state)
{
    (void)state;
    struct estimator_limits limits = {.start_bps = 1000000, .max_bps = 5000000};
    struct prng prng = {7};
    struct estimator *estimator = calloc(1, sizeof(*estimator));
    uint64_t now_us = 1000000;
    uint16_t number = 0;

    estimator_init(estimator, &limits);
    estimator->desired_bps = 3000000;
    for (int round = 0; round < 20000; round++) {
        /* One run-length chunk says "received with a small or large delta" of numbers around the sent ones.
         */
        uint8_t packet[20 + 2 + 2 * 64] = {0x8f, 205};
        uint32_t count = 1 + prng_below(&prng, 32);
        bool is_large = prng_below(&prng, 2);
        size_t length = 22 + count * (is_large ? 2 : 1);

        for (uint32_t i = prng_below(&prng, 8); i > 0; i--)
            estimator_sent(estimator, number++, prng_below(&prng, 1500), now_us);
        estimator_sent_unnumbered(estimator, prng_below(&prng, 100000));
        now_us += prng_below(&prng, 40000);
        store_be16(packet + 12, (uint16_t)(number - prng_below(&prng, 40)));
        store_be16(packet + 14, (uint16_t)count);
        store_be32(packet + 16, prng_next(&prng) << 8);
        store_be16(packet + 20, (uint16_t)((is_large ? 0x4000 : 0x2000) | count));
        for (size_t i = 22; i < length; i++)
            packet[i] = (uint8_t)prng_next(&prng);
        length = (length + 3) / 4 * 4;
        store_be16(packet + 2, (uint16_t)(length / 4 - 1));
        feed(estimator, packet, length, now_us);
        estimator_turn(estimator, now_us);
        estimator_remb(estimator, (uint64_t)prng_next(&prng) << 40 | prng_next(&prng), now_us);
        assert_in_range(estimator->estimate_bps, ESTIMATOR_MIN_BPS, 5000000);
        assert_in_range(estimator->history.in_flight, 0, SEND_HISTORY_PACKETS);
    }
    assert_true(estimator->has_feedback);
    estimator_remb(estimator, 0, now_us);
    assert_int_equal(estimator->estimate_bps, ESTIMATOR_MIN_BPS);
    estimator_remb(estimator, UINT64_MAX, now_us);
    assert_true(estimator->estimate_bps <= 5000000);
    free(estimator);
}

/* 40 bytes can speak of 65,528 packets: they are not walked through. */
static void test_feedback_about_everything(void **state)
{
    (void)state;
    struct estimator_limits limits = {.start_bps = 1000000};
    struct estimator *estimator = calloc(1, sizeof(*estimator));
    uint8_t packet[40] = {0x8f, 205, 0, 9};

    estimator_init(estimator, &limits);
    for (uint16_t i = 0; i < 100; i++)
        estimator_sent(estimator, i, 1000, 1000000);
    store_be16(packet + 14, 8 * 8191);
    for (size_t i = 20; i < 36; i += 2)
        store_be16(packet + i, 8191);
    feed(estimator, packet, sizeof(packet), 1100000);
    assert_int_equal(estimator->feedbacks_refused, 1);
    assert_int_equal(estimator->history.in_flight, 100);
    assert_int_equal(estimator->estimate_bps, 1000000);
    free(estimator);
}

static void test_remb_alone(void **state)
{
    (void)state;
    struct estimator_limits limits = {.start_bps = 1000000, .max_bps = 4000000};
    struct estimator *estimator = calloc(1, sizeof(*estimator));

    estimator_init(estimator, &limits);
    assert_true(estimator_remb(estimator, 2500000, 1000000));
    assert_int_equal(estimator->estimate_bps, 2500000);
    assert_int_equal(estimator->reason, ESTIMATOR_REMB);
    /* Loss in reports cuts it, and lets it go again. */
    for (uint64_t s = 2; s < 4; s++)
        estimator_reported_loss(estimator, 100, 25, s * 1000000);
    assert_true(estimator->estimate_bps < 2300000);
    for (uint64_t s = 4; s < 40; s++) {
        estimator_remb(estimator, 2500000, s * 1000000);
        estimator_reported_loss(estimator, 100, 0, s * 1000000);
    }
    assert_int_equal(estimator->estimate_bps, 2500000);
    free(estimator);
}

/* Feedback about nothing that was sent leaves no trace, however often it turns the clock. */
static void test_reference_of_feedback_that_matches_nothing(void **state)
{
    (void)state;
    struct estimator_limits limits = {.start_bps = 1000000};
    struct estimator *estimator = calloc(1, sizeof(*estimator));
    /* One packet received, 250 us after the reference. */
    uint8_t packet[24] = {0x8f, 205, 0, 5, [15] = 1, [20] = 0x20, [21] = 0x01, [22] = 1};

    estimator_init(estimator, &limits);
    estimator_sent(estimator, 7, 1000, 1000000);
    estimator->has_feedback = 1;
    estimator->reference = 100;
    store_be16(packet + 12, 8);
    store_be32(packet + 16, 0x7fffffu << 8);
    feed(estimator, packet, sizeof(packet), 1100000);
    assert_int_equal(estimator->reference, 100);
    store_be16(packet + 12, 7);
    store_be32(packet + 16, 101u << 8);
    feed(estimator, packet, sizeof(packet), 1100000);
    assert_int_equal(estimator->reference, 101);

    /* Nor does one that matches make it overflow. */
    for (uint16_t i = 8; i < 2000; i++) {
        estimator_sent(estimator, i, 1000, 1000000 + i * 1000u);
        store_be16(packet + 12, i);
        store_be32(packet + 16, (uint32_t)(i * 0x7fff00u) << 8);
        estimator->reference += (int64_t)1 << 39;
        feed(estimator, packet, sizeof(packet), 1050000 + i * 1000u);
        assert_true(estimator->reference <= (int64_t)1 << 41);
    }
    free(estimator);
}

static void test_limits(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 20000000);
    struct estimator_limits limits = {.start_bps = 1000000, .min_bps = 300000, .max_bps = 1500000};

    estimator_init(&sim->estimator, &limits);
    sim->application_bps = sim->estimator.desired_bps = 5000000;
    sim_run(sim, 20000);
    assert_int_equal(sim->estimator.estimate_bps, 1500000);
    sim_forget(sim);
    sim_run(sim, 10000);
    assert_int_equal(sim->probed_bytes, 0); /* what for */
    sim->rate_bps = 100000;
    sim_run(sim, 20000);
    assert_int_equal(sim->least_bps, 300000);
    sim_destroy(sim);
}

/* The last of what was sent is lost in an overuse: no feedback speaks of it, no queue is told to have
 * emptied. */
static void test_last_packets_lost_in_an_overuse(void **state)
{
    (void)state;
    struct sim *sim = sim_create(1000000, 3000000);
    uint32_t ms;

    sim->application_bps = sim->estimator.desired_bps = 2000000;
    sim_run(sim, 8000);
    sim->rate_bps = 300000;
    for (ms = 0; !estimator_has_queue(&sim->estimator) && ms < 5000; ms++)
        sim_run(sim, 1);
    assert_true(estimator_has_queue(&sim->estimator));
    sim->loss = 1.0;
    sim_run(sim, 100);
    sim->application_bps = 0; /* all is suspended */
    sim->ignores_estimate = true;
    sim->loss = 0;
    sim->rate_bps = 3000000;
    sim_run(sim, 2500);
    assert_false(estimator_has_queue(&sim->estimator));
    assert_int_equal(sim->estimator.overuse.state, OVERUSE_NORMAL);
    for (ms = 0; sim->estimator.estimate_bps < 1500000 && ms < 30000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 15000);
    sim_destroy(sim);
}

/* All video costs more than the first estimate: probes are what there is to learn from, once the receiver can
 * be reached. */
static void test_nothing_to_send_at_first(void **state)
{
    (void)state;
    struct sim *sim = sim_create(100000, 3000000);
    uint32_t ms;

    sim->application_bps = 0;
    sim->ignores_estimate = true;
    sim->estimator.desired_bps = 800000;
    sim_run(sim, 3000);
    assert_int_equal(sim->probed_bytes, 0);
    sim->estimator.may_begin = 1;
    for (ms = 0; sim->estimator.estimate_bps < 800000 && ms < 10000; ms++)
        sim_run(sim, 1);
    assert_in_range(ms, 0, 5000);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady_link_is_filled),
        cmocka_unit_test(test_sudden_drop_and_recovery),
        cmocka_unit_test(test_probes_find_what_layers_do_not_fill),
        cmocka_unit_test(test_random_loss_does_not_take_the_rate),
        cmocka_unit_test(test_bad_feedback_path),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_after_silence),
        cmocka_unit_test(test_another_path),
        cmocka_unit_test(test_mute_receiver),
        cmocka_unit_test(test_longer_path),
        cmocka_unit_test(test_path_that_holds_its_breath),
        cmocka_unit_test(test_key_frames_on_a_small_link),
        cmocka_unit_test(test_nothing_but_audio),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_feedback_about_everything),
        cmocka_unit_test(test_remb_alone),
        cmocka_unit_test(test_reference_of_feedback_that_matches_nothing),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_last_packets_lost_in_an_overuse),
        cmocka_unit_test(test_nothing_to_send_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
