/* The RTCP that a worker sends: requests for key frames when somebody needs one, and in each transport's turn
 * its reports, feedback about arrivals, the cap on its bitrate. */
#pragma once

#include "dataplane/stream_table.h"

struct worker;

/* Somebody needs a key frame of stream: asked for now, or when the interval of the last request is over. */
void rtcp_egress_request_key_frame(struct worker *worker, struct stream *stream);

/* Asks the sender of stream for packets that are missing. */
void rtcp_egress_nack(struct worker *worker, struct stream *stream, const uint16_t *sequences, size_t count);

/* What is due in a turn of transport. Key-frame requests that nothing came of are repeated. */
void rtcp_egress_turn(struct worker *worker, struct transport *transport);
