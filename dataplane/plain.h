/* Plain transports: RTP and RTCP in the clear, for encoders and recorders.
 *
 * The socket says which transport a packet is for; whether it is believed is said by its source:
 * - Of a given address (ConnectPlain) RTP is taken from exactly there, RTCP from any port of that host.
 * - Without one the address is learned (comedia): from the first RTP packet with an SSRC or payload type of
 *   one of the transport's producers; for RTCP, from its first report by a known SSRC, of the same host once
 *   that is known. An address that is silent for PLAIN_SILENCE_US is forgotten, so that an encoder that
 *   starts again is learned anew, and nobody is sent to who is not there.
 * - RTCP may also come by the socket for RTP (RFC 5761); then it is answered there if there is no other way.
 * Nothing is sent before the address is known. */
#pragma once

#include "dataplane/ingress.h"

#define PLAIN_SILENCE_US 5000000u

struct worker;

/* Whether a packet that came by a socket of plain RTP is to be handled; if not, it was counted. */
bool plain_accept(struct worker *worker, const struct port_packet *packet, struct ingress_packet *ret_packet);

/* The address is given: RTP there, RTCP to another port of it. -EINVAL for a transport that is not plain. */
int plain_connect(struct worker *worker, struct transport *transport, const struct shm_address *remote,
                  uint16_t rtcp_port);

/* Forgets who was silent. */
void plain_turn(struct worker *worker, struct transport *transport);
