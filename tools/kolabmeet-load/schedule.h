/* What is due when: a heap of entries that stand in the structs they belong to. Times are of one monotonic
 * clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_NEVER UINT64_MAX

struct schedule_entry {
    void (*run)(void *context, uint64_t now_ns); /* set before the entry is first added */
    void *context;
    uint64_t due_ns;
    size_t place; /* in the heap, counted from 1; 0: not scheduled */
};

/* All zeroes is empty. */
struct schedule {
    struct schedule_entry **heap;
    size_t count;
    size_t capacity;
};

void schedule_deinit(struct schedule *schedule);

/* Also moves an entry that is scheduled already. */
void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint64_t due_ns);

/* Does nothing to an entry that is not scheduled. */
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry);

static inline bool schedule_has(const struct schedule_entry *entry)
{
    return entry->place != 0;
}

/* SCHEDULE_NEVER when nothing is. */
uint64_t schedule_next_ns(const struct schedule *schedule);

/* Takes out and runs what is due, the earliest first. An entry that adds itself again for a time that has
 * come runs again. Returns how late the latest of them was, 0 when none was due. */
uint64_t schedule_run(struct schedule *schedule, uint64_t now_ns);
