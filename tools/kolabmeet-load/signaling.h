/* The signaling of one participant: socket.io 5 over engine.io 4 over a websocket. */
#pragma once

#include <jansson.h>

#include "tools/kolabmeet-load/stream.h"

struct signaling;

/* JSON is borrowed. */
struct signaling_handler {
    void (*notified)(void *context, const char *method, const json_t *data);
    /* A request of the server, to be answered by signaling_acknowledge(). */
    void (*requested)(void *context, uint64_t id, const char *method, const json_t *data);
    /* By the server or by an error, never by signaling_close(); it is to be closed still. */
    void (*ended)(void *context, const char *reason);
};

/* data is NULL when the request failed, and may be JSON null. */
typedef void (*signaling_answer_fn)(void *context, const json_t *data);

/* query: peerId=…&roomId=…&authToken=… */
int signaling_open(struct loop *loop, const struct stream_target *target, const char *query,
                   const struct signaling_handler *handler, void *context, struct signaling **ret_signaling);

/* Says goodbye, so that the server closes the peer at once. Requests without an answer get none. Also in a
 * handler. */
void signaling_close(struct signaling *signaling);

/* Takes a reference of data over; NULL: none. answer may be NULL. */
void signaling_request(struct signaling *signaling, const char *method, json_t *data,
                       signaling_answer_fn answer, void *context);
void signaling_acknowledge(struct signaling *signaling, uint64_t id);
