/* A worker's map from (transport, SSRC) to a stream: open addressing in memory that the caller gives, private
 * to the worker and made anew at attach. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ssrc_map_slot {
    uint32_t transport;
    uint32_t ssrc;
    uint32_t value;
    uint32_t used;
};

struct ssrc_map {
    struct ssrc_map_slot *slots; /* not owned */
    uint32_t mask;
    uint32_t count;
    uint32_t limit; /* entries that are accepted: three quarters of the slots */
    uint32_t seed;
};

/* slot_count is a power of two, at least 8 (-EINVAL). seed: random, since the peers choose the SSRCs. */
int ssrc_map_init(struct ssrc_map *map, struct ssrc_map_slot *slots, uint32_t slot_count, uint32_t seed);

/* -EEXIST when the key is there already (the value stays), -ENOSPC when the map is full. */
int ssrc_map_install(struct ssrc_map *map, uint32_t transport, uint32_t ssrc, uint32_t value);

/* 0 or -ENOENT. */
int ssrc_map_find(const struct ssrc_map *map, uint32_t transport, uint32_t ssrc, uint32_t *ret_value);

/* Returns 0, or -ENOENT when there is no such key. */
int ssrc_map_remove(struct ssrc_map *map, uint32_t transport, uint32_t ssrc);
