/* How much one address may ask for, and all of them together: connections at once, and things a second (token
 * buckets, of which BURST_S seconds' worth may come at once).
 *
 * An IPv6 client has a whole /64 to itself, so these count as one address. Trusted proxies that do not say
 * whom they speak for are not limited as an address, only in all. One thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/gateway/forwarded.h"

#define ADDRESS_LIMITS_BURST_S 5
#define ADDRESS_LIMITS_ADDRESSES_MAX 65536 /* the longest unused is forgotten */

struct address_limits;

struct address_limits_config {
    const struct networks *trust; /* NULL: nobody */
    /* 0: no limit */
    unsigned connections; /* of an address, at once */
    unsigned rate;        /* of an address, a second */
    unsigned rate_all;
};

enum address_limits_verdict {
    ADDRESS_LIMITS_OK,
    ADDRESS_LIMITS_ADDRESS, /* the address asks for too much */
    ADDRESS_LIMITS_ALL,     /* all together do */
};

int address_limits_create(const struct address_limits_config *config, struct address_limits **ret_limits);
void address_limits_destroy(struct address_limits *limits);

/* All three: NULL limits nobody. */

/* One connection more, until address_limits_disconnect. False: there are too many. */
bool address_limits_connect(struct address_limits *limits, const char *address);
void address_limits_disconnect(struct address_limits *limits, const char *address);
/* One thing more. */
enum address_limits_verdict address_limits_take(struct address_limits *limits, const char *address,
                                                uint64_t now_ms);
/* Milliseconds of the monotonic clock, for it. */
uint64_t address_limits_now_ms(void);
