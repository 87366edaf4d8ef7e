/* How much may be sent once more to one consumer: each packet once a round trip, no more bytes than a share
 * of what it gets anyway, and no more questions than a receiver has reason for. So a NACK costs its sender
 * about what it brings him.
 *
 * All zeroes is the start. The state is the worker's own: a new process begins with full buckets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RESEND_LIMIT_PERCENT 30u           /* of the consumer's bitrate */
#define RESEND_LIMIT_LEAST_BPS 100000u     /* however low that is */
#define RESEND_LIMIT_BURST_BYTES 40000u    /* about a key frame */
#define RESEND_LIMIT_ITEMS 1000u           /* packet numbers asked for: a second, and at once */
#define RESEND_LIMIT_ROUND_TRIP_US 100000u /* while none is known */
#define RESEND_LIMIT_RECENT 32u

struct resend_limit {
    uint64_t refilled_us;
    uint32_t bytes; /* that may be sent now */
    uint32_t items;
    struct {
        uint16_t sequence;
        uint16_t sent_ms;          /* low half; 0 = nothing here */
    } recent[RESEND_LIMIT_RECENT]; /* by sequence % RESEND_LIMIT_RECENT */
};

/* Lets time bring back what it does; bitrate_bps: of the consumer's media. */
void resend_limit_refill(struct resend_limit *limit, uint64_t bitrate_bps, uint64_t now_us);

/* Whether one more number may be asked for; takes it. */
bool resend_limit_take_item(struct resend_limit *limit);

/* Whether the packet with that number was sent again within the last round trip (0: not known). */
bool resend_limit_is_repeat(const struct resend_limit *limit, uint16_t sequence, uint32_t round_trip_us,
                            uint64_t now_us);

/* Whether so many bytes may be sent; takes them. */
bool resend_limit_take_bytes(struct resend_limit *limit, uint32_t bytes);

/* The packet with that number was sent again. */
void resend_limit_sent(struct resend_limit *limit, uint16_t sequence, uint64_t now_us);
