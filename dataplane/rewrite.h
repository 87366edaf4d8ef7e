/* One consumer's view of a stream: SSRC, payload type, header extensions of its own, sequence numbers and
 * timestamps that go on whatever happens upstream: pauses, producer restarts, switches of encoding, packets
 * left out. State: struct rewrite_state.
 *
 * A packet's way:
 *     switch (layer_switch_packet(...)) { ignored: return; switched: rewrite_sync(); vp8_continuity_sync(); }
 *     padding only, or of a dropped layer: rewrite_drop(), return;
 *     rewrite_sequence() and, for VP8, vp8_continuity_packet(): the numbers to send;
 *     rewrite_packet_head() into the send buffer, from where it is protected.
 *
 * Output numbers are 64 bits wide inside; the low 48 are the SRTP packet index (roll-over counter and
 * sequence). None is given out twice, whatever comes in: with AES-GCM that would break the cipher. Input that
 * is older than 512 numbers, or older than the last sync, is refused. */
#pragma once

#include <stdbool.h>

#include "dataplane/sender_clock.h"
#include "proto/wire/rtp.h"
#include "shm/media_state.h"

/* Output numbers start at first_sequence (random, low enough to tell the receiver's roll-over counter is 0:
 * RFC 3711 section 3.3.1). video: streams whose marker bit ends a frame. */
void rewrite_init(struct rewrite_state *state, uint32_t ssrc, uint8_t payload_type, uint16_t first_sequence,
                  bool video);

/* The packets to come are protected by other keys: the roll-over counter begins anew at 0, as it does at the
 * receiver; the sequence numbers go on, or leave out those up to the wrap (srtp_index_begin). */
void rewrite_new_keys(struct rewrite_state *state);

/* Where a new piece of stream begins, and what is known of its clock. */
struct rewrite_start {
    uint16_t sequence; /* of its first packet */
    uint32_t timestamp;
    bool same_stream;         /* the input stream that went before (resume, restart) */
    struct stream_clock from; /* of the stream that went before */
    struct stream_clock to;   /* of the new one; rate is always needed */
    uint64_t now_us;
    bool squeeze; /* it begins in the past: timestamps before squeeze_end are moved towards it */
    uint32_t squeeze_end;
};

/* To be called right before the rewrite_sequence() of start's packet.
 *
 * The output goes on with this packet, at the next number; one number is left out when the last packet sent
 * did not end its frame, so that a receiver cannot take two halves for one. Packets of the new stream before
 * start->sequence are refused from now on.
 *
 * The timestamp follows the sender's clock where it is known (same stream, or sender reports of both), else
 * the time that passed; also when the sender's clock and the time that passed are more than 5 s apart. It is
 * always higher than the last one sent.
 *
 * squeeze: the distances of timestamps to squeeze_end, as far as they are before it, are divided by 32, so
 * that a receiver shows what is old as fast as it comes. */
void rewrite_sync(struct rewrite_state *state, const struct rewrite_start *start);

struct rewrite_numbers {
    uint64_t sequence;
    uint32_t timestamp;
    uint16_t picture_id; /* used when the packet is VP8 */
    uint8_t tl0_picture_index;
    bool marker; /* the last packet of its picture that is sent, whatever it says itself */
    bool has_targets;
    uint32_t targets; /* with has_targets: what the dependency descriptor is to say is active */
};

/* The numbers that a packet goes out with; ret_numbers' VP8 fields are left alone. -ENOTCONN before the first
 * sync, -EALREADY for a number that was sent or left out before, -ESTALE for one that is too old to know. */
int rewrite_sequence(struct rewrite_state *state, const struct rtp_header *header, uint64_t now_us,
                     struct rewrite_numbers *ret_numbers);

/* The timestamp that a packet goes out with. */
uint32_t rewrite_timestamp(const struct rewrite_state *state, uint32_t timestamp);

/* Leaves a packet out. The gap is closed when it is the newest; when later ones are out already, it stays.
 * Errors as above, and then nothing needs to be done. */
int rewrite_drop(struct rewrite_state *state, uint16_t sequence);
