/* A path from a sender with an estimator to a receiver that gives transport-wide feedback: a link of some
 * rate with a queue before it, delay, and loss. Steps of a millisecond, no clock. The sender sends frames of
 * video at the rate that the estimate allows, at most its own, and audio without numbers. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/estimator.h"
#include "dataplane/twcc_feedback.h"
#include "proto/wire/twcc_builder.h"
#include "tests/unit/dataplane/prng.h"

#define SIM_FLIGHTS 4096u
#define SIM_FEEDBACK_US 100000u
#define SIM_FRAME_US 33000u
#define SIM_DELAYS 20000u
#define SIM_STALL_US 60000
#define SIM_AUDIO_BPS 40000u

struct sim_flight {
    uint64_t arrival_us;
    uint32_t bytes;
    uint16_t number;
    bool is_numbered;
    bool is_feedback;
    uint8_t feedback[TWCC_BUILDER_BYTES];
    int feedback_bytes;
};

struct sim {
    struct estimator estimator;
    struct twcc_feedback_state receiver;
    uint64_t now_us;
    uint16_t number;
    struct prng random;

    /* The path, to be changed at will. */
    uint32_t rate_bps;
    uint32_t queue_us; /* what does not get through in that time is lost */
    uint32_t delay_us; /* one way */
    double loss;       /* of packets, at random */
    double feedback_loss;
    bool repeats_feedback;
    uint32_t stalls_per_s; /* of the receiver, SIM_STALL_US at most: what arrives meanwhile comes together */
    uint64_t stalled_until_us;

    /* The sender. */
    uint32_t application_bps; /* what it has to send; never more than the estimate */
    bool ignores_estimate;
    uint32_t frame_bytes_left;
    uint32_t key_frame_bytes; /* sent beside the rest as soon as it is set */

    void (*media)(struct sim *sim); /* another sender instead (layers_sim.h); probes are sent beside it */

    uint64_t link_free_us;
    struct sim_flight *flights; /* in the order of sending */
    uint32_t first, count;

    /* What came of it, since sim_forget. */
    uint64_t arrived_bytes;
    uint64_t sent_bytes;
    uint64_t probed_bytes;
    uint32_t delays;
    uint32_t delay_samples_us[SIM_DELAYS]; /* in the queue */
    uint32_t least_bps, most_bps;          /* of the estimate */
};

static inline void sim_forget(struct sim *sim)
{
    sim->arrived_bytes = sim->sent_bytes = sim->probed_bytes = 0;
    sim->delays = 0;
    sim->least_bps = UINT32_MAX;
    sim->most_bps = 0;
}

static inline struct sim *sim_create(uint32_t start_bps, uint32_t rate_bps)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    struct estimator_limits limits = {.start_bps = start_bps};

    sim->flights = calloc(SIM_FLIGHTS, sizeof(*sim->flights));
    sim->now_us = 5000000;
    sim->random.state = 88172645463325252ull;
    sim->rate_bps = rate_bps;
    sim->queue_us = 400000;
    sim->delay_us = 25000;
    sim->number = 65000;
    estimator_init(&sim->estimator, &limits);
    sim_forget(sim);
    return sim;
}

static inline void sim_destroy(struct sim *sim)
{
    free(sim->flights);
    free(sim);
}

static inline double sim_chance(struct sim *sim)
{
    return prng_next(&sim->random) / 4294967296.0;
}

static inline struct sim_flight *sim_launch(struct sim *sim)
{
    struct sim_flight *flight = &sim->flights[(sim->first + sim->count) % SIM_FLIGHTS];

    if (sim->count == SIM_FLIGHTS)
        abort();
    sim->count++;
    return flight;
}

static inline void sim_send(struct sim *sim, uint32_t bytes, bool is_numbered)
{
    uint64_t start_us = sim->link_free_us > sim->now_us ? sim->link_free_us : sim->now_us;
    uint64_t end_us = start_us + (uint64_t)bytes * 8000000 / sim->rate_bps;
    uint16_t number = sim->number;

    if (is_numbered) {
        sim->number++;
        estimator_sent(&sim->estimator, number, bytes, sim->now_us);
    } else {
        estimator_sent_unnumbered(&sim->estimator, bytes);
    }
    sim->sent_bytes += bytes;
    if (end_us - sim->now_us > sim->queue_us || sim_chance(sim) < sim->loss)
        return;
    sim->link_free_us = end_us;
    if (sim->delays < SIM_DELAYS)
        sim->delay_samples_us[sim->delays++] = (uint32_t)(end_us - sim->now_us);
    struct sim_flight *flight = sim_launch(sim);
    flight->arrival_us = end_us + sim->delay_us;
    if (flight->arrival_us < sim->stalled_until_us)
        flight->arrival_us = sim->stalled_until_us;
    flight->bytes = bytes;
    flight->number = number;
    flight->is_numbered = is_numbered;
    flight->is_feedback = false;
}

