/* One client's websocket: engine.io 4 with socket.io 5 on it, main namespace only.
 *
 *   opened ── 40, credentials right ──► joined to its peer ── 41 either way ──► left
 *
 * The session answers the handshake, sends pings and watches the pongs, gives requests to the dispatcher and
 * acknowledgements to the peer's outbox. A session that is opened or left for connect_timeout_ms is closed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SESSION_MESSAGE_BYTES_MAX 1000000

struct event_base;
struct gateway;
struct rooms;
struct session;

struct session_config {
    struct event_base *base;
    struct gateway *gateway;
    struct rooms *rooms;
    unsigned ping_interval_ms;
    unsigned ping_timeout_ms;
    unsigned connect_timeout_ms;
};

/* query: of the websocket's URL. Sends the open packet. config is kept. */
int session_create(const struct session_config *config, uint64_t websocket, const char *query,
                   struct session **ret_session);
/* The websocket has gone: its peer gets time to come back. */
void session_destroy(struct session *session);

/* One text frame. */
void session_receive(struct session *session, const char *text, size_t length);
/* Binary packets are not spoken: the session is closed. */
void session_receive_binary(struct session *session);

uint64_t session_websocket(const struct session *session);
