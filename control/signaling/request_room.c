#include <errno.h>

#include "control/log.h"
#include "control/ortc/router.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/rooms.h"
#include "control/signaling/requests.h"

int request_ping(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)peer;
    (void)data;
    (void)ret_response;
    return 0;
}

int request_dump_stats(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)data;
    (void)ret_response;
    size_t transports = 0, producers = 0, consumers = 0;
    const struct peer *other;
    const struct consumer *consumer;
    TAILQ_FOREACH(other, &peer->room->peers, link)
    {
        transports += other->transport_count;
        producers += other->producer_count;
        TAILQ_FOREACH(consumer, &other->consumers, peer_link)
        consumers++;
    }
    log_info("signaling", "room %s: %zu peers, %zu transports, %zu producers, %zu consumers", peer->room->id,
             peer->room->peer_count, transports, producers, consumers);
    return 0;
}

int request_get_router_rtp_capabilities(struct peer *peer, const json_t *data, json_t **ret_response)
{
    (void)data;
    const struct ortc_router *router = rooms_get_config(peer->room->rooms)->router;
    /* Every room answers with the router's own object; nobody writes to it. */
    *ret_response = json_incref((json_t *)ortc_router_capabilities(router));
    return 0;
}
