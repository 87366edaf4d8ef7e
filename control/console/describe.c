#include "control/console/describe.h"

#include "control/forwarder/numbers.h"
#include "control/ortc/consume.h"
#include "control/ortc/produce.h"
#include "control/room/consumer.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/stats.h"

static const char *peer_state(const struct peer *peer)
{
    if (!peer->came)
        return "invited";
    if (!outbox_is_attached(&peer->outbox))
        return "away";
    return peer->joined ? "joined" : "connected";
}

static size_t count_consumers(const struct peer *peer)
{
    size_t count = 0;
    const struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    count++;
    return count;
}

json_t *describe_room_row(const struct room *room)
{
    size_t producers = 0, consumers = 0;
    const struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    {
        producers += peer->producer_count;
        consumers += count_consumers(peer);
    }
    const struct peer *speaker = floor_holder(room);
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:s?}", "id", room->id, "createdAt",
                     (json_int_t)room->created_at, "peers", (json_int_t)room->peer_count, "invited",
                     (json_int_t)room->place_count, "producers", (json_int_t)producers, "consumers",
                     (json_int_t)consumers, "speaker", speaker ? speaker->id : NULL);
}

json_t *describe_peer_row(const struct peer *peer)
{
    return json_pack("{s:s,s:s,s:s,s:i,s:O*,s:I,s:I,s:I}", "id", peer->id, "roomId", peer->room->id, "state",
                     peer_state(peer), "role", (int)peer->role, "nickname", peer->nickname, "transports",
                     (json_int_t)peer->transport_count, "producers", (json_int_t)peer->producer_count,
                     "consumers", (json_int_t)count_consumers(peer));
}

/* Steals more. */
static json_t *with(json_t *object, json_t *more)
{
    json_object_update(object, more);
    json_decref(more);
    return object;
}

static json_t *owner(const struct peer *peer)
{
    return json_pack("{s:s,s:s}", "peerId", peer->id, "roomId", peer->room->id);
}

static json_t *dump_room(const struct room *room)
{
    json_t *peers = json_array();
    const struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    json_array_append_new(peers, describe_peer_row(peer));
    TAILQ_FOREACH(peer, &room->places, link)
    json_array_append_new(peers, describe_peer_row(peer));
    json_t *dump = describe_room_row(room);
    json_object_del(dump, "peers"); /* the number makes way for the list, at the end */
    json_object_set_new(dump, "peers", peers);
    return dump;
}

static json_t *dump_peer(const struct peer *peer)
{
    json_t *more = json_pack("{s:s,s:s,s:i,s:O*,s:O*,s:b,s:I}", "roomId", peer->room->id, "state",
                             peer_state(peer), "role", (int)peer->role, "language", peer->language,
                             "raisedHand", peer->raised_hand, "receives", peer->capabilities != NULL,
                             "waitingBytes", (json_int_t)peer->outbox.waiting_bytes);
    return with(stats_peer(peer, false), more);
}

static json_t *dump_transport(const struct peer_transport *transport)
{
    json_t *more = owner(transport->peer);
    json_object_set_new(more, "nextMid", json_integer((json_int_t)transport->next_mid));
    return with(stats_transport(transport, false), more);
}

static json_t *dump_encodings(const struct ortc_producer *ortc)
{
    json_t *encodings = json_array();
    for (size_t i = 0; i < ortc->encoding_count; i++) {
        const struct ortc_encoding *encoding = &ortc->encodings[i];
        json_array_append_new(encodings, json_pack("{s:s,s:I,s:I}", "rid", encoding->rid, "ssrc",
                                                   (json_int_t)encoding->ssrc, "rtxSsrc",
                                                   (json_int_t)encoding->rtx_ssrc));
    }
    return encodings;
}

static json_t *dump_producer(const struct producer *producer)
{
    json_t *consumers = json_array();
    const struct consumer *consumer;
    TAILQ_FOREACH(consumer, &producer->consumers, producer_link)
    json_array_append_new(consumers, json_string(consumer->id));
    json_t *more = json_pack("{s:b,s:s,s:s,s:o,s:o}", "silenced", (int)producer->silenced, "mid",
                             producer->ortc->mid, "cname", producer->ortc->cname, "encodings",
                             dump_encodings(producer->ortc), "consumers", consumers);
    return with(with(stats_producer(producer, false), owner(producer->peer)), more);
}

