/* VP8 picture ids and TL0PICIDX (RFC 7741 section 4.2) that go on for one consumer over switches and left-out
 * pictures. State: struct vp8_continuity; zeroes are the start.
 *
 * Ids are counted in 15 bits; a one-byte id stays one and shows the low 7 bits, which go on as well: the
 * descriptor never changes its length. */
#pragma once

#include "dataplane/rewrite.h"
#include "proto/wire/vp8.h"
#include "shm/media_state.h"

/* The next picture begins a new piece of stream: it goes out with the number after the last one. */
void vp8_continuity_sync(struct vp8_continuity *state, const struct vp8_descriptor *descriptor);

/* The numbers of a packet's picture, for vp8_rewrite. -ESTALE for a picture that was left out, or is 64 or
 * more pictures old: the packet is to be dropped. Syncs by itself on the first packet. */
int vp8_continuity_packet(struct vp8_continuity *state, const struct vp8_descriptor *descriptor,
                          struct rewrite_numbers *numbers);

/* The numbers that a packet was sent with before; changes nothing. -ESTALE for a picture that was not sent,
 * or is too old to know. */
int vp8_continuity_find(const struct vp8_continuity *state, const struct vp8_descriptor *descriptor,
                        struct rewrite_numbers *numbers);

/* Leaves a picture out (for each of its packets): later ones move up. A picture of which a packet was sent,
 * or that is not the newest, keeps its number. */
void vp8_continuity_drop(struct vp8_continuity *state, const struct vp8_descriptor *descriptor);
