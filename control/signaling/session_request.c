#include "control/signaling/session_request.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "control/gateway/gateway.h"
#include "control/signaling/query.h"

static void read_credential(const char *query, const char *name, char *ret_value)
{
    char value[SESSION_CREDENTIAL_BYTES];
    if (query_find(query, name, value, sizeof(value)) == 0)
        memcpy(ret_value, value, strlen(value));
}

enum session_error session_request_parse(const char *query, struct session_request *ret_request)
{
    struct session_request request = {0};
    char value[16];
    if (query_find(query, "transport", value, sizeof(value)))
        return SESSION_UNKNOWN_TRANSPORT;
    request.is_polling = strcmp(value, "polling") == 0;
    if (!request.is_polling && strcmp(value, "websocket") != 0)
        return SESSION_UNKNOWN_TRANSPORT;

    int result = query_find(query, "sid", request.sid, sizeof(request.sid));
    if (result && result != -ENOENT)
        return SESSION_UNKNOWN_SID;
    request.has_sid = !result && request.sid[0] != '\0';

    if (query_find(query, "EIO", value, sizeof(value)))
        value[0] = '\0';
    if (strcmp(value, "4") == 0)
        request.protocol = ENGINEIO_PROTOCOL_4;
    else if (strcmp(value, "3") == 0)
        request.protocol = ENGINEIO_PROTOCOL_3;
    else if (!request.has_sid)
        return SESSION_UNSUPPORTED_PROTOCOL;

    read_credential(query, "peerId", request.credentials.peer_id);
    read_credential(query, "roomId", request.credentials.room_id);
    read_credential(query, "authToken", request.credentials.auth_token);
    *ret_request = request;
    return SESSION_OK;
}

bool session_request_is_authentic(const struct session_request *request,
                                  const struct session_credentials *credentials)
{
    /* All bytes behind the terminating NULs are zero. */
    return CRYPTO_memcmp(&request->credentials, credentials, sizeof(*credentials)) == 0;
}

const char *session_request_message(enum session_error error)
{
    switch (error) {
    case SESSION_UNKNOWN_TRANSPORT:
        return "Transport unknown";
    case SESSION_UNKNOWN_SID:
        return "Session ID unknown";
    case SESSION_BAD_HANDSHAKE_METHOD:
        return "Bad handshake method";
    case SESSION_UNSUPPORTED_PROTOCOL:
        return "Unsupported protocol version";
    case SESSION_BAD_REQUEST:
    case SESSION_OK:
        break;
    }
    return "Bad request";
}

void session_request_refuse(struct gateway *gateway, uint64_t request_id, enum session_error error)
{
    char body[96];
    int length = snprintf(body, sizeof(body), "{\"code\":%d,\"message\":\"%s\"}", (int)error,
                          session_request_message(error));
    gateway_http_respond(gateway, request_id, 400, "application/json", NULL, 0, body, (size_t)length);
}
