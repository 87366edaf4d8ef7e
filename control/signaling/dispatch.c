#include "control/signaling/dispatch.h"

#include <errno.h>
#include <string.h>

#include "control/counters.h"
#include "control/json_input.h"
#include "control/log.h"
#include "control/room/peer.h"
#include "control/signaling/requests.h"

enum {
    NEEDS_DATA = 1, /* neither missing nor null */
    NEEDS_JOIN = 2,
    ANSWERS_NULL = 4, /* [null] instead of [] */
};

struct dispatch_row {
    const char *method;
    unsigned flags;
    unsigned role; /* the peer needs any bit of it; 0: none */
    int (*handle)(struct peer *peer, const json_t *data, json_t **ret_response);
    void (*follow)(struct peer *peer);
};

static const struct dispatch_row rows[] = {
    {"ping", ANSWERS_NULL, 0, request_ping, NULL},
    {"dumpStats", ANSWERS_NULL, 0, request_dump_stats, NULL},
    {"getRouterRtpCapabilities", 0, 0, request_get_router_rtp_capabilities, NULL},

    {"join", NEEDS_DATA, 0, request_join, request_join_follow},
    {"changeNickname", NEEDS_DATA, 0, request_change_nickname, NULL},
    {"raisedHand", NEEDS_DATA, 0, request_raised_hand, NULL},
    {"chatMessage", NEEDS_DATA, 0, request_chat_message, NULL},

    {"observeSpeakers", NEEDS_DATA, 0, request_observe_speakers, NULL},

    {"createWebRtcTransport", NEEDS_DATA, 0, request_create_webrtc_transport, NULL},
    {"connectWebRtcTransport", NEEDS_DATA, 0, request_connect_webrtc_transport, NULL},
    {"restartIce", NEEDS_DATA, 0, request_restart_ice, NULL},
    {"createPlainTransport", NEEDS_DATA, 0, request_create_plain_transport, NULL},
    {"connectPlainTransport", NEEDS_DATA, 0, request_connect_plain_transport, NULL},

    {"produce", NEEDS_DATA | NEEDS_JOIN, ROLE_PUBLISHER, request_produce, NULL},
    {"closeProducer", NEEDS_DATA, 0, request_close_producer, NULL},
    {"pauseProducer", NEEDS_DATA, 0, request_pause_producer, NULL},
    {"resumeProducer", NEEDS_DATA, 0, request_resume_producer, NULL},
    {"pauseConsumer", NEEDS_DATA, 0, request_pause_consumer, NULL},
    {"resumeConsumer", NEEDS_DATA, 0, request_resume_consumer, NULL},

    {"moderator:addRole", NEEDS_DATA, ROLE_MODERATOR, request_add_role, NULL},
    {"moderator:removeRole", NEEDS_DATA, ROLE_MODERATOR, request_remove_role, NULL},
    {"moderator:changeLanguage", NEEDS_DATA, ROLE_MODERATOR, request_change_language, NULL},
    {"moderator:joinRequestAccept", NEEDS_DATA, ROLE_MODERATOR, request_accept_join_request, NULL},
    {"moderator:joinRequestDeny", NEEDS_DATA, ROLE_MODERATOR, request_deny_join_request, NULL},
    {"moderator:closeRoom", 0, ROLE_OWNER, request_close_room, request_close_room_follow},
    {"moderator:kickPeer", NEEDS_DATA, ROLE_MODERATOR, request_kick_peer, request_kick_peer_follow},
};

static const struct dispatch_row *find_row(const json_t *method)
{
    const char *name = json_input_text(method);
    for (size_t i = 0; name && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].method, name) == 0)
            return &rows[i];
    return NULL;
}

static int handle(const struct dispatch_row *row, struct peer *peer, const json_t *data,
                  json_t **ret_response)
{
    if (row->flags & NEEDS_DATA && (!data || json_is_null(data)))
        return -EINVAL;
    if (row->flags & NEEDS_JOIN && !peer->joined)
        return -ENOTCONN;
    if (row->role && !(peer->role & row->role))
        return -EPERM;
    return row->handle(peer, data, ret_response);
}

static struct dispatch_result fail_unknown(const json_t *method)
{
    counters_count(COUNTER_REQUESTS_FAILED);
    json_t *text = json_input_interpolate("unknown request.method \"", method, "\"");
    return (struct dispatch_result){.acknowledgement = json_pack("[i,o]", 500, text)};
}

static struct dispatch_result fail(const struct dispatch_row *row)
{
    counters_count(COUNTER_REQUESTS_FAILED);
    json_t *text = json_sprintf("request %s failed", row->method);
    return (struct dispatch_result){.acknowledgement = json_pack("[i,o]", 500, text)};
}

struct dispatch_result dispatch_refuse(const json_t *body)
{
    const json_t *method = json_object_get(body, "method");
    const struct dispatch_row *row = find_row(method);
    return row ? fail(row) : fail_unknown(method);
}

struct dispatch_result dispatch_request(struct peer *peer, const json_t *body)
{
    const json_t *method = json_object_get(body, "method");
    const struct dispatch_row *row = find_row(method);
    if (!row)
        return fail_unknown(method);

    json_t *response = NULL;
    int error = handle(row, peer, json_object_get(body, "data"), &response);
    if (error) {
        log_debug("signaling", "request %s failed: %s", row->method, strerror(-error));
        return fail(row);
    }
    struct dispatch_result result = {.follow = row->follow ? row : NULL};
    if (response)
        result.acknowledgement = json_pack("[n,o]", response);
    else
        result.acknowledgement = row->flags & ANSWERS_NULL ? json_pack("[n]") : json_array();
    return result;
}

void dispatch_follow(struct peer *peer, const struct dispatch_result *result)
{
    if (result->follow)
        result->follow->follow(peer);
}
