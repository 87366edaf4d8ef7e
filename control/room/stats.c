#include "control/room/stats.h"

#include <string.h>

#include "control/forwarder/numbers.h"
#include "control/ortc/consumable.h"
#include "control/ortc/consume.h"
#include "control/ortc/produce.h"
#include "control/room/consumer.h"
#include "control/room/floor.h"
#include "control/room/peer.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"
#include "control/transport/plain_transport.h"
#include "control/transport/webrtc_transport.h"

static const char *ice_state_name(enum webrtc_ice_state state)
{
    switch (state) {
    case WEBRTC_ICE_NEW:
        return "new";
    case WEBRTC_ICE_CONNECTED:
        return "connected";
    case WEBRTC_ICE_COMPLETED:
        return "completed";
    case WEBRTC_ICE_DISCONNECTED:
        return "disconnected";
    }
    return "unknown";
}

static const char *dtls_state_name(enum webrtc_dtls_state state)
{
    switch (state) {
    case WEBRTC_DTLS_NEW:
        return "new";
    case WEBRTC_DTLS_CONNECTING:
        return "connecting";
    case WEBRTC_DTLS_CONNECTED:
        return "connected";
    case WEBRTC_DTLS_FAILED:
        return "failed";
    case WEBRTC_DTLS_CLOSED:
        return "closed";
    }
    return "unknown";
}

static struct forwarder *get_forwarder(const struct peer *peer)
{
    return rooms_get_config(peer->room->rooms)->forwarder;
}

static json_t *stats_plain(const struct peer_transport *transport)
{
    const struct plain_transport *plain = transport->plain;
    json_t *stats = json_pack("{s:s,s:s,s:b,s:b,s:b,s:b}", "type", "plain-rtp-transport", "transportId",
                              plain_transport_id(plain), "comedia", plain_transport_learns(plain),
                              "connected", plain_transport_is_connected(plain), "producing",
                              transport->producing, "consuming", transport->consuming);
    json_t *tuple = plain_transport_describe(plain);
    json_object_del(tuple, "id");
    json_object_set_new(stats, "local", tuple);
    return stats;
}

/* Steals numbers: an object, an array of them, or NULL where there are none. */
static json_t *with_numbers(json_t *object, json_t *numbers)
{
    json_t *list = json_is_array(numbers) ? json_incref(numbers) : json_array();
    if (json_is_object(numbers))
        json_array_append(list, numbers);
    json_decref(numbers);
    json_object_set_new(object, "stats", list);
    return object;
}

static json_t *stats_webrtc(const struct peer_transport *transport)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "type", "webrtc-transport", "transportId",
                     peer_transport_id(transport), "iceState",
                     ice_state_name(webrtc_transport_ice_state(transport->webrtc)), "dtlsState",
                     dtls_state_name(webrtc_transport_dtls_state(transport->webrtc)), "producing",
                     transport->producing, "consuming", transport->consuming);
}

/* Our end of the selected tuple: the candidate of its protocol and family. */
static void add_local_end(json_t *tuple, const struct webrtc_transport *webrtc)
{
    json_t *description, *candidate;
    size_t i;

    if (!json_is_object(tuple) || webrtc_transport_describe(webrtc, false, &description) != 0)
        return;
    bool is_v6 = strchr(json_string_value(json_object_get(tuple, "remoteIp")), ':');
    json_array_foreach(json_object_get(description, "iceCandidates"), i, candidate)
    {
        const char *ip = json_string_value(json_object_get(candidate, "ip"));
        if (!ip || (strchr(ip, ':') != NULL) != is_v6 ||
            !json_equal(json_object_get(candidate, "protocol"), json_object_get(tuple, "protocol")))
            continue;
        json_object_set(tuple, "localIp", json_object_get(candidate, "ip"));
        json_object_set(tuple, "localPort", json_object_get(candidate, "port"));
        break;
    }
    json_decref(description);
}

/* Numbers get the names that control has for what they are of. */
static void name_transport(json_t *numbers, const struct peer_transport *transport, const json_t *stats)
{
    static const char *const names[] = {"type", "transportId", "iceState", "dtlsState"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) /* NULL is not set */
        json_object_set(numbers, names[i], json_object_get(stats, names[i]));
    if (transport->plain)
        return;
    json_object_set_new(numbers, "iceRole", json_string("controlled"));
    add_local_end(json_object_get(numbers, "iceSelectedTuple"), transport->webrtc);
}

