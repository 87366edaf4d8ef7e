/* What the query of a signaling URL says about engine.io, and what is wrong with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/ids.h"
#include "proto/wire/engineio.h"

struct gateway;

#define SESSION_CREDENTIAL_BYTES 64

/* engine.io's numbers. */
enum session_error {
    SESSION_OK = -1,
    SESSION_UNKNOWN_TRANSPORT = 0,
    SESSION_UNKNOWN_SID = 1,
    SESSION_BAD_HANDSHAKE_METHOD = 2,
    SESSION_BAD_REQUEST = 3,
    SESSION_UNSUPPORTED_PROTOCOL = 5,
};

/* "" where the query has none, or one that is too long to be right. */
struct session_credentials {
    char peer_id[SESSION_CREDENTIAL_BYTES];
    char room_id[SESSION_CREDENTIAL_BYTES];
    char auth_token[SESSION_CREDENTIAL_BYTES];
};

struct session_request {
    bool is_polling; /* otherwise it is for a websocket */
    bool has_sid;
    char sid[IDS_SID_BYTES];
    enum engineio_protocol protocol; /* of a request without sid */
    struct session_credentials credentials;
};

/* SESSION_OK, SESSION_UNKNOWN_TRANSPORT, SESSION_UNKNOWN_SID for one that can be none, or
 * SESSION_UNSUPPORTED_PROTOCOL. */
enum session_error session_request_parse(const char *query, struct session_request *ret_request);

/* In constant time. */
bool session_request_is_authentic(const struct session_request *request,
                                  const struct session_credentials *credentials);

/* Answers a request with status 400 and engine.io's JSON. */
void session_request_refuse(struct gateway *gateway, uint64_t request_id, enum session_error error);

/* engine.io's words for it. */
const char *session_request_message(enum session_error error);