static inline void sim_take_feedback(struct sim *sim, const struct sim_flight *flight)
{
    struct rtcp_iterator iterator;
    struct rtcp_packet packet;
    struct twcc_feedback feedback;

    if (rtcp_begin(&iterator, flight->feedback, (size_t)flight->feedback_bytes) != 0 ||
        !rtcp_next(&iterator, &packet) || twcc_parse(&packet, &feedback) != 0)
        abort();
    estimator_feedback(&sim->estimator, &feedback, sim->now_us);
}

static inline void sim_arrive(struct sim *sim)
{
    /* Feedback does not wait behind packets of the other direction. */
    for (uint32_t i = 0; i < sim->count; i++) {
        struct sim_flight *flight = &sim->flights[(sim->first + i) % SIM_FLIGHTS];
        if (flight->arrival_us == 0 || flight->arrival_us > sim->now_us)
            continue;
        if (flight->is_feedback) {
            sim_take_feedback(sim, flight);
        } else {
            sim->arrived_bytes += flight->bytes;
            if (flight->is_numbered)
                twcc_feedback_packet(&sim->receiver, flight->number, 1, flight->arrival_us + 1000000000u);
        }
        flight->arrival_us = 0;
    }
    while (sim->count > 0 && sim->flights[sim->first].arrival_us == 0) {
        sim->first = (sim->first + 1) % SIM_FLIGHTS;
        sim->count--;
    }
}

static inline void sim_give_feedback(struct sim *sim)
{
    for (;;) {
        struct sim_flight made = {.is_feedback = true, .arrival_us = sim->now_us + sim->delay_us};
        made.feedback_bytes = twcc_feedback_write(&sim->receiver, 7, sim->now_us + 1000000000u, made.feedback,
                                                  sizeof(made.feedback));
        if (made.feedback_bytes <= 0)
            return;
        if (sim_chance(sim) < sim->feedback_loss)
            continue;
        *sim_launch(sim) = made;
        if (sim->repeats_feedback) {
            made.arrival_us += 150000;
            *sim_launch(sim) = made;
        }
    }
}

static inline void sim_media(struct sim *sim)
{
    uint32_t estimate_bps = sim->estimator.estimate_bps;
    uint32_t bps =
        sim->ignores_estimate || sim->application_bps < estimate_bps ? sim->application_bps : estimate_bps;

    bps = bps > SIM_AUDIO_BPS ? bps - SIM_AUDIO_BPS : 0;

    if (sim->now_us % 20000 == 0)
        sim_send(sim, 100, false);
    if (sim->now_us % SIM_FRAME_US == 0)
        sim->frame_bytes_left = (uint32_t)((uint64_t)bps * SIM_FRAME_US / 8000000);
    sim->frame_bytes_left += sim->key_frame_bytes;
    sim->key_frame_bytes = 0;
    for (int i = 0; i < 2 && sim->frame_bytes_left > 0; i++) {
        uint32_t bytes = sim->frame_bytes_left < 1200 ? sim->frame_bytes_left : 1200;
        sim->frame_bytes_left -= bytes;
        sim_send(sim, bytes, true);
    }
}

static inline void sim_probe(struct sim *sim)
{
    const struct probe *probe = &sim->estimator.probe;

    while (probe_due_bytes(probe, sim->now_us) > 0) {
        uint32_t bytes = probe_packet_bytes(probe);
        sim->probed_bytes += bytes;
        sim_send(sim, bytes, true);
    }
}

static inline void sim_step(struct sim *sim)
{
    sim->now_us += 1000;
    if (sim->stalls_per_s > 0 && sim_chance(sim) < sim->stalls_per_s / 1000.0)
        sim->stalled_until_us = sim->now_us + sim->delay_us + (uint64_t)(SIM_STALL_US * sim_chance(sim));
    sim_arrive(sim);
    (sim->media ? sim->media : sim_media)(sim);
    sim_probe(sim);
    if (sim->now_us % 50000 == 0)
        estimator_turn(&sim->estimator, sim->now_us);
    if (sim->now_us % SIM_FEEDBACK_US == 0)
        sim_give_feedback(sim);
    uint32_t estimate_bps = sim->estimator.estimate_bps;
    sim->least_bps = estimate_bps < sim->least_bps ? estimate_bps : sim->least_bps;
    sim->most_bps = estimate_bps > sim->most_bps ? estimate_bps : sim->most_bps;
}

static inline void sim_run(struct sim *sim, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++)
        sim_step(sim);
}

static int sim_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static inline uint32_t sim_delay_p95_us(struct sim *sim)
{
    qsort(sim->delay_samples_us, sim->delays, sizeof(sim->delay_samples_us[0]), sim_compare);
    return sim->delays == 0 ? 0 : sim->delay_samples_us[sim->delays * 95 / 100];
}
