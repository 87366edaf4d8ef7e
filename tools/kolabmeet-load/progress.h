/* The line a second. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/kolabmeet-load/crowd.h"
#include "tools/kolabmeet-load/options.h"

struct progress {
    const struct options *options;
    uint64_t start_ns;
    uint64_t last_ns;
    uint64_t own_cpu_ns;
    uint64_t forwarder_cpu_ns;
    uint64_t control_cpu_ns;
};

void progress_init(struct progress *progress, const struct options *options);

/* About the tally of the world since the last line; to standard error. */
void progress_print(struct progress *progress, const char *phase, const struct crowd *crowd,
                    bool is_measuring);
