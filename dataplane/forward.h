/* Fan-out: the packets of a producer stream to all of its consumers, each with its own numbers.
 *
 * The packets of a round wait until all of them are known; then each consumer is visited once for all packets
 * of a stream. So its state is loaded once, and what goes to it is queued in a row. */
#pragma once

#include "dataplane/egress.h"
#include "dataplane/packet_view.h"
#include "dataplane/port.h"
#include "dataplane/stream_table.h"

struct worker;

/* A packet on its way, and what its consumers share. */
struct flight {
    struct stream *stream;
    const struct shm_payload_type *type;
    const uint8_t *data;
    uint8_t *room;              /* behind the payload, to be written to; NULL: in another worker's hands */
    struct packet_place source; /* where data stand, once they are stored */
    struct flight *next;        /* of the same stream */
    uint32_t restarts;          /* of the stream, up to this packet */
    struct packet_view view;
};

/* It shows nothing, and only fills the path. */
static inline bool flight_is_padding(const struct flight *flight)
{
    return flight->view.header.payload_length == 0;
}

struct forward_batch {
    uint32_t count;
    uint32_t stream_count;
    struct stream *streams[PORT_BATCH]; /* in the order of their first packets */
    struct flight flights[PORT_BATCH];
};

struct stored_packet;

/* A packet as it was received: data must stay until forward_flush, and behind its payload stands what is left
 * of its SRTP tag. */
void forward_packet(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                    uint8_t *data, const struct packet_view *view);

/* A packet of another worker's stream, which has stored it. */
void forward_stored(struct worker *worker, struct stream *stream, const struct stored_packet *packet);

/* Hands what waits to egress. To be called before a stream, producer or consumer changes; what is declared
 * below does so by itself. */
void forward_flush(struct worker *worker);

/* The stream began anew with other numbers: what the consumers' numbers were tied to is gone. They are sent
 * it again from a key frame on, since new numbers would hide from receivers that pictures are missing. */
void forward_restart(struct worker *worker, struct stream *stream);

/* Consumers tie their numbers anew to a stream that goes on: a mirror of a new process does not know its
 * life. */
void forward_resync(struct worker *worker, struct stream *stream);

/* Whether nothing has come for so long that consumers count the stream as dead. */
bool forward_is_silent(const struct worker *worker, const struct stream *stream);

/* A packet came on a stream that was silent, or is new. */
void forward_revive(struct worker *worker, struct stream *stream);

/* In a transport's turn: its consumers choose anew what they are sent, since a stream that dies does not say
 * so. */
void forward_turn(struct worker *worker, struct transport *transport);

/* The consumer begins anew: after its own pause, its producer's (forward_begin_producer), or a time in which
 * nothing could be sent by its transport (forward_begin_transport). */
void forward_begin(struct worker *worker, struct consumer *consumer);
void forward_begin_producer(struct worker *worker, struct producer *producer);
void forward_begin_transport(struct worker *worker, struct transport *transport);
