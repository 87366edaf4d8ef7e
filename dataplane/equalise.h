/* Packets of one size in a row leave as one message (port.h), and browsers cut a frame into packets whose
 * sizes differ by a byte: a few bytes of RTP padding (RFC 3550 section 5.1) make them equal, once for all
 * consumers. */
#pragma once

#include "dataplane/forward.h"

#define EQUALISE_BYTES_MAX 8u /* of padding; a received packet has at least the room of its SRTP tag, 10 */

/* The packets of a stream in order: pads those that can be written to and are a little shorter than others
 * around them. The last one of a run may stay shorter. */
void equalise(struct flight *first);
