#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "control/gateway/connection.h"
#include "control/gateway/listener.h"
#include "control/log.h"

#define REPORT_BURST_MS 10 /* one event may be reported in several messages */

static void name_peer(struct connection *connection)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    if (getpeername(lws_get_socket_fd(connection->wsi), (struct sockaddr *)&address, &length) ||
        getnameinfo((struct sockaddr *)&address, length, connection->peer, sizeof(connection->peer), NULL, 0,
                    NI_NUMERICHOST))
        connection->peer[0] = '\0';
}

/* Before anything is counted. */
static bool admit(struct listener *listener, const char *peer)
{
    if (address_limits_take(listener->limits, peer, address_limits_now_ms()) == ADDRESS_LIMITS_OK &&
        address_limits_connect(listener->limits, peer))
        return true;
    atomic_fetch_add(&listener->counters.refused, 1);
    log_every_s(10, log_warn, "gateway", "refused a connection of %s: too many", peer);
    return false;
}

struct connection *connection_create(struct listener *listener, struct lws *wsi)
{
    unsigned slot = listener->first_free;

    while (slot < listener->slot_count && listener->slots[slot])
        slot++;
    struct connection *connection = slot < listener->slot_count ? calloc(1, sizeof(*connection)) : NULL;
    if (!connection)
        return NULL;
    connection->listener = listener;
    connection->wsi = wsi;
    connection->slot = slot;
    connection->reading = true;
    name_peer(connection);
    if (!admit(listener, connection->peer)) {
        free(connection);
        return NULL;
    }
    connection->is_stranger = true;
    TAILQ_INSERT_TAIL(&listener->strangers, connection, stranger_link);
    listener->slots[slot] = connection;
    listener->first_free = slot + 1;
    atomic_fetch_add(&listener->counters.connections, 1);
    atomic_fetch_add(&listener->counters.connections_now, 1);
    connection_arm(connection, listener->config.header_timeout_s);
    return connection;
}

void connection_introduce(struct connection *connection)
{
    if (!connection->is_stranger)
        return;
    connection->is_stranger = false;
    TAILQ_REMOVE(&connection->listener->strangers, connection, stranger_link);
}

bool connection_hold(struct connection *connection)
{
    lws_usec_t now = lws_now_usecs();

    if (connection->is_held)
        return true;
    if (now - connection->reported_at_us >= GATEWAY_REPORT_MS * LWS_US_PER_MS) {
        connection->reported_at_us = now;
        connection->burst_at_us = now;
    }
    if (now - connection->burst_at_us < REPORT_BURST_MS * LWS_US_PER_MS)
        return false;
    connection->is_held = true;
    TAILQ_INSERT_TAIL(&connection->listener->held, connection, held_link);
    return true;
}

void connection_release(struct connection *connection)
{
    if (!connection->is_held)
        return;
    connection->is_held = false;
    connection->reported_at_us = lws_now_usecs();
    TAILQ_REMOVE(&connection->listener->held, connection, held_link);
}

/* libwebsockets, which has the socket, finds its end in this round or the next. */
void connection_cut(struct connection *connection)
{
    connection_introduce(connection);
    shutdown(lws_get_socket_fd(connection->wsi), SHUT_RDWR);
}

void connection_destroy(struct connection *connection)
{
    if (!connection)
        return;
    struct listener *listener = connection->listener;

    connection_introduce(connection);
    connection_release(connection);
    connection_drop_body(connection);
    connection_abandon(connection);
    buffer_deinit(&connection->input);
    output_deinit(&connection->output);
    free(connection->head_bytes);
    connection_disarm(connection);
    listener->slots[connection->slot] = NULL;
    if (connection->slot < listener->first_free)
        listener->first_free = connection->slot;
    atomic_fetch_sub(&listener->counters.connections_now, 1);
    address_limits_disconnect(listener->limits, connection->peer);
    free(connection);
}

uint64_t connection_new_handle(struct connection *connection)
{
    connection->handle = ++connection->listener->generation << 16 | connection->slot;
    return connection->handle;
}
