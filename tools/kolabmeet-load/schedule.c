#include "tools/kolabmeet-load/schedule.h"

#include <stdlib.h>

#include "tools/kolabmeet-load/memory.h"

void schedule_deinit(struct schedule *schedule)
{
    free(schedule->heap);
    *schedule = (struct schedule){0};
}

static void put(struct schedule *schedule, size_t place, struct schedule_entry *entry)
{
    schedule->heap[place - 1] = entry;
    entry->place = place;
}

static struct schedule_entry *at(const struct schedule *schedule, size_t place)
{
    return schedule->heap[place - 1];
}

static void sift_up(struct schedule *schedule, struct schedule_entry *entry, size_t place)
{
    while (place > 1 && at(schedule, place / 2)->due_ns > entry->due_ns) {
        put(schedule, place, at(schedule, place / 2));
        place /= 2;
    }
    put(schedule, place, entry);
}

static void sift_down(struct schedule *schedule, struct schedule_entry *entry, size_t place)
{
    for (;;) {
        size_t child = 2 * place;
        if (child > schedule->count)
            break;
        if (child < schedule->count && at(schedule, child + 1)->due_ns < at(schedule, child)->due_ns)
            child++;
        if (at(schedule, child)->due_ns >= entry->due_ns)
            break;
        put(schedule, place, at(schedule, child));
        place = child;
    }
    put(schedule, place, entry);
}

static void settle(struct schedule *schedule, struct schedule_entry *entry, size_t place)
{
    if (place > 1 && at(schedule, place / 2)->due_ns > entry->due_ns)
        sift_up(schedule, entry, place);
    else
        sift_down(schedule, entry, place);
}

void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint64_t due_ns)
{
    entry->due_ns = due_ns;
    if (entry->place != 0) {
        settle(schedule, entry, entry->place);
        return;
    }
    if (schedule->count == schedule->capacity) {
        schedule->capacity = schedule->capacity > 0 ? 2 * schedule->capacity : 64;
        schedule->heap = memory_resize(schedule->heap, schedule->capacity, sizeof(struct schedule_entry *));
    }
    schedule->count++;
    sift_up(schedule, entry, schedule->count);
}

void schedule_remove(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    if (place == 0)
        return;
    struct schedule_entry *last = at(schedule, schedule->count);
    schedule->count--;
    entry->place = 0;
    if (last != entry)
        settle(schedule, last, place);
}

uint64_t schedule_next_ns(const struct schedule *schedule)
{
    return schedule->count == 0 ? SCHEDULE_NEVER : schedule->heap[0]->due_ns;
}

uint64_t schedule_run(struct schedule *schedule, uint64_t now_ns)
{
    uint64_t latest_ns = 0;

    while (schedule->count > 0 && schedule->heap[0]->due_ns <= now_ns) {
        struct schedule_entry *entry = schedule->heap[0];
        if (now_ns - entry->due_ns > latest_ns)
            latest_ns = now_ns - entry->due_ns;
        schedule_remove(schedule, entry);
        entry->run(entry->context, now_ns);
    }
    return latest_ns;
}
