/* The stamped packets of one media source, as those who receive them need to know it. A flow outlives its
 * source: sinks compare with it to the end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct flow {
    uint32_t id;   /* what stamps call it */
    uint64_t sent; /* packets; the counter of the next one */
    uint64_t mark; /* counter of the first packet that is measured */
};

/* All zeroes is empty. */
struct flow_table {
    struct flow **flows; /* by id */
    size_t count;
};

/* A new flow, which is the table's. */
struct flow *flow_table_add(struct flow_table *table);

/* NULL for an id that was not given out. */
struct flow *flow_table_find(const struct flow_table *table, uint32_t id);

/* What is sent from now on is measured. */
void flow_table_mark(struct flow_table *table);

void flow_table_deinit(struct flow_table *table);
