/* The address of a client behind proxies: X-Forwarded-For, as far as it comes from proxies that are trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FORWARDED_ADDRESS_BYTES 48

struct networks;

/* Who is behind peer, a numeric address: of the addresses in the header (NULL: none), from the last to the
 * first, the first that is not trusted; peer itself if it is not trusted. What is no address ends the search.
 */
void forwarded_client(const struct networks *trust, const char *peer, const char *header,
                      char ret_address[FORWARDED_ADDRESS_BYTES]);
