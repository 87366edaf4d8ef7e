#include "dataplane/resend_limit.h"

#define ROUND_TRIP_MIN_US 10000u
#define ROUND_TRIP_MAX_US 1000000u
#define REFILL_MAX_US 10000000u /* enough to fill any bucket */

static uint32_t add_up_to(uint32_t value, uint64_t more, uint32_t limit)
{
    return more >= limit - value ? limit : value + (uint32_t)more;
}

void resend_limit_refill(struct resend_limit *limit, uint64_t bitrate_bps, uint64_t now_us)
{
    uint64_t passed_us = now_us - limit->refilled_us;
    uint64_t share_bps = bitrate_bps * RESEND_LIMIT_PERCENT / 100;

    if (limit->refilled_us == 0 || passed_us > REFILL_MAX_US)
        passed_us = REFILL_MAX_US;
    if (share_bps < RESEND_LIMIT_LEAST_BPS)
        share_bps = RESEND_LIMIT_LEAST_BPS;
    uint64_t bytes = share_bps * passed_us / 8000000;
    uint64_t items = RESEND_LIMIT_ITEMS * passed_us / 1000000;
    if (bytes == 0 || items == 0) /* too soon: what is left over would be lost */
        return;
    limit->bytes = add_up_to(limit->bytes, bytes, RESEND_LIMIT_BURST_BYTES);
    limit->items = add_up_to(limit->items, items, RESEND_LIMIT_ITEMS);
    limit->refilled_us = now_us;
}

bool resend_limit_take_item(struct resend_limit *limit)
{
    if (limit->items == 0)
        return false;
    limit->items--;
    return true;
}

static uint16_t low_ms(uint64_t now_us)
{
    uint16_t ms = (uint16_t)(now_us / 1000);
    return ms != 0 ? ms : 1;
}

/* Receivers ask again when they think a round trip has passed, and measure it a little shorter now and then.
 */
bool resend_limit_is_repeat(const struct resend_limit *limit, uint16_t sequence, uint32_t round_trip_us,
                            uint64_t now_us)
{
    unsigned place = sequence % RESEND_LIMIT_RECENT;
    uint32_t wait_us = round_trip_us == 0 ? RESEND_LIMIT_ROUND_TRIP_US : round_trip_us;

    if (limit->recent[place].sent_ms == 0 || limit->recent[place].sequence != sequence)
        return false;
    wait_us = wait_us < ROUND_TRIP_MIN_US   ? ROUND_TRIP_MIN_US
              : wait_us > ROUND_TRIP_MAX_US ? ROUND_TRIP_MAX_US
                                            : wait_us;
    return (uint16_t)(low_ms(now_us) - limit->recent[place].sent_ms) < wait_us / 8 * 7 / 1000;
}

bool resend_limit_take_bytes(struct resend_limit *limit, uint32_t bytes)
{
    if (limit->bytes < bytes)
        return false;
    limit->bytes -= bytes;
    return true;
}

void resend_limit_sent(struct resend_limit *limit, uint16_t sequence, uint64_t now_us)
{
    unsigned place = sequence % RESEND_LIMIT_RECENT;

    limit->recent[place].sequence = sequence;
    limit->recent[place].sent_ms = low_ms(now_us);
}
