#include <errno.h>

#include "control/log.h"
#include "control/ortc/router.h"
#include "control/room/consumer.h"
#include "control/room/floor.h"
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

int request_get_router_rtp_capabilities(struct peer *peer, const json_t *data,
                                        struct event_text *ret_response)
{
    (void)data;
    const struct ortc_router *router = rooms_get_config(peer->room->rooms)->router;
    *ret_response = event_text_join((const char *const[]){ortc_router_capabilities_text(router), NULL});
    return 0;
}

static int read_flag(const json_t *data, const char *key, bool *ret_flag)
{
    const json_t *value = json_object_get(data, key);
    if (value && !json_is_boolean(value))
        return -EINVAL;
    *ret_flag = json_is_true(value);
    return 0;
}

/* Of this server only: {speaker?, levels?} says which notifications (floor.h) the peer gets from now on. */
int request_observe_speakers(struct peer *peer, const json_t *data, json_t **ret_response)
{
    struct floor_observer wanted = {0};
    int error = json_is_object(data) ? 0 : -EINVAL;
    if (!error)
        error = read_flag(data, "speaker", &wanted.speaker);
    if (!error)
        error = read_flag(data, "levels", &wanted.levels);
    if (!error)
        error = floor_observe(peer, wanted);
    if (error)
        return error;
    const struct peer *holder = floor_holder(peer->room);
    *ret_response = json_pack("{s:s?}", "peerId", holder ? holder->id : NULL);
    return 0;
}
