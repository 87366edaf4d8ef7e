#include "dataplane/score.h"

#include <string.h>

#define SCORE_MAX 10u

static void score_remember(struct score *score, const struct score_totals *totals)
{
    score->expected_prior = (uint32_t)totals->expected;
    score->received_prior = (uint32_t)totals->received;
    score->repaired_prior = (uint32_t)totals->repaired;
    score->retransmitted_prior = (uint32_t)totals->retransmitted;
}

void score_init(struct score *score, const struct score_totals *totals)
{
    memset(score, 0, sizeof(*score));
    score->value = score->reported = SCORE_MAX;
    score_remember(score, totals);
}

static double fourth_power(double x)
{
    return x * x * x * x;
}

/* What grew since the last interval; a stream that began anew counts from 0. */
static uint64_t growth(uint64_t total, uint32_t prior)
{
    return (uint32_t)total >= prior ? (uint32_t)total - prior : (uint32_t)total;
}

/* The score of one interval. A repaired packet weighs less than a lost one, the less the more were repaired
 * and the fewer retransmissions it took. */
static uint8_t score_of_interval(const struct score *score, const struct score_totals *totals)
{
    uint64_t expected = growth(totals->expected, score->expected_prior);
    uint64_t received = growth(totals->received, score->received_prior);
    uint64_t repaired = growth(totals->repaired, score->repaired_prior);
    uint64_t retransmitted = growth(totals->retransmitted, score->retransmitted_prior);
    uint64_t lost = expected > received ? expected - received : 0;

    if (expected == 0)
        return SCORE_MAX;
    if (received == 0)
        return 0;
    if (lost > received)
        lost = received;
    if (repaired > lost)
        repaired = lost;

    double weight = 1.0;
    if (repaired > 0) {
        weight = fourth_power((double)received / (double)(received + repaired));
        if (retransmitted > repaired)
            weight *= (double)repaired / (double)retransmitted;
    }
    double delivered = ((double)(received - lost) + (double)repaired * weight) / (double)received;
    return (uint8_t)(fourth_power(delivered) * SCORE_MAX + 0.5);
}

static bool score_set(struct score *score, uint8_t value)
{
    bool changed = value != score->value;
    score->value = value;
    return changed;
}

bool score_update(struct score *score, const struct score_totals *totals)
{
    score->history[score->position] = score_of_interval(score, totals);
    score->position = (uint8_t)((score->position + 1u) % sizeof(score->history));
    if (score->count < sizeof(score->history))
        score->count++;
    score_remember(score, totals);

    unsigned weighted = 0, weights = 0;
    for (unsigned age = 0; age < score->count; age++) {
        unsigned at = (score->position + sizeof(score->history) - 1 - age) % sizeof(score->history);
        weighted += (score->count - age) * score->history[at];
        weights += score->count - age;
    }
    return score_set(score, (uint8_t)((weighted + weights / 2) / weights));
}

bool score_reset(struct score *score, uint8_t value, const struct score_totals *totals)
{
    memset(score->history, 0, sizeof(score->history));
    score->count = score->position = 0;
    score_remember(score, totals);
    return score_set(score, value < SCORE_MAX ? value : SCORE_MAX);
}
