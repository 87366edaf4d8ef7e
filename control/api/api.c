#include "control/api/api.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/address_limits.h"
#include "control/api/api_routes.h"
#include "control/api/body.h"
#include "control/api/demo_names.h"
#include "control/api/reply.h"
#include "control/counters.h"
#include "control/log.h"

#define PREFIX "/meetmedia/api"

struct route {
    const char *method;
    const char *pattern;
    void (*handle)(struct api *api, const struct api_call *call);
};

static const struct route routes[] = {
    {"GET", PREFIX "/ping", api_ping},
    {"GET", PREFIX "/health", api_health},
    {"GET", PREFIX "/stats", api_stats},
    {"GET", PREFIX "/stats/rooms", api_stats_rooms}, /* before any id */
    {"GET", PREFIX "/stats/:id", api_stats_one},
    {"GET", PREFIX "/counters", api_counters},
    {"POST", PREFIX "/signal", api_signal},
    {"GET", PREFIX "/sessions", api_list_sessions},
    {"POST", PREFIX "/sessions", api_create_session},
    {"GET", PREFIX "/sessions/:id", api_get_session},
    {"POST", PREFIX "/sessions/:id/connection", api_create_connection},
};
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* In demo mode, without the token. */
static const struct route demo_routes[] = {
    {"POST", "/demo/api/join", api_demo_join},
    {"POST", "/demo/api/stats", api_demo_stats},
};
#define DEMO_ROUTE_COUNT (sizeof(demo_routes) / sizeof(demo_routes[0]))

int api_create(const struct api_config *config, struct api **ret_api)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        return -ENOMEM;
    api->config = *config;
    int error = config->demo ? demo_names_create(&api->demo_names) : 0;
    if (error) {
        free(api);
        return error;
    }
    *ret_api = api;
    return 0;
}

void api_destroy(struct api *api)
{
    if (!api)
        return;
    demo_names_destroy(api->demo_names);
    free(api);
}

void api_set_gateway(struct api *api, struct gateway *gateway)
{
    api->gateway = gateway;
}

bool api_has_token(const struct api *api, const struct gateway_http_request *request)
{
    const char *expected = api->config.auth_token, *token = request->auth_token;
    size_t length = strlen(expected);
    return token && strlen(token) == length && CRYPTO_memcmp(token, expected, length) == 0;
}

static bool is_method(const struct route *route, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    return strcmp(route->method, method) == 0;
}

static bool answer_options(struct api *api, struct api_call *call)
{
    char methods[64] = "";
    size_t used = 0;
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (route_matches(routes[i].pattern, call->request->path, call->parameter) &&
            !strstr(methods, routes[i].method))
            used += (size_t)snprintf(methods + used, sizeof(methods) - used, "%s%s", used ? "," : "",
                                     is_method(&routes[i], "HEAD") ? "GET,HEAD" : routes[i].method);
    if (used == 0)
        return false;
    reply_options(api->gateway, call->request, methods);
    return true;
}

static const struct route *find_route(const struct route *from, size_t count, struct api_call *call)
{
    for (size_t i = 0; i < count; i++)
        if (is_method(&from[i], call->request->method) &&
            route_matches(from[i].pattern, call->request->path, call->parameter))
            return &from[i];
    return NULL;
}

static void answer_call(struct api *api, struct api_call *call, const struct route *route)
{
    struct body body = body_read(call->request);
    if (body.status) {
        reply_error(api->gateway, call->request, body.status, body.error);
        return;
    }
    call->body = body.json;
    if (route)
        route->handle(api, call);
    else if (strcmp(call->request->method, "OPTIONS") != 0 || !answer_options(api, call))
        reply_unknown_path(api->gateway, call->request);
    json_decref(body.json);
}

static bool is_limited(struct api *api, const struct gateway_http_request *request)
{
    return address_limits_take(api->config.limits, request->peer, address_limits_now_ms()) !=
           ADDRESS_LIMITS_OK;
}

/* Who guesses tokens is not answered as fast as it can ask. */
static void refuse(struct api *api, const struct gateway_http_request *request)
{
    counters_count(COUNTER_API_TOKENS_REFUSED);
    log_every_s(10, log_warn, "api", "refused a request from %s: no token, or a wrong one", request->peer);
    reply_empty(api->gateway, request, is_limited(api, request) ? 429 : 403);
}

/* Without the token anybody asks. */
static void answer_demo(struct api *api, struct api_call *call, const struct route *route)
{
    if (is_limited(api, call->request))
        reply_empty(api->gateway, call->request, 429);
    else
        answer_call(api, call, route);
}

void api_answer(struct api *api, const struct gateway_http_request *request)
{
    struct api_call call = {.request = request};
    const struct route *demo = api->config.demo ? find_route(demo_routes, DEMO_ROUTE_COUNT, &call) : NULL;
    if (demo)
        answer_demo(api, &call, demo);
    else if (!api_has_token(api, request))
        refuse(api, request);
    else
        answer_call(api, &call, find_route(routes, ROUTE_COUNT, &call));
}
