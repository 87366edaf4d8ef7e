/* STUN on the media port. Checks on the pairs that ICE has validated are answered here (RFC 8445 section 7.3,
 * RFC 7675), so that consent lives on while control is away; whatever could change a pair, a role or a
 * nomination is control's. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/transport_table.h"

#define CONSENT_TIMEOUT_US 30000000u /* RFC 7675 section 5.1 */

struct worker;

/* A STUN packet. transport: the one whose tuple it came from, or NULL. */
void consent_ingress(struct worker *worker, struct transport *transport, const struct port_packet *packet);

/* Ends consent that has run out: media stops, control is told. */
void consent_turn(struct worker *worker, struct transport *transport);
