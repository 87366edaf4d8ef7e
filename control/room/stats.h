/* The objects of GET /stats: what control itself knows of each thing. */
#pragma once

#include <jansson.h>

struct room;

/* {peerId: {id, nickname, producers, consumers, transports}}, a new reference. */
json_t *stats_room(const struct room *room);
