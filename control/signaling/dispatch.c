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
    /* Instead of handle, where the response is put together of texts. */
    int (*write)(struct peer *peer, const json_t *data, struct event_text *ret_response);
};

static const struct dispatch_row rows[] = {
    {"ping", ANSWERS_NULL, 0, request_ping, NULL, NULL},
    {"dumpStats", ANSWERS_NULL, 0, request_dump_stats, NULL, NULL},
    {"getRouterRtpCapabilities", 0, 0, NULL, NULL, request_get_router_rtp_capabilities},

    {"join", NEEDS_DATA, 0, NULL, request_join_follow, request_join},
    {"changeNickname", NEEDS_DATA, 0, request_change_nickname, NULL, NULL},
    {"raisedHand", NEEDS_DATA, 0, request_raised_hand, NULL, NULL},
    {"chatMessage", NEEDS_DATA, 0, request_chat_message, NULL, NULL},

    {"observeSpeakers", NEEDS_DATA, 0, request_observe_speakers, NULL, NULL},

    {"createWebRtcTransport", NEEDS_DATA, 0, request_create_webrtc_transport, NULL, NULL},
    {"connectWebRtcTransport", NEEDS_DATA, 0, request_connect_webrtc_transport, NULL, NULL},
    {"restartIce", NEEDS_DATA, 0, request_restart_ice, NULL, NULL},
    {"createPlainTransport", NEEDS_DATA, 0, request_create_plain_transport, NULL, NULL},
    {"connectPlainTransport", NEEDS_DATA, 0, request_connect_plain_transport, NULL, NULL},

    {"produce", NEEDS_DATA | NEEDS_JOIN, ROLE_PUBLISHER, request_produce, NULL, NULL},
    {"closeProducer", NEEDS_DATA, 0, request_close_producer, NULL, NULL},
    {"pauseProducer", NEEDS_DATA, 0, request_pause_producer, NULL, NULL},
    {"resumeProducer", NEEDS_DATA, 0, request_resume_producer, NULL, NULL},
    {"pauseConsumer", NEEDS_DATA, 0, request_pause_consumer, NULL, NULL},
    {"resumeConsumer", NEEDS_DATA, 0, request_resume_consumer, NULL, NULL},

    {"moderator:addRole", NEEDS_DATA, ROLE_MODERATOR, request_add_role, NULL, NULL},
    {"moderator:removeRole", NEEDS_DATA, ROLE_MODERATOR, request_remove_role, NULL, NULL},
    {"moderator:changeLanguage", NEEDS_DATA, ROLE_MODERATOR, request_change_language, NULL, NULL},
    {"moderator:joinRequestAccept", NEEDS_DATA, ROLE_MODERATOR, request_accept_join_request, NULL, NULL},
    {"moderator:joinRequestDeny", NEEDS_DATA, ROLE_MODERATOR, request_deny_join_request, NULL, NULL},
    {"moderator:closeRoom", 0, ROLE_OWNER, request_close_room, request_close_room_follow, NULL},
    {"moderator:kickPeer", NEEDS_DATA, ROLE_MODERATOR, request_kick_peer, request_kick_peer_follow, NULL},
};

static const struct dispatch_row *find_row(const json_t *method)
{
    const char *name = json_input_text(method);
    for (size_t i = 0; name && i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].method, name) == 0)
            return &rows[i];
    return NULL;
}

/* "[null,response]" */
static int write_response(const struct dispatch_row *row, struct peer *peer, const json_t *data,
                          struct event_text *ret_acknowledgement)
{
    struct event_text response = {0};
    int error = row->write(peer, data, &response);
    if (!error && response.text)
        *ret_acknowledgement = event_text_join((const char *const[]){"[null,", response.text, "]", NULL});
    event_text_deinit(&response);
    return error;
}

static int make_response(const struct dispatch_row *row, struct peer *peer, const json_t *data,
                         struct event_text *ret_acknowledgement)
{
    json_t *response = NULL;
    int error = row->handle(peer, data, &response);
    if (error)
        return error;
    if (response)
        *ret_acknowledgement = event_text_dump(json_pack("[n,o]", response));
    else
        *ret_acknowledgement = event_text_dump(row->flags & ANSWERS_NULL ? json_pack("[n]") : json_array());
    return 0;
}

static int handle(const struct dispatch_row *row, struct peer *peer, const json_t *data,
                  struct event_text *ret_acknowledgement)
{
    if (row->flags & NEEDS_DATA && (!data || json_is_null(data)))
        return -EINVAL;
    if (row->flags & NEEDS_JOIN && !peer->joined)
        return -ENOTCONN;
    if (row->role && !(peer->role & row->role))
        return -EPERM;
    return row->write ? write_response(row, peer, data, ret_acknowledgement)
                      : make_response(row, peer, data, ret_acknowledgement);
}

static struct dispatch_result fail_unknown(const json_t *method)
{
    counters_count(COUNTER_REQUESTS_FAILED);
    json_t *text = json_input_interpolate("unknown request.method \"", method, "\"");
    return (struct dispatch_result){.acknowledgement = event_text_dump(json_pack("[i,o]", 500, text))};
}

static struct dispatch_result fail(const struct dispatch_row *row)
{
    counters_count(COUNTER_REQUESTS_FAILED);
    json_t *text = json_sprintf("request %s failed", row->method);
    return (struct dispatch_result){.acknowledgement = event_text_dump(json_pack("[i,o]", 500, text))};
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

    struct dispatch_result result = {.follow = row->follow ? row : NULL};
    int error = handle(row, peer, json_object_get(body, "data"), &result.acknowledgement);
    if (error) {
        log_debug("signaling", "request %s failed: %s", row->method, strerror(-error));
        return fail(row);
    }
    return result;
}

void dispatch_follow(struct peer *peer, const struct dispatch_result *result)
{
    if (result->follow)
        result->follow->follow(peer);
}
