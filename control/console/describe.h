/* What the console says of a thing: what control knows (dump), and what the forwarder has counted (numbers).
 * Tokens, passwords and keys are in none of it. All are new references, NULL when out of memory. */
#pragma once

#include <jansson.h>

#include "control/console/find.h"

struct forwarder;

/* A row of the list of rooms, and of peers. */
json_t *describe_room_row(const struct room *room);
json_t *describe_peer_row(const struct peer *peer);

json_t *describe_dump(const struct found *found);
json_t *describe_numbers(struct forwarder *forwarder, const struct found *found);
