/* The objects of GET /stats: what control itself knows of each thing. All are new references. */
#pragma once

#include <jansson.h>

struct consumer;
struct peer;
struct peer_transport;
struct producer;
struct room;

/* {peerId: stats_peer}. */
json_t *stats_room(const struct room *room);
/* {id, nickname, producers, consumers, transports}. */
json_t *stats_peer(const struct peer *peer);
json_t *stats_transport(const struct peer_transport *transport);
json_t *stats_producer(const struct producer *producer);
json_t *stats_consumer(const struct consumer *consumer);
