/* What the RTCP of one transport may cost its worker, which has other rooms to serve: RTCP_LIMIT_UNITS a
 * second, and as many at once. A unit is what a short part costs (a report of a block or two, a PLI); more
 * content is more units, and transport-wide feedback costs by the packets that it speaks of, which 24 bytes
 * can be 8191 of.
 *
 * Nobody needs near that many. Of compounds of six parts, as browsers send 20 to 50 a second, 120 to 300
 * units come. Who is sent 200 videos reports each of them by itself, in three parts a second, and asks under
 * loss some five times a second for packets of each: 1600. Feedback of 30 Mbit/s is 250. To refuse all of the
 * rest that a network can bring costs less than decrypting it. */
#pragma once

#include "dataplane/transport_table.h"
#include "proto/wire/rtcp.h"

#define RTCP_LIMIT_UNITS 4000u

/* Of one part of a compound, 1 or more. */
uint32_t rtcp_limit_units(const struct rtcp_packet *part);

/* Whether the transport may have that many units. */
bool rtcp_limit_admit(struct transport *transport, uint32_t units, uint64_t now_us);
