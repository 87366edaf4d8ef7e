#include "control/room/producer.h"

#include <errno.h>
#include <stdlib.h>

#include "control/forwarder/forwarder.h"
#include "control/log.h"
#include "control/ortc/produce.h"
#include "control/room/consumer.h"
#include "control/room/last_n.h"
#include "control/room/peer_transport.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

static struct forwarder *get_forwarder(const struct producer *producer)
{
    return rooms_get_config(producer->peer->room->rooms)->forwarder;
}

static void free_producer(struct producer *producer)
{
    ortc_producer_destroy(producer->ortc);
    json_decref(producer->app_data);
    free(producer);
}

/* As many as the forwarder has places for on one transport. */
static bool is_full(const struct peer_transport *transport)
{
    const struct producer *producer;
    size_t count = 0;
    TAILQ_FOREACH(producer, &transport->peer->producers, link)
    count += producer->transport == transport;
    return count >= TRANSPORT_PRODUCERS_MAX;
}

static bool is_taken(const struct peer_transport *transport, const struct ortc_producer *ortc)
{
    const struct producer *other;
    TAILQ_FOREACH(other, &transport->peer->producers, link)
    if (other->transport == transport && ortc_producers_conflict(other->ortc, ortc))
        return true;
    return false;
}

int producer_create(struct peer_transport *transport, enum media_kind kind, const json_t *rtp_parameters,
                    json_t *app_data, struct producer **ret_producer)
{
    struct peer *peer = transport->peer;
    if (peer->producer_count >= PEER_PRODUCERS_MAX || is_full(transport))
        return -EMFILE;
    const struct rooms_config *config = rooms_get_config(peer->room->rooms);
    struct producer *producer = calloc(1, sizeof(*producer));
    if (!producer)
        return -ENOMEM;
    producer->peer = peer;
    producer->transport = transport;
    producer->app_data = json_incref(app_data);
    TAILQ_INIT(&producer->consumers);

    int error = ids_uuid(producer->id);
    if (!error)
        error = ortc_produce(config->router, kind, rtp_parameters, transport->cname, &producer->ortc);
    if (!error && is_taken(transport, producer->ortc))
        error = -EEXIST;
    if (!error)
        error = forwarder_install_producer(config->forwarder, peer_transport_handle(transport),
                                           producer->ortc, false, &producer->handle);
    if (!error && (error = rooms_index_producer(peer->room->rooms, producer)))
        forwarder_remove_producer(config->forwarder, producer->handle);
    if (error) {
        free_producer(producer);
        return error;
    }
    TAILQ_INSERT_TAIL(&peer->producers, producer, link);
    peer->producer_count++;
    last_n_update(peer->room);
    *ret_producer = producer;
    return 0;
}

void producer_close(struct producer *producer)
{
    struct consumer *consumer;
    while ((consumer = TAILQ_FIRST(&producer->consumers)))
        consumer_close(consumer, true);
    TAILQ_REMOVE(&producer->peer->producers, producer, link);
    producer->peer->producer_count--;
    rooms_unindex_producer(producer->peer->room->rooms, producer);
    forwarder_remove_producer(get_forwarder(producer), producer->handle);
    struct room *room = producer->peer->room;
    free_producer(producer);
    last_n_update(room);
}

void producer_offer(struct producer *producer)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &producer->peer->room->peers, link)
    consumer_create(producer, peer);
}

int producer_pause(struct producer *producer, bool paused)
{
    if (producer->paused == paused)
        return 0;
    int error =
        forwarder_pause_producer(get_forwarder(producer), producer->handle, paused || producer->silenced);
    if (error)
        return error;
    producer->paused = paused;
    last_n_update(producer->peer->room); /* first: who will not see it need not hear of it */
    struct consumer *consumer;
    TAILQ_FOREACH(consumer, &producer->consumers, producer_link)
    consumer_tell(consumer);
    return 0;
}

void producer_heard(const struct producer *producer, unsigned loudness, unsigned speech, uint64_t now_ms)
{
    bool counts = !producer->paused && !producer->silenced;
    floor_hear(producer->peer, counts ? loudness : 0, counts ? speech : 0, now_ms);
}

void producer_silence(struct producer *producer, bool silenced)
{
    int error =
        forwarder_pause_producer(get_forwarder(producer), producer->handle, producer->paused || silenced);
    if (!error) {
        producer->silenced = silenced;
        last_n_update(producer->peer->room);
    } else if (silenced)
        producer_close(producer);
    else
        log_every_s(1, log_warn, "room", "producer %s cannot go on: error %d", producer->id, error);
}
