#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "control/json_input.h"
#include "control/log.h"
#include "control/room/peer.h"
#include "control/room/role.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/signaling/requests.h"
#include "control/webhook/webhook.h"

#define REQUEST_ID_BYTES_MAX 1024

static struct peer *find_peer(const struct peer *peer, const json_t *data)
{
    return room_get_peer(peer->room, json_input_text(json_object_get(data, "peerId")));
}

/* The bits to add or remove, of which nobody may touch OWNER. */
static int read_role(const json_t *data, unsigned *ret_role)
{
    const json_t *value = json_object_get(data, "role");
    unsigned role;
    if (!value || json_is_null(value))
        return -EINVAL;
    int error = role_parse(value, &role);
    if (error)
        return error;
    if (role & ROLE_OWNER)
        return -EPERM;
    *ret_role = role;
    return 0;
}

static int read_role_change(const struct peer *peer, const json_t *data, struct peer **ret_target,
                            unsigned *ret_role)
{
    *ret_target = find_peer(peer, data);
    return *ret_target ? read_role(data, ret_role) : -ENOENT;
}

int request_add_role(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer *target;
    unsigned role;
    int error = read_role_change(peer, data, &target, &role);
    if (!error)
        peer_set_role(target, target->role | role);
    return error;
}

int request_remove_role(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer *target;
    unsigned role;
    int error = read_role_change(peer, data, &target, &role);
    if (error)
        return error;
    if (role & ROLE_MODERATOR && target->role & ROLE_OWNER)
        return -EPERM;
    peer_set_role(target, target->role & ~role);
    return 0;
}

/* Two letters a to z, or nothing: null, no such key, or an empty text. */
static bool is_language(const json_t *value)
{
    if (!value || json_is_null(value))
        return true;
    const char *text = json_input_text(value);
    if (!text)
        return false;
    return strlen(text) == strspn(text, "abcdefghijklmnopqrstuvwxyz") && (strlen(text) == 2 || !*text);
}

int request_change_language(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer *target = find_peer(peer, data);
    if (!target)
        return -ENOENT;
    json_t *language = json_object_get(data, "language");
    if (!is_language(language))
        return -EINVAL;
    peer_set_language(target, language ? language : json_null());
    return 0;
}

static int answer_join_request(const struct peer *peer, const json_t *data, const char *event)
{
    json_t *request_id = json_object_get(data, "requestId");
    if (request_id && !json_is_null(request_id) && !json_is_number(request_id) &&
        !(json_is_string(request_id) && json_string_length(request_id) <= REQUEST_ID_BYTES_MAX))
        return -EINVAL;
    json_t *body =
        json_pack("{s:O*,s:s,s:s}", "requestId", request_id, "roomId", peer->room->id, "event", event);
    webhook_post(rooms_get_config(peer->room->rooms)->webhook, body);
    return 0;
}

int request_accept_join_request(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return answer_join_request(peer, data, "joinRequestAccepted");
}

int request_deny_join_request(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    return answer_join_request(peer, data, "joinRequestDenied");
}

int request_close_room(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)data;
    (void)ret_response;
    log_info("signaling", "peer %s closes room %s", peer->id, peer->room->id);
    room_notify(peer->room, peer, "moderator:closeRoom", json_null());
    return 0;
}

void request_close_room_follow(struct peer *peer)
{
    room_close(peer->room);
}

int request_kick_peer(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)ret_response;
    struct peer *target = find_peer(peer, data);
    if (!target)
        return -ENOENT;
    log_info("signaling", "peer %s kicks peer %s out of room %s", peer->id, target->id, peer->room->id);
    peer_notify(target, "moderator:kickPeer", json_object());
    /* Who kicks itself has no acknowledgement to wait for. */
    if (target == peer)
        peer_close(target);
    else
        peer_depart(target);
    return 0;
}

void request_kick_peer_follow(struct peer *peer)
{
    room_bury(peer->room);
}
