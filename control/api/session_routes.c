#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/api/api_routes.h"
#include "control/api/reply.h"
#include "control/room/peer.h"
#include "control/room/role.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

void api_list_sessions(struct api *api, const struct api_call *call)
{
    reply_json(api->gateway, call->request, 200, rooms_list(api->config.rooms));
}

static void refuse(struct api *api, const struct api_call *call, int error, const char *full)
{
    reply_error(api->gateway, call->request, 503, error == -ESHUTDOWN ? "the server is being drained" : full);
}

void api_create_session(struct api *api, const struct api_call *call)
{
    struct room *room;
    int error = rooms_open(api->config.rooms, &room);
    if (error)
        refuse(api, call, error, "no room left");
    else
        reply_json(api->gateway, call->request, 200, json_pack("{s:s}", "id", room->id));
}

void api_get_session(struct api *api, const struct api_call *call)
{
    bool exists = rooms_find(api->config.rooms, call->parameter);
    reply_empty(api->gateway, call->request, exists ? 200 : 404);
}

char *api_signaling_url(const struct api *api, const struct peer *peer)
{
    char *url;
    int length = asprintf(&url, "%s://%s?peerId=%s&roomId=%s&authToken=%s", api->config.secure ? "wss" : "ws",
                          api->config.public_domain, peer->id, peer->room->id, peer->auth_token);
    return length < 0 ? NULL : url;
}

void api_create_connection(struct api *api, const struct api_call *call)
{
    struct room *room = rooms_find(api->config.rooms, call->parameter);
    if (!room) {
        reply_empty(api->gateway, call->request, 404);
        return;
    }
    unsigned role;
    if (role_parse(json_object_get(call->body, "role"), &role)) {
        reply_error(api->gateway, call->request, 400, "role is no number from 0 to 31");
        return;
    }
    struct peer *peer;
    int error = room_add_peer(room, role, &peer);
    if (error) {
        refuse(api, call, error, "no place left in the room");
        return;
    }
    char *url = api_signaling_url(api, peer);
    reply_json(api->gateway, call->request, 200, json_pack("{s:s,s:s}", "id", peer->id, "token", url));
    free(url);
}
