#include "control/room/consumer.h"

#include <errno.h>
#include <stdlib.h>

#include "control/forwarder/forwarder.h"
#include "control/log.h"
#include "control/ortc/consume.h"
#include "control/room/event.h"
#include "control/room/last_n.h"
#include "control/room/peer_transport.h"
#include "control/room/producer.h"
#include "control/room/room.h"
#include "control/room/rooms.h"

#define PRIORITY_AUDIO 255
#define PRIORITY_VIDEO 1

static const struct rooms_config *get_config(const struct consumer *consumer)
{
    return rooms_get_config(consumer->peer->room->rooms);
}

static bool has_consumer(const struct peer *peer, const struct producer *producer)
{
    const struct consumer *consumer;
    TAILQ_FOREACH(consumer, &peer->consumers, peer_link)
    if (consumer->producer == producer)
        return true;
    return false;
}

/* Random, and not among those that the transport already has. */
static int pick_ssrc(const struct peer_transport *transport, uint32_t *ret_ssrc)
{
    for (;;) {
        uint32_t ssrc;
        int error = ids_ssrc(&ssrc);
        if (error)
            return error;
        const struct consumer *other;
        TAILQ_FOREACH(other, &transport->peer->consumers, peer_link)
        {
            uint32_t distance = ssrc - other->ssrc;
            if (distance <= 1 || distance == UINT32_MAX)
                break;
        }
        if (!other) {
            *ret_ssrc = ssrc;
            return 0;
        }
    }
}

static int consume(const struct consumer *consumer, struct ortc_consumer **ret_ortc)
{
    return ortc_consume(consumer->producer->ortc, consumer->peer->capabilities, consumer->mid, consumer->ssrc,
                        NULL, ret_ortc);
}

static int resume(struct consumer *consumer)
{
    return forwarder_pause_consumer(get_config(consumer)->forwarder, consumer->handle,
                                    consumer_is_paused(consumer));
}

static void on_answer(void *context, bool answered)
{
    struct consumer *consumer = context;
    consumer->request = NULL;
    if (!answered) {
        log_every_s(1, log_warn, "room", "peer %s does not take consumer %s", consumer->peer->id,
                    consumer->id);
        consumer_close(consumer, false);
        return;
    }
    if (consumer->started)
        return;
    consumer->started = true;
    int error = resume(consumer);
    if (error)
        log_every_s(1, log_warn, "room", "consumer %s cannot be resumed: error %d", consumer->id, error);
}

static int ask_client(struct consumer *consumer, const struct ortc_consumer *ortc)
{
    const struct producer *producer = consumer->producer;
    struct event_text event = event_request(
        "newConsumer", json_pack("{s:s,s:s,s:s,s:s,s:O,s:s,s:O,s:b}", "peerId", producer->peer->id, "kind",
                                 media_kind_name(ortc->kind), "producerId", producer->id, "id", consumer->id,
                                 "rtpParameters", ortc->rtp_parameters, "type", ortc_type_name(ortc->type),
                                 "appData", producer->app_data, "producerPaused", consumer->told_paused));
    return outbox_request(&consumer->peer->outbox, &event, on_answer, consumer, &consumer->request);
}

static int install(struct consumer *consumer, const struct ortc_consumer *ortc)
{
    const struct rooms_config *config = get_config(consumer);
    bool is_audio = ortc->kind == MEDIA_AUDIO;
    consumer->started = is_audio;
    int error = forwarder_install_consumer(
        config->forwarder, peer_transport_handle(consumer->transport), consumer->producer->handle, ortc,
        is_audio ? PRIORITY_AUDIO : PRIORITY_VIDEO, !is_audio, &consumer->handle);
    if (error)
        return error;
    error = rooms_index_consumer(consumer->peer->room->rooms, consumer);
    if (error)
        forwarder_remove_consumer(config->forwarder, consumer->handle);
    return error;
}

int consumer_create(struct producer *producer, struct peer *peer)
{
    struct peer_transport *transport = peer_consuming_transport(peer);
    if (!peer->joined || peer == producer->peer || !transport ||
        !ortc_can_consume(producer->ortc, peer->capabilities))
        return -ENOTSUP;
    if (has_consumer(peer, producer))
        return -EEXIST;

    struct consumer *consumer = calloc(1, sizeof(*consumer));
    if (!consumer)
        return -ENOMEM;
    *consumer = (struct consumer){.peer = peer,
                                  .producer = producer,
                                  .transport = transport,
                                  .mid = transport->next_mid,
                                  .spatial_layer = -1,
                                  .temporal_layer = -1};
    consumer->hidden = last_n_hides(consumer);
    consumer->told_paused = producer->paused || consumer->hidden;
    struct ortc_consumer *ortc = NULL;
    int error = ids_uuid(consumer->id);
    if (!error)
        error = pick_ssrc(transport, &consumer->ssrc);
    if (!error)
        error = consume(consumer, &ortc);
    if (!error)
        error = install(consumer, ortc);
    if (error) {
        log_every_s(1, log_warn, "room", "no consumer of producer %s for peer %s: error %d", producer->id,
                    peer->id, error);
        ortc_consumer_destroy(ortc);
        free(consumer);
        return error;
    }
    transport->next_mid++;
    TAILQ_INSERT_TAIL(&peer->consumers, consumer, peer_link);
    TAILQ_INSERT_TAIL(&producer->consumers, consumer, producer_link);
    error = ask_client(consumer, ortc);
    ortc_consumer_destroy(ortc);
    if (error)
        consumer_close(consumer, false);
    return error;
}

