/* The way from a peer to its client, as a room sees it: signaling implements it over a socket.io session.
 *
 * An event is the JSON array of a socket.io event, ["notification",{…}] or ["request",{…}]; how it is framed
 * is the link's business. Nothing is called back from inside these verbs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NO_ANSWER (-1)

struct link_verbs {
    /* answer_id: the client is asked to answer under that number, or LINK_NO_ANSWER. */
    void (*send)(void *context, const char *event, size_t length, int64_t answer_id);
    /* Without an answer, and it may wait a little when the client has heard such only just now. Nothing
     * overtakes it. */
    void (*report)(void *context, const char *event, size_t length);
    /* Tells the client that it is disconnected; with close, its websocket is closed too. The room does not
     * use the link afterwards. */
    void (*drop)(void *context, bool close);
};

struct link {
    const struct link_verbs *verbs; /* NULL: the client is away */
    void *context;
};
