/* What a worker counts, published into the statistics file (shm/statistics.h) every 250 ms: its own block,
 * and each transport's with its streams and consumers in that transport's turn. */
#pragma once

#include "dataplane/stream_table.h"

#define COUNTERS_INTERVAL_US 250000u

struct worker;

/* The worker's own block, when it is due. */
void counters_publish(struct worker *worker);

void counters_publish_transport(struct worker *worker, const struct transport *transport);

/* A row was freed: its block says so. */
void counters_clear_transport(struct worker *worker, shm_handle handle);
void counters_clear_producer(struct worker *worker, const struct producer *producer);
void counters_clear_consumer(struct worker *worker, shm_handle handle);
