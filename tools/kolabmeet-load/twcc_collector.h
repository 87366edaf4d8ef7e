/* Gathers arrivals of transport-wide numbered packets, and writes the feedback about them (twcc.h). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TWCC_COLLECTOR_MAX 512

struct twcc_collector {
    uint32_t sender_ssrc;
    int64_t highest;  /* unwrapped; 0: none came yet */
    int64_t reported; /* all numbers before this one */
    uint8_t feedback_count;
    uint16_t count;
    struct {
        int64_t sequence;
        uint64_t arrival_us;
    } arrivals[TWCC_COLLECTOR_MAX];
};

void twcc_collector_init(struct twcc_collector *collector, uint32_t sender_ssrc);

/* What comes too late for its feedback, or in such numbers that nobody asked for feedback in between, is left
 * out of it. */
void twcc_collector_take(struct twcc_collector *collector, uint16_t sequence, uint64_t arrival_ns);

/* Writes one feedback packet and drops what it says; the bytes, or 0 when there is nothing to say. What does
 * not fit into it is for the next call. */
size_t twcc_collector_write(struct twcc_collector *collector, uint32_t media_ssrc, uint8_t *buffer,
                            size_t capacity);
