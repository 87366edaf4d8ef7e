/* What the workers of a room, and the source, did within a span of time. */
#pragma once

#include "shm/histogram.h"
#include "tests/bench/scaling_source.h"

struct scaling_worker_figures {
    double packets_per_s;
    double cpu;  /* share of a core that its thread had, kernel included */
    double idle; /* share of the time in which it had nothing to do */
};

struct scaling_figures {
    double packets_per_s; /* of all workers */
    double ns_per_packet; /* CPU of their threads */
    double source_cpu;    /* share of a core */
    struct scaling_worker_figures workers[SCALING_WORKERS_MAX];
    struct histogram inside; /* µs from receive call to send call, where the camera is at home */
    uint64_t latencies[SINK_LATENCY_STEPS]; /* from the camera's send call to the far end of veth, by steps */
};

/* Runs the plan for seconds, after a moment to warm up. False with the reason: it cannot be done, or not
 * every packet arrived, or a worker sent none. */
bool scaling_measure(const struct scaling_plan *plan, const struct sink_link *link, uint32_t bursts_per_s,
                     double seconds, struct scaling_figures *ret_figures, char *ret_why, size_t why_bytes);

/* ms that such a share (0 to 1) of all stayed below. */
double scaling_latency_ms(const struct scaling_figures *figures, double share);