void consumer_close(struct consumer *consumer, bool notify)
{
    struct peer *peer = consumer->peer;
    bool known = !consumer->request || outbox_cancel(&peer->outbox, consumer->request);
    if (notify && known)
        peer_notify(peer, "consumerClosed", json_pack("{s:s}", "consumerId", consumer->id));
    TAILQ_REMOVE(&peer->consumers, consumer, peer_link);
    TAILQ_REMOVE(&consumer->producer->consumers, consumer, producer_link);
    rooms_unindex_consumer(peer->room->rooms, consumer);
    forwarder_remove_consumer(get_config(consumer)->forwarder, consumer->handle);
    free(consumer);
}

json_t *consumer_rtp_parameters(const struct consumer *consumer)
{
    struct ortc_consumer *ortc;
    if (consume(consumer, &ortc) != 0)
        return NULL;
    json_t *parameters = json_incref(ortc->rtp_parameters);
    ortc_consumer_destroy(ortc);
    return parameters;
}

json_t *consumer_score(const struct consumer *consumer)
{
    const struct consumer_score *score = &consumer->score;
    if (!score->known)
        return NULL;
    json_t *encodings = json_array();
    for (size_t i = 0; i < score->encoding_count; i++)
        json_array_append_new(encodings, json_integer(score->encodings[i]));
    return json_pack("{s:i,s:i,s:o}", "score", score->own, "producerScore", score->producer, "producerScores",
                     encodings);
}

bool consumer_is_paused(const struct consumer *consumer)
{
    return consumer->paused || consumer->hidden || !consumer->started;
}

void consumer_tell(struct consumer *consumer)
{
    bool paused = consumer->producer->paused || consumer->hidden;
    if (paused == consumer->told_paused)
        return;
    consumer->told_paused = paused;
    peer_notify(consumer->peer, paused ? "consumerPaused" : "consumerResumed",
                json_pack("{s:s}", "consumerId", consumer->id));
}

int consumer_hide(struct consumer *consumer, bool hidden)
{
    if (consumer->hidden == hidden)
        return 0;
    bool was_paused = consumer_is_paused(consumer);
    consumer->hidden = hidden;
    int error = consumer_is_paused(consumer) == was_paused ? 0 : resume(consumer);
    if (error) {
        consumer->hidden = !hidden;
        return error;
    }
    consumer_tell(consumer);
    return 0;
}

int consumer_pause(struct consumer *consumer, bool paused)
{
    bool was_paused = consumer->paused, was_started = consumer->started;
    consumer->paused = paused;
    /* Who resumes it has taken it, whatever becomes of the answer to newConsumer. */
    consumer->started = was_started || !paused;
    int error = resume(consumer);
    if (error) {
        consumer->paused = was_paused;
        consumer->started = was_started;
    }
    return error;
}

void consumer_layers_changed(struct consumer *consumer, int spatial, int temporal)
{
    consumer->spatial_layer = spatial;
    consumer->temporal_layer = temporal;
    json_t *data = json_pack("{s:s}", "consumerId", consumer->id);
    if (spatial >= 0)
        json_object_set_new(data, "layers",
                            json_pack("{s:i,s:i}", "spatialLayer", spatial, "temporalLayer", temporal));
    peer_notify(consumer->peer, "consumerLayersChanged", data);
}

void consumer_score_changed(struct consumer *consumer, unsigned score, unsigned producer_score,
                            const unsigned *producer_scores, size_t count)
{
    struct consumer_score *kept = &consumer->score;
    *kept =
        (struct consumer_score){.own = (uint8_t)score, .producer = (uint8_t)producer_score, .known = true};
    for (size_t i = 0; i < count && i < ORTC_MAX_ENCODINGS; i++)
        kept->encodings[kept->encoding_count++] = (uint8_t)producer_scores[i];
    peer_notify(consumer->peer, "consumerScoreChanged",
                json_pack("{s:s,s:o}", "consumerId", consumer->id, "score", consumer_score(consumer)));
}
