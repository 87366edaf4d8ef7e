#include "control/console/commands.h"
#include "control/console/drain.h"
#include "control/console/find.h"
#include "control/log.h"
#include "control/room/peer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

json_t *command_kick(struct command_call *call)
{
    struct found found;
    if (command_find_one(call, FOUND_PEER, call->arguments[0], &found))
        return NULL;
    struct peer *peer = found.peer;
    json_t *result = json_pack("{s:s,s:s}", "peerId", peer->id, "roomId", peer->room->id);
    log_info("console", "kicks peer %s out of room %s", peer->id, peer->room->id);
    peer_notify(peer, "moderator:kickPeer", json_object());
    peer_close(peer);
    return result;
}

json_t *command_close(struct command_call *call)
{
    struct found found;
    if (command_find_one(call, FOUND_ROOM, call->arguments[0], &found))
        return NULL;
    json_t *result = json_pack("{s:s}", "roomId", found.room->id);
    log_info("console", "closes room %s", found.room->id);
    room_notify(found.room, NULL, "moderator:closeRoom", json_null());
    room_close(found.room);
    return result;
}

static json_t *describe_drain(const struct rooms *rooms)
{
    return json_pack("{s:b,s:I,s:I}", "draining", (int)rooms_is_draining(rooms), "rooms",
                     (json_int_t)rooms_count(rooms), "peers", (json_int_t)rooms_count_peers(rooms));
}

json_t *command_drain(struct command_call *call)
{
    log_info("console", "draining");
    drain_start(call->context->drain);
    return describe_drain(call->context->rooms);
}

json_t *command_undrain(struct command_call *call)
{
    log_info("console", "not draining any more");
    drain_stop(call->context->drain);
    return describe_drain(call->context->rooms);
}
