/* The objects of GET /stats: what control itself knows of each thing, and, when it is to be measured, what
 * the forwarder counts: an array `stats` of objects as of mediasoup's getStats (control/forwarder/numbers.h).
 * All are new references. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct consumer;
struct peer;
struct peer_transport;
struct producer;
struct room;

/* {peerId: stats_peer}. */
json_t *stats_room(const struct room *room, bool measured);
/* {id, nickname, audioLevel, activeSpeaker, producers, consumers, transports}. */
json_t *stats_peer(const struct peer *peer, bool measured);
json_t *stats_transport(const struct peer_transport *transport, bool measured);
json_t *stats_producer(const struct producer *producer, bool measured);
json_t *stats_consumer(const struct consumer *consumer, bool measured);
