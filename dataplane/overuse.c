#include "dataplane/overuse.h"

#include <math.h>

#define THRESHOLD_FIRST_MS 12.5
#define THRESHOLD_MIN_MS 6.0
#define THRESHOLD_MAX_MS 600.0
#define THRESHOLD_STRAY_MS 15.0 /* what is that far above it does not move it: a sudden drop of capacity */
#define UP 0.0087
#define DOWN 0.039
#define STEP_MAX_MS 100.0
#define SUSTAINED_MS 10.0

void overuse_init(struct overuse *overuse)
{
    *overuse = (struct overuse){.threshold_ms = THRESHOLD_FIRST_MS, .over_ms = -1};
}

static void adapt(struct overuse *overuse, double offset_ms, uint64_t now_us)
{
    double distance_ms = fabs(offset_ms) - overuse->threshold_ms;

    if (overuse->updated_us == 0)
        overuse->updated_us = now_us;
    if (distance_ms <= THRESHOLD_STRAY_MS) {
        double passed_ms = (double)(now_us - overuse->updated_us) / 1000;
        double step_ms = passed_ms < STEP_MAX_MS ? passed_ms : STEP_MAX_MS;
        double threshold_ms = overuse->threshold_ms + (distance_ms < 0 ? DOWN : UP) * distance_ms * step_ms;
        overuse->threshold_ms = fmin(fmax(threshold_ms, THRESHOLD_MIN_MS), THRESHOLD_MAX_MS);
    }
    overuse->updated_us = now_us;
}

static void leave(struct overuse *overuse, enum overuse_state state)
{
    overuse->over_ms = -1;
    overuse->overs = 0;
    overuse->state = state;
}

enum overuse_state overuse_update(struct overuse *overuse, double offset_ms, double slope,
                                  double send_delta_ms, uint64_t now_us)
{
    if (offset_ms > overuse->threshold_ms) {
        overuse->over_ms = overuse->over_ms < 0 ? send_delta_ms / 2 : overuse->over_ms + send_delta_ms;
        overuse->overs++;
        if (overuse->over_ms > SUSTAINED_MS && overuse->overs > 1 && slope >= overuse->previous_slope) {
            overuse->over_ms = 0;
            overuse->overs = 0;
            overuse->state = OVERUSE_OVERUSING;
        }
    } else {
        leave(overuse, offset_ms < -overuse->threshold_ms ? OVERUSE_UNDERUSING : OVERUSE_NORMAL);
    }
    overuse->previous_slope = slope;
    adapt(overuse, offset_ms, now_us);
    return overuse->state;
}
