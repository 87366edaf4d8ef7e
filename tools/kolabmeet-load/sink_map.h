/* The sinks of a transport by SSRC, of media and of retransmission. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/kolabmeet-load/media_sink.h"

struct sink_map_slot {
    uint32_t ssrc;
    struct media_sink *sink; /* NULL: free */
};

/* All zeroes is empty. */
struct sink_map {
    struct sink_map_slot *slots; /* open addressing, half full at most */
    size_t size;                 /* a power of two, or 0 */
    size_t count;
};

/* An SSRC that is there already gets the new sink. */
void sink_map_add(struct sink_map *map, uint32_t ssrc, struct media_sink *sink);
void sink_map_remove(struct sink_map *map, uint32_t ssrc);
struct media_sink *sink_map_find(const struct sink_map *map, uint32_t ssrc);
void sink_map_deinit(struct sink_map *map);
