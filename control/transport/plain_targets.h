/* Where plain RTP may be sent to. Whoever is in a meeting names such an address, and the network behind this
 * server is not theirs to send to: so the setting PLAIN_TARGETS says what is.
 *
 * It is a list by commas of addresses, networks and two words: `private` is private networks (RFC 1918, RFC
 * 4193), `any` is everything. Some addresses are in neither of these, and have to be named: this machine by
 * loopback, unless its media port is bound to loopback and nobody else is there; the link (169.254.0.0/16,
 * fe80::/10); and where clouds answer with a machine's credentials. Multicast and broadcast are no addresses
 * to send to at all. */
#pragma once

#include <stdbool.h>

struct plain_targets;

/* NULL: nobody. -EINVAL for what is no such list, -ENOMEM. */
int plain_targets_create(const char *setting, const char *listen_ip, struct plain_targets **ret_targets);
void plain_targets_destroy(struct plain_targets *targets);

bool plain_targets_have(const struct plain_targets *targets, const char *ip);
