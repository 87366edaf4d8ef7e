#include "dataplane/trendline.h"

#define SMOOTHING 0.9
#define GAIN 4.0
#define DELTAS_MAX 1000u
#define DELTAS_COUNTED 60u

/* Least squares; the order of the points does not matter. */
static double slope(const struct trendline *trendline)
{
    double mean_x = 0, mean_y = 0, numerator = 0, denominator = 0;

    for (unsigned i = 0; i < TRENDLINE_WINDOW; i++) {
        mean_x += trendline->arrival_ms[i];
        mean_y += trendline->delay_ms[i];
    }
    mean_x /= TRENDLINE_WINDOW;
    mean_y /= TRENDLINE_WINDOW;
    for (unsigned i = 0; i < TRENDLINE_WINDOW; i++) {
        double x = trendline->arrival_ms[i] - mean_x;
        numerator += x * (trendline->delay_ms[i] - mean_y);
        denominator += x * x;
    }
    return denominator > 0 ? numerator / denominator : trendline->slope;
}

void trendline_update(struct trendline *trendline, double arrival_delta_ms, double send_delta_ms,
                      double arrival_ms)
{
    if (trendline->deltas == 0)
        trendline->first_arrival_ms = arrival_ms;
    trendline->deltas += trendline->deltas < DELTAS_MAX;
    trendline->accumulated_ms += arrival_delta_ms - send_delta_ms;
    trendline->smoothed_ms = SMOOTHING * trendline->smoothed_ms + (1 - SMOOTHING) * trendline->accumulated_ms;
    trendline->arrival_ms[trendline->next] = arrival_ms - trendline->first_arrival_ms;
    trendline->delay_ms[trendline->next] = trendline->smoothed_ms;
    trendline->next = (trendline->next + 1) % TRENDLINE_WINDOW;
    if (trendline->deltas >= TRENDLINE_WINDOW)
        trendline->slope = slope(trendline);
}

double trendline_offset_ms(const struct trendline *trendline)
{
    uint32_t deltas = trendline->deltas < DELTAS_COUNTED ? trendline->deltas : DELTAS_COUNTED;

    return trendline->deltas < 2 ? 0 : deltas * trendline->slope * GAIN;
}