static json_t *dump_consumer(const struct consumer *consumer)
{
    json_t *more = json_pack("{s:b,s:b,s:o*}", "started", (int)consumer->started, "answered",
                             consumer->request == NULL, "rtpParameters", consumer_rtp_parameters(consumer));
    return with(with(stats_consumer(consumer, false), owner(consumer->peer)), more);
}

json_t *describe_dump(const struct found *found)
{
    switch (found->kind) {
    case FOUND_ROOM:
        return dump_room(found->room);
    case FOUND_PEER:
        return dump_peer(found->peer);
    case FOUND_TRANSPORT:
        return dump_transport(found->transport);
    case FOUND_PRODUCER:
        return dump_producer(found->producer);
    case FOUND_CONSUMER:
        return dump_consumer(found->consumer);
    }
    return NULL;
}

static json_t *transport_numbers(struct forwarder *forwarder, const struct peer_transport *transport)
{
    return with(json_pack("{s:s}", "transportId", peer_transport_id(transport)),
                numbers_of_transport(forwarder, peer_transport_handle(transport)));
}

static json_t *producer_numbers(struct forwarder *forwarder, const struct producer *producer)
{
    return json_pack("{s:s,s:s,s:o*}", "producerId", producer->id, "kind",
                     media_kind_name(producer->ortc->kind), "streams",
                     numbers_of_producer(forwarder, producer->handle));
}

static json_t *consumer_numbers(struct forwarder *forwarder, const struct consumer *consumer)
{
    return with(json_pack("{s:s,s:s,s:s}", "consumerId", consumer->id, "producerId", consumer->producer->id,
                          "kind", media_kind_name(consumer->producer->ortc->kind)),
                numbers_of_consumer(forwarder, consumer->handle));
}

static json_t *peer_numbers(struct forwarder *forwarder, const struct peer *peer)
{
    json_t *transports = json_array(), *producers = json_array(), *consumers = json_array();
    const struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    json_array_append_new(transports, transport_numbers(forwarder, transport));
    const struct producer *producer;
    TAILQ_FOREACH(producer, &peer->producers, link)
    json_array_append_new(producers, producer_numbers(forwarder, producer));
    const struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    json_array_append_new(consumers, consumer_numbers(forwarder, consumer));
    return json_pack("{s:s,s:o,s:o,s:o}", "peerId", peer->id, "transports", transports, "producers",
                     producers, "consumers", consumers);
}

/* Adds the numbers of one transport to those of its room. */
static void add_up(json_t *sums, const json_t *numbers)
{
    static const char *const keys[] = {"packetsReceived", "bytesReceived", "recvBitrate", "packetsSent",
                                       "bytesSent",       "sendBitrate",   "dropsSrtp"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        json_object_set_new(sums, keys[i],
                            json_integer(json_integer_value(json_object_get(sums, keys[i])) +
                                         json_integer_value(json_object_get(numbers, keys[i]))));
}

static json_t *room_numbers(struct forwarder *forwarder, const struct room *room)
{
    json_t *sums = describe_room_row(room);
    const struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    {
        const struct peer_transport *transport;
        TAILQ_FOREACH(transport, &peer->transports, link)
        {
            json_t *numbers = transport_numbers(forwarder, transport);
            add_up(sums, numbers);
            json_decref(numbers);
        }
    }
    return sums;
}

json_t *describe_numbers(struct forwarder *forwarder, const struct found *found)
{
    switch (found->kind) {
    case FOUND_ROOM:
        return room_numbers(forwarder, found->room);
    case FOUND_PEER:
        return peer_numbers(forwarder, found->peer);
    case FOUND_TRANSPORT:
        return transport_numbers(forwarder, found->transport);
    case FOUND_PRODUCER:
        return producer_numbers(forwarder, found->producer);
    case FOUND_CONSUMER:
        return consumer_numbers(forwarder, found->consumer);
    }
    return NULL;
}
