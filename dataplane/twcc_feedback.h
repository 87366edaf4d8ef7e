/* Transport-wide feedback to a publisher: what has arrived on one transport, told every 100 ms at the latest
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01). State: struct twcc_feedback_state; zeroes are the
 * start.
 *
 * Arrivals are kept for 512 numbers and 500 ms. One that comes after its number was reported lost is reported
 * again with all after it. A jump of the numbers beyond the window starts anew. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shm/media_state.h"

#define TWCC_FEEDBACK_INTERVAL_US 100000u
#define TWCC_FEEDBACK_WINDOW_US 500000u

/* Repeats are ignored. */
void twcc_feedback_packet(struct twcc_feedback_state *state, uint16_t sequence, uint32_t media_ssrc,
                          uint64_t now_us);

/* Whether to write now: something is to be reported, and the interval is over or the window half full. */
bool twcc_feedback_due(const struct twcc_feedback_state *state, uint64_t now_us);

/* Writes one RTCP packet. Returns its bytes, 0 when nothing is left to report (call until then), or -ENOSPC:
 * give it TWCC_BUILDER_BYTES. */
int twcc_feedback_write(struct twcc_feedback_state *state, uint32_t sender_ssrc, uint64_t now_us,
                        uint8_t *buffer, size_t capacity);
