/* Padding to probe with: a stream of its own, of which receivers of mediasoup-client know (SSRC 1234, payload
 * type 127, MID "probator"). Its packets carry abs-send-time and transport-wide numbers with the ids of the
 * transport's consumers, and zeroes. */
#pragma once

#include "dataplane/stream_table.h"

struct worker;

#define PROBATOR_SSRC 1234u
#define PROBATOR_PAYLOAD_TYPE 127u

/* Queues a packet of about so many bytes as they go over the wire, trailer included, with the extension ids
 * of like. 0, or a negative errno: -ENOTCONN when nothing can be sent there. */
int probator_send(struct worker *worker, const struct consumer *like, uint32_t bytes);

/* The transport's keys are new: roll-over counters begin anew (as rewrite_new_keys). */
void probator_new_keys(struct transport *transport);
