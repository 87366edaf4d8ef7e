/* How the one-way delay develops: the slope of a line through the smoothed delays of the last 20 groups
 * (libwebrtc's TrendlineEstimator, in place of the Kalman filter of draft-ietf-rmcat-gcc-02 section 5.3).
 * Zeroes are the start. */
#pragma once

#include <stdint.h>

#define TRENDLINE_WINDOW 20u

struct trendline {
    double first_arrival_ms;
    double accumulated_ms;
    double smoothed_ms;
    double slope;                        /* ms of delay a ms; 0 until the window is full */
    double arrival_ms[TRENDLINE_WINDOW]; /* since the first */
    double delay_ms[TRENDLINE_WINDOW];
    uint32_t next;
    uint32_t deltas; /* at most 1,000 */
};

/* A group arrived at arrival_ms, so much further from the last one than it was sent. */
void trendline_update(struct trendline *trendline, double arrival_delta_ms, double send_delta_ms,
                      double arrival_ms);

/* The slope times 4 and the number of deltas (up to 60): what is compared with the threshold, in ms. */
double trendline_offset_ms(const struct trendline *trendline);
