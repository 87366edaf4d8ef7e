// One direction of a link: first a queue that is served at the link's rate and drops what does not fit (tail
// drop), then a delay line with jitter, in which some packets can be held back so that others overtake them.
//
// Times are microseconds of CLOCK_MONOTONIC. Not thread-safe.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DIRECTION_PACKET_MAX = 2048,   // bytes
    DIRECTION_LINE_MAX = 16384,    // packets in the delay line
    DIRECTION_HISTOGRAM_MS = 4096, // queueing delays longer than this count as this
};

struct direction_settings {
    uint64_t rate_bps; // 0: without limit
    uint32_t queue_ms; // how long a packet may wait for the rate
    uint32_t delay_us;
    uint32_t jitter_us;   // added, 0 to this much; order is kept
    uint32_t reorder_ppm; // of packets that are held back
    uint32_t hold_us;     // by this much
};

struct direction_packet {
    struct direction_packet *next;
    int64_t arrived_us;
    int64_t due_us;
    uint64_t number; // order among packets due at once
    uint16_t size;
    uint8_t bytes[DIRECTION_PACKET_MAX];
};

// What happened since the last direction_counts_reset().
struct direction_counts {
    uint64_t packets; // that left
    uint64_t bytes;
    uint64_t dropped;
    uint32_t waited_ms[DIRECTION_HISTOGRAM_MS]; // packets by queueing delay, without their own transmission
};

struct direction {
    struct direction_settings settings;
    struct direction_counts counts;
    struct direction_packet *head, *tail; // waiting for the rate
    uint64_t queued_bytes;
    int64_t sending_until_us; // when the head of the queue has left
    struct direction_packet **line;
    size_t line_count;
    int64_t last_due_us;
    uint64_t next_number;
    uint64_t random;
};

// Returns 0 or -ENOMEM.
int direction_init(struct direction *direction, uint64_t seed);
void direction_deinit(struct direction *direction);

// Takes the packet over, or frees it when it does not fit.
void direction_push(struct direction *direction, struct direction_packet *packet, int64_t now_us);

// The next packet that has arrived at the other end by now, to be freed by the caller, or NULL.
struct direction_packet *direction_pop(struct direction *direction, int64_t now_us);

// When to ask again, or INT64_MAX.
int64_t direction_next_us(const struct direction *direction);

// The delay that `share` (0 to 1) of the packets did not exceed, in ms.
unsigned direction_quantile_ms(const struct direction_counts *counts, double share);
void direction_counts_reset(struct direction *direction);
