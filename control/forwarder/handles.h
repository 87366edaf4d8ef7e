/* Handles of one table: control is the only one that gives them out. A handle that was freed is never given
 * out again: its row comes back with another generation, after HANDLES_REST others were freed. Rows that were
 * never in use cost no memory, so one is begun only while too few of the others have rested. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HANDLES_REST 64u

struct handles {
    uint32_t *generations; /* by index */
    uint32_t *free_queue;  /* a circle of indices that were in use */
    bool *live;
    uint32_t capacity;
    uint32_t free_first;
    uint32_t free_count;
    uint32_t begun; /* indices from here on were never in use */
};

int handles_init(struct handles *handles, uint32_t capacity);
void handles_deinit(struct handles *handles);

/* 0 when all are in use. */
uint64_t handles_take(struct handles *handles);
bool handles_is_live(const struct handles *handles, uint64_t handle);
void handles_free(struct handles *handles, uint64_t handle);
/* Frees all. */
void handles_reset(struct handles *handles);
uint32_t handles_in_use(const struct handles *handles);
