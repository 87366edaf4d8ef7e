/* Requests of clients: a table of method, what it takes, and the function that does it. */
#pragma once

#include <jansson.h>

#include "control/room/event.h"

struct dispatch_row;
struct peer;

struct dispatch_result {
    struct event_text
        acknowledgement; /* an array of its arguments, the caller's; no text when out of memory */
    const struct dispatch_row *follow; /* for dispatch_follow; NULL: nothing follows */
};

/* Does what body, the first argument of a request event (or NULL), asks for. */
struct dispatch_result dispatch_request(struct peer *peer, const json_t *body);

/* Does nothing of it: it fails, as one more than its peer may ask for. */
struct dispatch_result dispatch_refuse(const json_t *body);

/* What comes after the acknowledgement was sent. */
void dispatch_follow(struct peer *peer, const struct dispatch_result *result);
