#include "tests/netns/direction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// xorshift64*: the same seed gives the same network.
static uint64_t random_below(struct direction *direction, uint64_t limit)
{
    direction->random ^= direction->random >> 12;
    direction->random ^= direction->random << 25;
    direction->random ^= direction->random >> 27;
    return limit ? ((direction->random * UINT64_C(2685821657736338717)) >> 16) % limit : 0;
}

int direction_init(struct direction *direction, uint64_t seed)
{
    memset(direction, 0, sizeof(*direction));
    direction->line = calloc(DIRECTION_LINE_MAX, sizeof(*direction->line));
    if (!direction->line)
        return -ENOMEM;
    direction->random = seed | 1;
    return 0;
}

void direction_deinit(struct direction *direction)
{
    while (direction->head) {
        struct direction_packet *packet = direction->head;
        direction->head = packet->next;
        free(packet);
    }
    for (size_t i = 0; i < direction->line_count; i++)
        free(direction->line[i]);
    free(direction->line);
}

static bool is_before(const struct direction_packet *a, const struct direction_packet *b)
{
    return a->due_us < b->due_us || (a->due_us == b->due_us && a->number < b->number);
}

// The line is a binary heap.
static void line_push(struct direction *direction, struct direction_packet *packet)
{
    if (direction->line_count == DIRECTION_LINE_MAX) {
        direction->counts.dropped++;
        free(packet);
        return;
    }
    size_t at = direction->line_count++;
    while (at && is_before(packet, direction->line[(at - 1) / 2])) {
        direction->line[at] = direction->line[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    direction->line[at] = packet;
}

static struct direction_packet *line_pop(struct direction *direction)
{
    struct direction_packet *first = direction->line[0];
    struct direction_packet *last = direction->line[--direction->line_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= direction->line_count)
            break;
        if (child + 1 < direction->line_count &&
            is_before(direction->line[child + 1], direction->line[child]))
            child++;
        if (!is_before(direction->line[child], last))
            break;
        direction->line[at] = direction->line[child];
        at = child;
    }
    direction->line[at] = last;
    return first;
}

static int64_t duration_us(const struct direction *direction, size_t size)
{
    return direction->settings.rate_bps
               ? (int64_t)(size * 8 * UINT64_C(1000000) / direction->settings.rate_bps)
               : 0;
}

// The packet has left the queue at `left_us`.
static void depart(struct direction *direction, struct direction_packet *packet, int64_t left_us)
{
    const struct direction_settings *settings = &direction->settings;
    int64_t waited_ms = (left_us - duration_us(direction, packet->size) - packet->arrived_us) / 1000;
    if (waited_ms < 0)
        waited_ms = 0;
    if (waited_ms >= DIRECTION_HISTOGRAM_MS)
        waited_ms = DIRECTION_HISTOGRAM_MS - 1;
    direction->counts.waited_ms[waited_ms]++;
    direction->counts.packets++;
    direction->counts.bytes += packet->size;

    packet->due_us = left_us + settings->delay_us + (int64_t)random_below(direction, settings->jitter_us);
    if (packet->due_us < direction->last_due_us)
        packet->due_us = direction->last_due_us;
    direction->last_due_us = packet->due_us;
    if (random_below(direction, 1000000) < settings->reorder_ppm)
        packet->due_us += settings->hold_us;
    packet->number = direction->next_number++;
    line_push(direction, packet);
}

// Moves what the rate let out by now from the queue to the line.
static void serve(struct direction *direction, int64_t now_us)
{
    while (direction->head && direction->sending_until_us <= now_us) {
        struct direction_packet *packet = direction->head;
        direction->head = packet->next;
        direction->queued_bytes -= packet->size;
        depart(direction, packet, direction->sending_until_us);
        if (direction->head)
            direction->sending_until_us += duration_us(direction, direction->head->size);
        else
            direction->tail = NULL;
    }
}

void direction_push(struct direction *direction, struct direction_packet *packet, int64_t now_us)
{
    const struct direction_settings *settings = &direction->settings;
    serve(direction, now_us);
    packet->arrived_us = now_us;
    packet->next = NULL;
    uint64_t room = settings->rate_bps * settings->queue_ms / 8000;
    if (settings->rate_bps && direction->head && direction->queued_bytes + packet->size > room) {
        direction->counts.dropped++;
        free(packet);
        return;
    }
    if (direction->tail) {
        direction->tail->next = packet;
    } else {
        direction->head = packet;
        direction->sending_until_us = now_us + duration_us(direction, packet->size);
    }
    direction->tail = packet;
    direction->queued_bytes += packet->size;
    serve(direction, now_us);
}

struct direction_packet *direction_pop(struct direction *direction, int64_t now_us)
{
    serve(direction, now_us);
    return direction->line_count && direction->line[0]->due_us <= now_us ? line_pop(direction) : NULL;
}

int64_t direction_next_us(const struct direction *direction)
{
    int64_t next = direction->line_count ? direction->line[0]->due_us : INT64_MAX;
    if (direction->head && direction->sending_until_us < next)
        next = direction->sending_until_us;
    return next;
}

unsigned direction_quantile_ms(const struct direction_counts *counts, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)counts->packets);
    uint64_t seen = 0;
    for (unsigned ms = 0; ms < DIRECTION_HISTOGRAM_MS; ms++) {
        seen += counts->waited_ms[ms];
        if (seen && seen >= wanted)
            return ms;
    }
    return 0;
}

void direction_counts_reset(struct direction *direction)
{
    memset(&direction->counts, 0, sizeof(direction->counts));
}
