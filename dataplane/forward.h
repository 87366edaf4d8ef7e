/* Fan-out: one packet of a producer stream to all of its consumers, each with its own numbers. */
#pragma once

#include "dataplane/packet_view.h"
#include "dataplane/stream_table.h"

struct worker;

void forward_packet(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                    const uint8_t *data, const struct packet_view *view);

/* The stream began anew with other numbers: its consumers pick it up where it is. */
void forward_restart(struct stream *stream);

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
