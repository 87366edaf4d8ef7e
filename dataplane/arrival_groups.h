/* Inter-group delay variation (draft-ietf-rmcat-gcc-02 sections 5.2 and 5.3): packets that left within 5 ms
 * are one group, and so are those that a queue let go in a burst; of two groups in a row, how much further
 * apart did they arrive than they were sent.
 *
 * Send and arrival times are of two clocks: only differences count. Zeroes are the start. Packets that
 * overtook each other are left out; arrivals that go backwards three groups in a row, or jump by 3 s against
 * our own clock, begin anew (as libwebrtc's InterArrival). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct arrival_group {
    int64_t first_send_us;
    int64_t last_send_us;
    int64_t first_arrival_us;
    int64_t last_arrival_us;
    uint64_t told_us; /* when its feedback came, on our clock */
};

struct arrival_groups {
    struct arrival_group current;
    struct arrival_group previous;
    uint8_t has_current;
    uint8_t has_previous;
    uint8_t backwards; /* groups in a row */
    uint8_t reserved[5];
};

struct arrival_delta {
    double send_ms;
    double arrival_ms;
};

/* A packet arrived. True when it begins a group and there are two before it: their deltas. */
bool arrival_groups_packet(struct arrival_groups *groups, int64_t send_us, int64_t arrival_us,
                           uint64_t now_us, struct arrival_delta *ret_delta);
