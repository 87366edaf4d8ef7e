/* The packet that a consumer is sent: the received one with a head of its own.
 *
 * The head is the RTP header and what is rewritten of the payload (the VP8 descriptor); the rest, the tail,
 * is read where the received packet stands, by the cipher. A consumer has one payload type: packets of
 * another codec of the producer are not its. */
#pragma once

#include "dataplane/packet_view.h"
#include "dataplane/rewrite.h"
#include "shm/media_state.h"

/* Fixed header, 15 CSRCs, and an extension block with every kind at its longest. */
#define REWRITE_PACKET_HEAD_MAX 512u

/* The numbers of a packet that is sent once more as RTX (RFC 4588 section 4). */
struct rewrite_rtx {
    uint32_t ssrc;
    uint16_t sequence;
    uint8_t payload_type;
};

/* What a packet gets on its way out. */
struct rewrite_egress {
    uint64_t now_us;
    uint16_t
        *transport_sequence; /* the transport's next number, counted up when one was written; NULL = none */
    const struct rewrite_rtx *rtx; /* NULL: it goes out under its own numbers */
};

struct rewrite_head {
    uint16_t clear_bytes; /* of the head: what SRTP leaves in the clear, header and extensions */
    uint16_t head_bytes;
    uint16_t tail_offset; /* in the received packet */
    uint16_t tail_bytes;  /* padding left out, unless it is ours */
};

/* Writes the head. CSRCs are kept; of the extensions the consumer gets those it has an id for: its own MID,
 * abs-send-time and transport-wide number are made here, the others copied from the packet, the dependency
 * descriptor with the consumer's mask of targets (numbers->has_targets); RID and repaired
 * RID never. RTX carries the packet's own number before the payload, and no padding. -EMSGSIZE when out is
 * too small, -EBADMSG when view and packet do not belong together; then nothing has changed but out. out must
 * not overlap packet. */
int rewrite_packet_head(const struct rewrite_state *state, const struct rewrite_extensions *extensions,
                        const uint8_t *packet, const struct packet_view *view,
                        const struct rewrite_numbers *numbers, const struct rewrite_egress *egress,
                        uint8_t *out, size_t out_bytes, struct rewrite_head *ret_head);

/* Head and tail in one piece. Returns its bytes, or errors as above. */
int rewrite_packet(const struct rewrite_state *state, const struct rewrite_extensions *extensions,
                   const uint8_t *packet, const struct packet_view *view,
                   const struct rewrite_numbers *numbers, const struct rewrite_egress *egress, uint8_t *out,
                   size_t out_bytes);
