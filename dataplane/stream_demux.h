/* Which producer and encoding of a transport a packet with an unknown SSRC belongs to (RFC 8843 section 9.2,
 * RFC 8852). Known SSRCs are looked up in ssrc_map first; what is found here is learned and belongs there.
 *
 * Rules that keep one stream from taking another's place:
 * - a MID that names no producer, or a RID its producer does not have, matches nothing, whatever else would
 * fit;
 * - a RID counts only inside its MID; without a MID it must be unique in the transport;
 * - an SSRC that is known, signaled or learned, is never exchanged for another;
 * - the SSRCs of closed producers match nothing until a new producer signals them;
 * - RTX does not come before the media it repairs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/packet_view.h"
#include "shm/media_state.h"

struct stream_demux_match {
    unsigned producer;     /* index into the array */
    unsigned encoding;     /* index into its encodings */
    unsigned payload_type; /* index into its payload types */
    bool is_rtx;
    bool is_new; /* the SSRC was learned from this packet */
};

/* Looks at SSRC, MID, RID, repaired RID and payload type of a packet that was authenticated; learns the SSRC.
 * producers with handle 0 are free. -ENOENT: unknown; -EEXIST: it claims the place of a stream with another
 * SSRC; -EAGAIN: RTX before its media; -EPROTO: a known SSRC with a payload type that its producer does not
 * have there. */
int stream_demux_find(struct demux_producer *producers, size_t count, const struct demux_retired *retired,
                      const uint8_t *packet, const struct packet_view *view,
                      struct stream_demux_match *ret_match);

/* The payload type's index in a producer, for packets whose SSRC is known; -EPROTO when it has none such. */
int stream_demux_payload_type(const struct demux_producer *producer, uint8_t payload_type, bool is_rtx,
                              unsigned *ret_index);

/* Installs a producer in a free place: checks that none of its SSRCs is another's (-EEXIST), that a producer
 * without MID can be told apart, and that its numbers fit (-EINVAL); takes its SSRCs off the retired ones.
 * -ENOSPC when no place is free. */
int stream_demux_install(struct demux_producer *producers, size_t count, struct demux_retired *retired,
                         const struct demux_producer *producer, unsigned *ret_index);

/* Frees the place, and retires the SSRCs. */
void stream_demux_remove(struct demux_producer *producer, struct demux_retired *retired);
