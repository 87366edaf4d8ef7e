/* The way in: what each received packet is, whom it came from, and whether it is authentic. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/stream_table.h"

struct worker;

/* A packet that was authenticated and decrypted. */
struct ingress_packet {
    struct transport *transport;
    uint8_t *data;
    uint32_t length;
    enum srtp_kind kind;
};

/* Sorts a batch by its first bytes (RFC 7983) and its sources: STUN and DTLS are dealt with at once; SRTP and
 * SRTCP of known tuples are decrypted, all together; what came by a socket of plain RTP is as it is
 * (plain.h). What the kernel gave to the wrong worker (without the steering program) is handed over to the
 * right one, but not a second time: taken_over says that these come from another worker. Returns how many of
 * ret_packets there are then. */
uint32_t ingress_open(struct worker *worker, const struct port_packet *packets, uint32_t count,
                      bool taken_over, struct ingress_packet ret_packets[PORT_BATCH]);

/* A producer ends: the SRTP layer need not keep what it knows of its streams, and nothing is asked of them.
 */
void ingress_forget(struct worker *worker, const struct producer *producer);

/* An RTP packet: finds its stream, counts it, and forwards it. */
void ingress_rtp(struct worker *worker, const struct ingress_packet *packet);