static void name_stream(json_t *numbers, const struct producer *producer)
{
    json_object_set_new(numbers, "kind", json_string(media_kind_name(producer->ortc->kind)));
    json_object_set_new(numbers, "mimeType",
                        json_string(producer->ortc->consumable->codecs[0].codec.mime_type));
}

static json_t *streams_of(const struct producer *producer)
{
    json_t *streams = numbers_of_producer(get_forwarder(producer->peer), producer->handle), *stream;
    size_t i;

    json_array_foreach(streams, i, stream)
    {
        json_int_t encoding = json_integer_value(json_object_get(stream, "encoding"));
        name_stream(stream, producer);
        if (encoding < (json_int_t)producer->ortc->encoding_count &&
            producer->ortc->encodings[encoding].rid[0])
            json_object_set_new(stream, "rid", json_string(producer->ortc->encodings[encoding].rid));
    }
    return streams;
}

json_t *stats_transport(const struct peer_transport *transport, bool measured)
{
    json_t *stats = transport->plain ? stats_plain(transport) : stats_webrtc(transport);
    if (!measured)
        return stats;
    json_t *numbers = numbers_of_transport(get_forwarder(transport->peer), peer_transport_handle(transport));
    if (numbers)
        name_transport(numbers, transport, stats);
    return with_numbers(stats, numbers);
}

json_t *stats_producer(const struct producer *producer, bool measured)
{
    json_t *stats = json_pack(
        "{s:s,s:s,s:s,s:s,s:b,s:O}", "id", producer->id, "transportId",
        peer_transport_id(producer->transport), "kind", media_kind_name(producer->ortc->kind), "type",
        ortc_type_name(producer->ortc->type), "paused", producer->paused, "appData", producer->app_data);
    return measured ? with_numbers(stats, streams_of(producer)) : stats;
}

json_t *stats_consumer(const struct consumer *consumer, bool measured)
{
    json_t *stats = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:b,s:b}", "id", consumer->id, "producerId",
                              consumer->producer->id, "transportId", peer_transport_id(consumer->transport),
                              "kind", media_kind_name(consumer->producer->ortc->kind), "type",
                              ortc_type_name(consumer->producer->ortc->type), "ssrc",
                              (json_int_t)consumer->ssrc, "paused", consumer_is_paused(consumer), "hidden",
                              (int)consumer->hidden, "producerPaused", consumer->producer->paused);
    if (consumer->spatial_layer >= 0)
        json_object_set_new(stats, "currentLayers",
                            json_pack("{s:i,s:i}", "spatialLayer", consumer->spatial_layer, "temporalLayer",
                                      consumer->temporal_layer));
    if (consumer->score.known)
        json_object_set_new(stats, "score", consumer_score(consumer));
    if (!measured)
        return stats;
    json_t *numbers = numbers_of_consumer(get_forwarder(consumer->peer), consumer->handle);
    if (numbers)
        name_stream(numbers, consumer->producer);
    return with_numbers(stats, numbers);
}

json_t *stats_peer(const struct peer *peer, bool measured)
{
    json_t *producers = json_array(), *consumers = json_array(), *transports = json_array();
    const struct producer *producer;
    TAILQ_FOREACH(producer, &peer->producers, link)
    json_array_append_new(producers, stats_producer(producer, measured));
    const struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    json_array_append_new(consumers, stats_consumer(consumer, measured));
    const struct peer_transport *transport;
    TAILQ_FOREACH(transport, &peer->transports, link)
    json_array_append_new(transports, stats_transport(transport, measured));
    return json_pack("{s:s,s:O*,s:i,s:b,s:o,s:o,s:o}", "id", peer->id, "nickname", peer->nickname,
                     "audioLevel", floor_level(peer, floor_now_ms()), "activeSpeaker",
                     floor_holder(peer->room) == peer, "producers", producers, "consumers", consumers,
                     "transports", transports);
}

json_t *stats_room(const struct room *room, bool measured)
{
    json_t *stats = json_object();
    const struct peer *peer;
    TAILQ_FOREACH(peer, &room->peers, link)
    json_object_set_new(stats, peer->id, stats_peer(peer, measured));
    return stats;
}
