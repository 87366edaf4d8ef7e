/* The address of a client behind proxies: X-Forwarded-For, as far as it comes from proxies that are trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FORWARDED_ADDRESS_BYTES 48

struct forwarded_trust;

/* Addresses and networks ("192.0.2.1,10.0.0.0/8,fd00::/8"). NULL trusts nobody. -EINVAL, -ENOMEM. */
int forwarded_trust_parse(const char *list, struct forwarded_trust **ret_trust);
void forwarded_trust_destroy(struct forwarded_trust *trust);

/* IPv4 in IPv6 counts as IPv4. A NULL trust has nobody. */
bool forwarded_trust_has(const struct forwarded_trust *trust, const char *address);

/* Who is behind peer, a numeric address: of the addresses in the header (NULL: none), from the last to the
 * first, the first that is not trusted; peer itself if it is not trusted. What is no address ends the search.
 */
void forwarded_client(const struct forwarded_trust *trust, const char *peer, const char *header,
                      char ret_address[FORWARDED_ADDRESS_BYTES]);
