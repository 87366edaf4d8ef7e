/* For the files of control/api: what a route's function gets. */
#pragma once

#include <jansson.h>

#include "control/api/api.h"
#include "control/api/route.h"

struct demo_names;

struct api {
    struct api_config config;
    struct gateway *gateway;
    struct demo_names *demo_names; /* demo mode only */
};

struct api_call {
    const struct gateway_http_request *request;
    const json_t *body; /* an object, an array, or NULL */
    char parameter[ROUTE_PARAMETER_BYTES];
};

void api_ping(struct api *api, const struct api_call *call);
void api_health(struct api *api, const struct api_call *call);
void api_stats(struct api *api, const struct api_call *call);
void api_stats_rooms(struct api *api, const struct api_call *call);
void api_stats_one(struct api *api, const struct api_call *call);
void api_counters(struct api *api, const struct api_call *call);
void api_signal(struct api *api, const struct api_call *call);

void api_list_sessions(struct api *api, const struct api_call *call);
void api_create_session(struct api *api, const struct api_call *call);
void api_get_session(struct api *api, const struct api_call *call);
void api_create_connection(struct api *api, const struct api_call *call);

/* demo_routes.c */
void api_demo_join(struct api *api, const struct api_call *call);
void api_demo_stats(struct api *api, const struct api_call *call);

struct peer;

bool api_has_token(const struct api *api, const struct gateway_http_request *request);

/* The URL that a client with a place in a room is sent to; allocated, NULL when out of memory. */
char *api_signaling_url(const struct api *api, const struct peer *peer);
