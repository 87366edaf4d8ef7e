#include "control/room/peer_transport.h"

#include <errno.h>
#include <stdlib.h>

#include "control/forwarder/forwarder.h"
#include "control/ids.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/transport/plain_transport.h"
#include "control/transport/webrtc_transport.h"

static int allocate(struct peer *peer, bool producing, bool consuming, struct peer_transport **ret_transport)
{
    if (peer->transport_count >= PEER_TRANSPORTS_MAX)
        return -EMFILE;
    struct peer_transport *transport = calloc(1, sizeof(*transport));
    if (!transport)
        return -ENOMEM;
    *transport = (struct peer_transport){.peer = peer, .producing = producing, .consuming = consuming};
    int error = ids_hex(transport->cname, PEER_TRANSPORT_CNAME_DIGITS);
    if (error)
        free(transport);
    else
        *ret_transport = transport;
    return error;
}

static void link_transport(struct peer_transport *transport)
{
    struct peer *peer = transport->peer;
    forwarder_label_transport(rooms_get_config(peer->room->rooms)->forwarder,
                              peer_transport_handle(transport), peer->room->id, peer->id);
    TAILQ_INSERT_TAIL(&peer->transports, transport, link);
    peer->transport_count++;
}

int peer_transport_create(struct peer *peer, bool producing, bool consuming,
                          struct peer_transport **ret_transport)
{
    struct peer_transport *transport;
    int error = allocate(peer, producing, consuming, &transport);
    if (error)
        return error;
    error =
        webrtc_transport_create(rooms_get_config(peer->room->rooms)->webrtc, consuming, &transport->webrtc);
    if (error) {
        free(transport);
        return error;
    }
    link_transport(transport);
    *ret_transport = transport;
    return 0;
}

int peer_transport_create_plain(struct peer *peer, bool producing, bool consuming,
                                struct peer_transport **ret_transport)
{
    struct peer_transport *transport;
    int error = allocate(peer, producing, consuming, &transport);
    if (error)
        return error;
    error = plain_transport_create(rooms_get_config(peer->room->rooms)->plain, producing, consuming,
                                   &transport->plain);
    if (error) {
        free(transport);
        return error;
    }
    link_transport(transport);
    *ret_transport = transport;
    return 0;
}

void peer_transport_destroy(struct peer_transport *transport)
{
    if (!transport)
        return;
    TAILQ_REMOVE(&transport->peer->transports, transport, link);
    transport->peer->transport_count--;
    webrtc_transport_destroy(transport->webrtc);
    plain_transport_destroy(transport->plain);
    free(transport);
}

const char *peer_transport_id(const struct peer_transport *transport)
{
    return transport->plain ? plain_transport_id(transport->plain) : webrtc_transport_id(transport->webrtc);
}

uint64_t peer_transport_handle(const struct peer_transport *transport)
{
    return transport->plain ? plain_transport_handle(transport->plain)
                            : webrtc_transport_handle(transport->webrtc);
}
