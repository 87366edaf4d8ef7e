/* From the numbers that a consumer was sent back to those of its stream.
 *
 * Nothing is remembered for it: the window of left-out numbers in rewrite_state says where each of the last
 * 512 input numbers went. Numbers of before the last switch or restart have no way back: a key frame followed
 * them. */
#pragma once

#include "dataplane/packet_view.h"
#include "dataplane/rewrite.h"

struct sent_number {
    uint16_t input;
    uint64_t sequence; /* the whole of the output number */
};

/* Which packet was sent as number `output`. -ESTALE when it is too old to know, -ENOENT when none was: it is
 * to come, or was lost on its way here. */
int sent_map_find(const struct rewrite_state *state, uint16_t output, struct sent_number *ret_number);

/* All numbers that the packet was sent with. -ESTALE when its picture is too old to know. */
int sent_map_numbers(const struct media_consumer *media, const struct packet_view *view,
                     const struct sent_number *number, struct rewrite_numbers *ret_numbers);
