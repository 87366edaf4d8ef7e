/* The cap on a publisher's bitrate, told by REMB every 1.5 s whatever other feedback was negotiated. State:
 * struct remb_cap; zeroes are no cap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shm/media_state.h"

#define REMB_CAP_INTERVAL_US 1500000u

/* 0 takes the cap back: four messages with bitrate 0 say so. */
void remb_cap_set(struct remb_cap *state, uint32_t bitrate_bps);

bool remb_cap_due(const struct remb_cap *state, uint64_t now_us);

/* Writes one REMB about the transport's producer streams. Returns its bytes, 0 when none is due or there is
 * no stream, or -ENOSPC. */
int remb_cap_write(struct remb_cap *state, uint32_t sender_ssrc, const uint32_t *ssrcs, size_t count,
                   uint64_t now_us, uint8_t *buffer, size_t capacity);
