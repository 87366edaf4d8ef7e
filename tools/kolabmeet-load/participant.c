#include "tools/kolabmeet-load/participant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/participant_private.h"

#define ROLE_SUBSCRIBER 1
#define ROLE_PUBLISHER 2

void participant_fail(struct participant *participant, const char *reason)
{
    if (participant->state == PARTICIPANT_FAILED)
        return;
    participant->state = PARTICIPANT_FAILED;
    for (size_t i = 0; i < participant->source_count; i++)
        media_source_stop(&participant->sources[i]);
    participant->handler.failed(participant->context, reason);
}

static bool is_complete(const struct participant_leg *leg)
{
    return !leg->participant || leg->is_connected;
}

void participant_progress(struct participant *participant)
{
    if (participant->state != PARTICIPANT_JOINING || !participant->is_joined ||
        !is_complete(&participant->send) || !is_complete(&participant->receive) ||
        participant->produced < participant->source_count)
        return;
    participant->state = PARTICIPANT_READY;
    if (participant->is_sending)
        participant_send(participant, true);
    participant->handler.ready(participant->context, clock_ns() - participant->start_ns);
}

static void joined(void *context, const json_t *data)
{
    struct participant *participant = context;

    if (!data) {
        participant_fail(participant, "join failed");
        return;
    }
    participant->is_joined = true;
    if (participant->send.participant)
        participant_leg_open(&participant->send);
    participant_progress(participant);
}

/* As the real client: the receiving transport, then the join, then what it sends. */
static void got_capabilities(void *context, const json_t *data)
{
    struct participant *participant = context;
    char nickname[32];

    if (!data || rtp_offer_make(data, participant->world->options->feedback,
                                participant->world->options->nack, &participant->offer) != 0) {
        participant_fail(participant, "getRouterRtpCapabilities failed, or no codec of ours is there");
        return;
    }
    if (participant->receive.participant)
        participant_leg_open(&participant->receive);
    snprintf(nickname, sizeof nickname, "load %u", participant->world->last_ssrc);
    signaling_request(
        participant->signaling, "join",
        json_pack("{s:s, s:O}", "nickname", nickname, "rtpCapabilities", participant->offer.capabilities),
        joined, participant);
}

static void notified(void *context, const char *method, const json_t *data)
{
    struct participant *participant = context;
    const char *consumer_id = json_string_value(json_object_get(data, "consumerId"));

    if (strcmp(method, "roomReady") == 0)
        signaling_request(participant->signaling, "getRouterRtpCapabilities", NULL, got_capabilities,
                          participant);
    else if (strcmp(method, "consumerClosed") == 0 && consumer_id)
        participant_remove_sink(participant, consumer_id);
}

static void requested(void *context, uint64_t id, const char *method, const json_t *data)
{
    struct participant *participant = context;

    if (strcmp(method, "newConsumer") == 0)
        participant_add_sink(participant, data);
    signaling_acknowledge(participant->signaling, id);
}

static void ended(void *context, const char *reason)
{
    participant_fail(context, reason);
}

/* The token is a URL; its query names the peer. */
static void invited(void *context, int status, const json_t *body)
{
    static const struct signaling_handler handler = {notified, requested, ended};
    struct participant *participant = context;
    const char *url = json_string_value(json_object_get(body, "token"));
    const char *query = url ? strchr(url, '?') : NULL;

    if (status != 200 || !query)
        participant_fail(participant, "the API gives no connection");
    else if (signaling_open(&participant->world->loop, &participant->world->options->target, query + 1,
                            &handler, participant, &participant->signaling) != 0)
        participant_fail(participant, "no socket for signaling");
}

struct participant *participant_create(struct world *world, const char *room_id, bool publishes,
                                       bool subscribes, const struct participant_handler *handler,
                                       void *context)
{
    struct participant *participant = memory_take(1, sizeof *participant);
    char path[128];

    participant->world = world;
    participant->handler = *handler;
    participant->context = context;
    participant->start_ns = clock_ns();
    participant->send =
        (struct participant_leg){.participant = publishes ? participant : NULL, .is_producing = true};
    participant->receive = (struct participant_leg){.participant = subscribes ? participant : NULL};
    snprintf(participant->room_id, sizeof participant->room_id, "%s", room_id);
    snprintf(path, sizeof path, "/sessions/%s/connection", participant->room_id);
    api_client_post(
        world->api, path,
        json_pack("{s:i}", "role", publishes ? ROLE_PUBLISHER | ROLE_SUBSCRIBER : ROLE_SUBSCRIBER), invited,
        participant);
    return participant;
}

void participant_destroy(struct participant *participant)
{
    if (!participant)
        return;
    packet_io_flush(participant->world->io);
    api_client_forget(participant->world->api, participant);
    for (size_t i = 0; i < participant->source_count; i++)
        media_source_deinit(&participant->sources[i]);
    signaling_close(participant->signaling);
    participant_leg_close(&participant->send);
    participant_leg_close(&participant->receive);
    participant_free_sinks(participant);
    rtp_offer_deinit(&participant->offer);
    free(participant);
}
