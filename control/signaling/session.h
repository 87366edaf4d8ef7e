/* One client's session: engine.io 3 or 4 over a websocket or long polling, with socket.io on it (main
 * namespace only).
 *
 *   open ── close ──► closing ── the client has been told ──► finished
 *     └──────── the client is gone, or broke the rules ──────────▲
 *
 * session.c is engine.io: handshake, heartbeat, packets, the end. Its transports are a websocket of the
 * gateway and session_polling.c; session_upgrade.c moves a session from the second to the first.
 * session_socketio.c gives requests to the dispatcher and acknowledgements to the peer's outbox.
 *
 * Who may use a session: it has an id that nobody can guess, and every request of long polling and the
 * upgrade must also repeat the credentials that it began with. The client's address may change: browsers have
 * several.
 *
 * Bounded: what waits for a client that does not poll (SESSION_QUEUE_BYTES_MAX, then the session is dropped;
 * the gateway does the same for websockets), the time without a peer, and the time that a close waits for a
 * poll. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/signaling/session_request.h"

#define SESSION_MESSAGE_BYTES_MAX 1000000
#define SESSION_QUEUE_BYTES_MAX 4000000

struct address_limits;
struct event_base;
struct gateway;
struct gateway_http_request;
struct rooms;
struct session;
struct session_table;

struct session_config {
    struct event_base *base;
    struct gateway *gateway;
    struct rooms *rooms;
    unsigned ping_interval_ms;
    unsigned ping_timeout_ms;
    unsigned connect_timeout_ms; /* without a peer */
    unsigned upgrade_timeout_ms; /* from the upgrade's websocket to its end */
    size_t message_bytes_max;
    struct address_limits *limits; /* NULL: none */
    unsigned linger_ms;            /* of a closed session whose client has still to fetch the reason */
};

/* A new session in the table, which destroys it when it has finished. websocket: its transport, or 0 for long
 * polling. address: the client's. Sends the open packet, and in protocol 3 connects the peer. config and
 * table are kept. -EUSERS when the address has too many. */
int session_open(const struct session_config *config, struct session_table *table,
                 const struct session_request *request, uint64_t websocket, const char *address,
                 struct session **ret_session);
/* Whether the request, which has its id, may use it. A session that has finished is nobody's. */
bool session_is_authentic(const struct session *session, const struct session_request *request);
/* The table calls this: the peer gets time to come back. */
void session_destroy(struct session *session);

/* A message on the session's websocket, be it its transport or the upgrade to come. Binary ones are not
 * spoken: the websocket is closed. */
void session_receive(struct session *session, uint64_t websocket, const char *data, size_t length,
                     bool binary);
/* The websocket or the hanging GET of that handle has gone. */
void session_lost(struct session *session, uint64_t handle);

/* A GET or POST of long polling, for a session that session_is_polling(). Answers it, now or later. */
void session_poll(struct session *session, const struct gateway_http_request *request);
bool session_is_polling(const struct session *session);

/* Whether a websocket may take over from long polling, and the websocket that does. */
bool session_may_upgrade(const struct session *session);
void session_upgrade(struct session *session, uint64_t websocket);
