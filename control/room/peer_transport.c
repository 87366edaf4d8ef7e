#include "control/room/peer_transport.h"

#include <errno.h>
#include <stdlib.h>

#include "control/forwarder/forwarder.h"
#include "control/ids.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/transport/webrtc_transport.h"

int peer_transport_create(struct peer *peer, bool producing, bool consuming,
                          struct peer_transport **ret_transport)
{
    if (peer->transport_count >= PEER_TRANSPORTS_MAX)
        return -EMFILE;
    const struct rooms_config *config = rooms_get_config(peer->room->rooms);
    struct peer_transport *transport = calloc(1, sizeof(*transport));
    if (!transport)
        return -ENOMEM;
    *transport = (struct peer_transport){.peer = peer, .producing = producing, .consuming = consuming};
    int error = ids_hex(transport->cname, PEER_TRANSPORT_CNAME_DIGITS);
    if (!error)
        error = webrtc_transport_create(config->webrtc, consuming, &transport->webrtc);
    if (error) {
        free(transport);
        return error;
    }
    forwarder_label_transport(config->forwarder, webrtc_transport_handle(transport->webrtc), peer->room->id,
                              peer->id);
    TAILQ_INSERT_TAIL(&peer->transports, transport, link);
    peer->transport_count++;
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
    free(transport);
}

const char *peer_transport_id(const struct peer_transport *transport)
{
    return webrtc_transport_id(transport->webrtc);
}
