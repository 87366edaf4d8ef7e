#include <string.h>

#include "control/api/api_routes.h"
#include "control/api/reply.h"
#include "control/console/describe.h"
#include "control/console/find.h"
#include "control/counters.h"
#include "control/forwarder/forwarder.h"
#include "control/ids.h"
#include "control/json_input.h"
#include "control/room/role.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/room/stats.h"

void api_ping(struct api *api, const struct api_call *call)
{
    reply_text(api->gateway, call->request, "PONG");
}

void api_health(struct api *api, const struct api_call *call)
{
    bool healthy = forwarder_is_healthy(api->config.forwarder);
    reply_json(
        api->gateway, call->request, healthy ? 200 : 503,
        json_pack("{s:b,s:s}", "success", healthy, "message", healthy ? "Healthy" : "No forwarder answers"));
}

void api_stats(struct api *api, const struct api_call *call)
{
    reply_json(api->gateway, call->request, 200, rooms_stats(api->config.rooms));
}

/* A row for each room: what can be asked for often. */
void api_stats_rooms(struct api *api, const struct api_call *call)
{
    json_t *rows = json_object();
    struct found found = {.kind = FOUND_ROOM};
    while ((found.room = rooms_next(api->config.rooms, found.room)))
        json_object_set_new(rows, found.room->id, describe_numbers(api->config.forwarder, &found));
    reply_json(api->gateway, call->request, 200, rows);
}

static json_t *measure(const struct found *found)
{
    switch (found->kind) {
    case FOUND_ROOM:
        return stats_room(found->room, true);
    case FOUND_PEER:
        return stats_peer(found->peer, true);
    case FOUND_TRANSPORT:
        return stats_transport(found->transport, true);
    case FOUND_PRODUCER:
        return stats_producer(found->producer, true);
    case FOUND_CONSUMER:
        return stats_consumer(found->consumer, true);
    }
    return NULL;
}

/* The part of GET /stats that has this id. */
void api_stats_one(struct api *api, const struct api_call *call)
{
    struct found found;
    if (strlen(call->parameter) == IDS_UUID_BYTES - 1 &&
        find_one(api->config.rooms, FOUND_ANY, call->parameter, &found) == 0)
        reply_json(api->gateway, call->request, 200, measure(&found));
    else
        reply_empty(api->gateway, call->request, 404);
}

/* {name: count since the start} of all that was refused or limited. */
void api_counters(struct api *api, const struct api_call *call)
{
    json_t *body = json_object();
    for (enum counter counter = 0; counter < COUNTER_COUNT; counter++)
        json_object_set_new(body, counters_name(counter), json_integer((json_int_t)counters_get(counter)));
    struct gateway_counters gateway;
    gateway_counters(api->gateway, &gateway);
    json_t *more = json_pack(
        "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "gatewayConnections", (json_int_t)gateway.connections,
        "gatewayConnectionsNow", (json_int_t)gateway.connections_now, "gatewayConnectionsRefused",
        (json_int_t)gateway.refused, "gatewayConnectionsCut", (json_int_t)gateway.cut, "gatewayBadRequests",
        (json_int_t)gateway.bad_requests, "gatewayTimeouts", (json_int_t)gateway.timeouts,
        "gatewayWebsocketErrors", (json_int_t)gateway.ws_protocol_errors, "gatewaySlowReaders",
        (json_int_t)gateway.ws_slow_readers);
    json_object_update(body, more);
    json_decref(more);
    reply_json(api->gateway, call->request, 200, body);
}

static void notify(struct room *room, const json_t *role_value, const char *method, json_t *data)
{
    unsigned role;
    if (!role_value || json_is_null(role_value))
        room_notify(room, NULL, method, data);
    else if (role_parse(role_value, &role) == 0)
        room_notify_role(room, role, method, data);
    else
        json_decref(data);
}

/* Whatever it says is answered alike: the application does not ask whether somebody was there to hear it. */
void api_signal(struct api *api, const struct api_call *call)
{
    const char *room_id = json_input_text(json_object_get(call->body, "roomId"));
    struct room *room = rooms_find(api->config.rooms, room_id);
    json_t *method = json_input_interpolate("signal:", json_object_get(call->body, "type"), "");
    if (room && method)
        notify(room, json_object_get(call->body, "role"), json_string_value(method),
               json_incref(json_object_get(call->body, "data")));
    json_decref(method);
    reply_json(api->gateway, call->request, 200, json_object());
}
