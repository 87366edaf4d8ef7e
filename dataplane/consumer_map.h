/* A worker's map from the SSRC of what is sent, and of its RTX, to the consumer: heads of chains through the
 * consumers themselves, eight bytes in each. Private to the worker and made anew at attach. */
#pragma once

#include <stdint.h>

/* Chains stay short up to some ten thousand consumers; more would be more pages that each worker touches. */
#define CONSUMER_MAP_HEADS 16384u

struct consumer;
struct transport;

struct consumer_map {
    uint32_t *heads;            /* owned; see consumer_map.c */
    struct consumer *consumers; /* not owned; by index of the row */
};

/* -ENOMEM. */
int consumer_map_init(struct consumer_map *map, struct consumer *consumers);
void consumer_map_deinit(struct consumer_map *map);

/* A consumer's row and transport stay what they are while it is in the map. */
void consumer_map_install(struct consumer_map *map, struct consumer *consumer);
void consumer_map_remove(struct consumer_map *map, struct consumer *consumer);

/* The one that goes out by transport with this SSRC, or RTX SSRC, or NULL. */
struct consumer *consumer_map_find(const struct consumer_map *map, const struct transport *transport,
                                   uint32_t ssrc);
