/* From the first room to the last goodbye: joins, settles, warms up, measures, and asks what to do next. */
#pragma once

#include "tools/kolabmeet-load/options.h"
#include "tools/kolabmeet-load/result.h"

struct scenario_load {
    uint32_t subscribers; /* of each room */
    double video_rate;    /* packets a second of each publisher */
};

/* Takes a result; true when there is another load to be measured. */
typedef bool (*scenario_next_fn)(void *context, const struct result *result, struct scenario_load *ret_load);

/* Returns 0, or a negative errno after a line on standard error. */
int scenario_run(const struct options *options, scenario_next_fn next, void *context);
