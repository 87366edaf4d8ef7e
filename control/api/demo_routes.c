#include <stdlib.h>
#include <string.h>

#include "control/api/api_routes.h"
#include "control/api/demo_names.h"
#include "control/api/reply.h"
#include "control/json_input.h"
#include "control/room/peer.h"
#include "control/room/role.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/room/stats.h"

#define ROLE_GUEST (ROLE_SUBSCRIBER | ROLE_PUBLISHER)

static struct room *open_room(struct api *api, const char *name)
{
    struct room *room;
    if (rooms_open(api->config.rooms, &room))
        return NULL;
    if (demo_names_add(api->demo_names, api->config.rooms, name, room)) {
        room_close(room);
        return NULL;
    }
    return room;
}

/* {room, role?}: a place in the room of that name. Who makes it owns it; of who comes later nobody has more
 * than a guest's roles, but with the token. */
void api_demo_join(struct api *api, const struct api_call *call)
{
    const char *name = json_input_text(json_object_get(call->body, "room"));
    const json_t *role_value = json_object_get(call->body, "role");
    unsigned role = ROLE_ALL;
    if (!name || !*name || strlen(name) > DEMO_NAME_BYTES_MAX ||
        (role_value && role_parse(role_value, &role))) {
        reply_error(api->gateway, call->request, 400, "send {\"room\": a name, \"role\": 0 to 31 or none}");
        return;
    }
    struct room *room = demo_names_find(api->demo_names, api->config.rooms, name);
    if (room && !role_value)
        role = ROLE_GUEST;
    else if (room && !api_has_token(api, call->request))
        role &= ROLE_GUEST;
    if (!room)
        room = open_room(api, name);
    struct peer *peer;
    if (!room || room_add_peer(room, role, &peer)) {
        reply_error(api->gateway, call->request, 503, "no room left");
        return;
    }
    char *url = api_signaling_url(api, peer);
    reply_json(api->gateway, call->request, 200,
               json_pack("{s:s,s:s,s:s}", "roomId", room->id, "peerId", peer->id, "url", url));
    free(url);
}

/* {roomId, peerId, authToken}: what GET /stats/ID gives, to the peer itself. */
void api_demo_stats(struct api *api, const struct api_call *call)
{
    struct room *room = rooms_find(api->config.rooms, json_input_text(json_object_get(call->body, "roomId")));
    const struct peer *peer =
        room ? room_find_peer(room, json_input_text(json_object_get(call->body, "peerId")),
                              json_input_text(json_object_get(call->body, "authToken")))
             : NULL;
    if (peer)
        reply_json(api->gateway, call->request, 200, stats_peer(peer, true));
    else
        reply_error(api->gateway, call->request, 403,
                    "send {\"roomId\", \"peerId\", \"authToken\"} of a peer");
}
