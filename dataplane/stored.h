/* Packets of the packet store, and the sending of one to a consumer under given numbers: the one way by which
 * a packet leaves, at once or later, for the first time or as a retransmission.
 *
 * What is read of a packet is copied and checked first; the payload is read by the cipher, and egress drops
 * what was overwritten meanwhile. */
#pragma once

#include "dataplane/egress.h"
#include "dataplane/history.h"
#include "dataplane/packet_view.h"
#include "dataplane/rewrite.h"
#include "dataplane/stream_table.h"

struct flight;
struct worker;

/* A packet that is to go out. All that it points at stays until it was sent. */
struct stored_packet {
    const uint8_t *data;
    const struct packet_view *view;
    const struct shm_payload_type *type;
    struct packet_place source; /* where data stands, if it may be overwritten */
};

/* What the store says of a packet. */
struct stored_facts {
    struct packet_view view;
    uint64_t received_us;
    shm_handle stream;
    uint32_t payload_type; /* index in the producer's list */
    uint32_t restarts;
};

/* Copies a packet of this worker's into its circle, notes it in the stream's history, and lets the flight
 * refer to the copy: whoever sends it, now or later, reads it there. A packet that is too long is
 * counted, and stays where it is. */
void stored_keep(struct worker *worker, struct flight *flight);

/* The history of a stream, of this worker or another one's. */
struct history stored_history(const struct worker *worker, const struct stream *stream);

/* What stands at place. -ESTALE when it was overwritten, -EBADMSG when it makes no sense. */
int stored_read(const struct packet_place *place, struct stored_facts *ret_facts);

/* The same for a packet of stream, ready to be sent. facts must stay as long as ret_packet. -EPROTO for a
 * payload type that the producer does not have. */
int stored_open(const struct stream *stream, const struct packet_place *place, struct stored_facts *ret_facts,
                struct stored_packet *ret_packet);

/* Queues the packet for a consumer. Its numbers have never been sent before. -ENOTCONN when nothing can be
 * sent there, -EMSGSIZE when it does not fit; both are counted. Returns 0 when it was queued; egress_flush
 * sends it. Statistics of what is sent for the first time are the caller's. */
int stored_send(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                const struct rewrite_numbers *numbers);

/* Queues a packet that was sent with these numbers before, as RTX (RFC 4588): another SSRC and payload type,
 * numbers of its own that are never used twice, the old number before the payload. -EOPNOTSUPP when the
 * consumer has no RTX, or the packet's codec none; else as above. Returns the bytes of its payload. */
int stored_send_rtx(struct worker *worker, struct consumer *consumer, const struct stored_packet *packet,
                    const struct rewrite_numbers *numbers);
