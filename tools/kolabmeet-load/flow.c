#include "tools/kolabmeet-load/flow.h"

#include <stdlib.h>

#include "tools/kolabmeet-load/memory.h"

struct flow *flow_table_add(struct flow_table *table)
{
    struct flow *flow = memory_take(1, sizeof *flow);

    flow->id = (uint32_t)table->count;
    table->flows = memory_resize(table->flows, table->count + 1, sizeof(struct flow *));
    table->flows[table->count++] = flow;
    return flow;
}

struct flow *flow_table_find(const struct flow_table *table, uint32_t id)
{
    return id < table->count ? table->flows[id] : NULL;
}

void flow_table_mark(struct flow_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->flows[i]->mark = table->flows[i]->sent;
}

void flow_table_deinit(struct flow_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->flows[i]);
    free(table->flows);
    *table = (struct flow_table){0};
}
