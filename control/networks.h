/* Sets of addresses: "192.0.2.1,10.0.0.0/8,fd00::/8". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct networks;

/* Addresses and networks by commas. -EINVAL, -ENOMEM. */
int networks_parse(const char *list, struct networks **ret_networks);
void networks_destroy(struct networks *networks);

/* The next word of such a list, which is written to, without blanks around it; *rest is NULL after the last.
 */
char *networks_next_word(char **rest);

/* IPv4 in IPv6 counts as IPv4. NULL has nobody; what is no numeric address is in none. */
bool networks_has(const struct networks *networks, const char *address);

/* A numeric address as IPv6, IPv4 mapped into it (RFC 4291 section 2.5.5.2). False if it is none. */
bool networks_parse_address(const char *text, uint8_t ret_address[16], bool *ret_is_v4);
