/* The HTTP API of the web application, under /meetmedia/api: a table of routes. Every request needs the
 * token.
 *
 * In demo mode there is one route more, POST /demo/api/join, for the demo page: it needs no token, and one
 * name always leads to one room. */
#pragma once

#include <stdbool.h>

#include "control/gateway/gateway.h"

struct address_limits;
struct api;
struct forwarder;
struct rooms;

struct api_config {
    struct rooms *rooms;
    struct forwarder *forwarder; /* for its health */
    const char *auth_token;
    const char *public_domain; /* host[:port] that clients are sent to */
    bool secure;               /* wss: */
    bool demo;
    struct address_limits *limits; /* of requests without the token; NULL: none */
};

/* Keeps what config points to. */
int api_create(const struct api_config *config, struct api **ret_api);
void api_destroy(struct api *api);

/* Before the first request. */
void api_set_gateway(struct api *api, struct gateway *gateway);

/* Answers the request, whatever its path. */
void api_answer(struct api *api, const struct gateway_http_request *request);
