/* What a receiver report says about one stream (RFC 3550 sections 6.4.1 and A.8). */
#pragma once

#include <stdint.h>

#include "proto/wire/rtcp_report.h"

/* All zeroes, but for clock_rate, is a stream of which nothing has come. */
struct reception {
    uint32_t clock_rate;
    int64_t first; /* sequence numbers, unwrapped */
    int64_t highest;
    uint64_t received;
    uint64_t reported_expected; /* up to the last report */
    uint64_t reported_received;
    int64_t transit; /* timestamp units */
    int64_t jitter;  /* 16 times */
    uint32_t last_sr;
    uint64_t last_sr_ns;
};

/* Counts a packet and returns its sequence number, unwrapped. */
int64_t reception_take(struct reception *reception, uint16_t sequence, uint32_t timestamp,
                       uint64_t arrival_ns);

void reception_take_sr(struct reception *reception, uint64_t ntp, uint64_t arrival_ns);

/* The block about what came since the last one. */
void reception_report(struct reception *reception, uint32_t ssrc, uint64_t now_ns,
                      struct rtcp_report_block *ret_block);
