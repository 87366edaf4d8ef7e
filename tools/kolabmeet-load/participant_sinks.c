#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kolabmeet-load/clock.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/participant_private.h"

static void attach(struct participant *participant, struct participant_sink *sink)
{
    sink->sink.since_ns = clock_ns();
    packet_io_add_sink(participant->world->io, participant->receive.transport, &sink->sink);
    rtcp_agent_add_sink(&participant->receive.agent, &sink->sink);
    sink->is_attached = true;
}

void participant_attach_sinks(struct participant *participant)
{
    for (size_t i = 0; i < participant->sink_count; i++)
        attach(participant, participant->sinks[i]);
}

static bool knows(const struct participant *participant, const char *consumer_id)
{
    for (size_t i = 0; i < participant->sink_count; i++)
        if (strcmp(participant->sinks[i]->id, consumer_id) == 0)
            return true;
    return false;
}

void participant_add_sink(struct participant *participant, const json_t *consumer)
{
    const char *id = json_string_value(json_object_get(consumer, "id"));
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    bool is_video;

    if (!id || rtp_parameters_read_consumer(consumer, &ssrc, &rtx_ssrc, &is_video) != 0) {
        participant_fail(participant, "a newConsumer that cannot be understood");
        return;
    }
    if (knows(participant, id)) /* the request was repeated */
        return;
    struct participant_sink *sink = memory_take(1, sizeof *sink);
    snprintf(sink->id, sizeof sink->id, "%s", id);
    media_sink_init(&sink->sink, ssrc, rtx_ssrc, is_video);
    participant->sinks =
        memory_resize(participant->sinks, participant->sink_count + 1, sizeof(struct participant_sink *));
    participant->sinks[participant->sink_count++] = sink;
    if (participant->receive.is_connected)
        attach(participant, sink);
}

void participant_remove_sink(struct participant *participant, const char *consumer_id)
{
    for (size_t i = 0; i < participant->sink_count; i++) {
        struct participant_sink *sink = participant->sinks[i];
        if (strcmp(sink->id, consumer_id) != 0)
            continue;
        if (sink->is_attached) {
            packet_io_flush(participant->world->io);
            packet_io_remove_sink(participant->world->io, participant->receive.transport, &sink->sink);
            rtcp_agent_remove_sink(&participant->receive.agent, &sink->sink);
        }
        media_sink_deinit(&sink->sink);
        free(sink);
        participant->sinks[i] = participant->sinks[--participant->sink_count];
        return;
    }
}

void participant_free_sinks(struct participant *participant)
{
    for (size_t i = 0; i < participant->sink_count; i++) {
        media_sink_deinit(&participant->sinks[i]->sink);
        free(participant->sinks[i]);
    }
    free(participant->sinks);
    participant->sinks = NULL;
    participant->sink_count = 0;
}

/* Since the mark. */
static uint64_t thrown(const struct participant *participant)
{
    const struct transport *transport = participant->receive.transport;
    uint64_t thrown = transport ? udp_endpoint_thrown(&transport->endpoint) : 0;

    return thrown > participant->thrown_before ? thrown - participant->thrown_before : 0;
}

static void settle(const struct participant *participant)
{
    if (participant->receive.transport)
        udp_endpoint_settle(&participant->receive.transport->endpoint);
}

void participant_mark(struct participant *participant)
{
    settle(participant);
    participant->thrown_before = 0;
    participant->thrown_before = thrown(participant);
    for (size_t i = 0; i < participant->sink_count; i++)
        media_sink_mark(&participant->sinks[i]->sink);
}

static void sum_sinks(const struct participant *participant, bool is_over, struct loss_sum *ret_sum)
{
    *ret_sum = (struct loss_sum){0};
    for (size_t i = 0; i < participant->sink_count; i++)
        loss_sum_add(ret_sum, &participant->sinks[i]->sink, is_over);
}

/* What is missing may still wait in the socket; only when nothing does, what is left was thrown away. */
void participant_add_losses(const struct participant *participant, bool is_over, struct loss_sum *sum)
{
    struct loss_sum losses;

    sum_sinks(participant, is_over, &losses);
    if (losses.lost > 0) {
        settle(participant);
        sum_sinks(participant, is_over, &losses);
        loss_sum_own(&losses, thrown(participant));
    }
    loss_sum_merge(sum, &losses);
}
