/* The repair of received streams: gaps are asked for (nack.h), and what comes as RTX (RFC 4588) becomes the
 * packet that was lost.
 *
 * Only what somebody consumes is repaired. The streams that miss something stand in a list of the worker,
 * whose turn comes as soon as a question is due. */
#pragma once

#include "dataplane/stream_table.h"

struct packet_view;
struct worker;

struct repairs {
    struct stream *first; /* that misses something, by next_repair */
    uint64_t due_us;      /* when the next question is due; UINT64_MAX: never */
};

void repairs_init(struct repairs *repairs);

/* A packet of the stream itself came, after which `missing` numbers before it have not come yet. */
void repairs_packet(struct worker *worker, struct stream *stream, const struct packet_view *view,
                    uint32_t missing);

/* The stream began anew. */
void repairs_restart(struct stream *stream);

/* The first packet of a key frame came. */
void repairs_key_frame(struct stream *stream, uint16_t sequence);

/* Makes of RTX the packet that it repairs, in view alone: its bytes stay where they are. False (counted) when
 * that packet is not missing, or it is none: senders probe for bandwidth with those. type is the media's. */
bool repairs_unwrap(struct worker *worker, struct stream *stream, const struct shm_payload_type *type,
                    const uint8_t *data, struct packet_view *view);

/* Asks for what is due. */
void repairs_turn(struct worker *worker);

/* The stream ends, and is not to be touched any more. */
void repairs_forget(struct worker *worker, struct stream *stream);
