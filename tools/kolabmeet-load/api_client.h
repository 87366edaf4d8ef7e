/* The HTTP API of the server (under /meetmedia/api), over one connection, a request at a time. */
#pragma once

#include <jansson.h>

#include "tools/kolabmeet-load/stream.h"

struct api_client;

/* status 0: no answer came. body may be NULL; it is borrowed. */
typedef void (*api_answer_fn)(void *context, int status, const json_t *body);

struct api_client *api_client_create(struct loop *loop, const struct stream_target *target,
                                     const char *token);
/* Requests without an answer get none. */
void api_client_destroy(struct api_client *client);

/* body: a reference of it is taken over; NULL: none. */
void api_client_post(struct api_client *client, const char *path, json_t *body, api_answer_fn answer,
                     void *context);

/* Takes back what was asked with this context. */
void api_client_forget(struct api_client *client, const void *context);
