#include "tools/kolabmeet-load/participant_private.h"

static void add_source(struct participant *participant, const struct media_source_settings *settings)
{
    struct world *world = participant->world;
    struct media_source *source = &participant->sources[participant->source_count++];

    media_source_init(source, settings, &world->loop, world->io, participant->send.transport, &world->tally,
                      flow_table_add(&world->flows));
    rtcp_agent_add_source(&participant->send.agent, source);
}

void participant_make_sources(struct participant *participant)
{
    const struct options *options = participant->world->options;
    struct media_source_settings settings = {
        .is_even = options->is_even,
        .frames_per_second = options->frames_per_second,
        .extensions = rtp_parameters_extensions,
    };

    if (options->audio.packets_per_second > 0) {
        settings.packets_per_second = options->audio.packets_per_second;
        settings.payload_bytes = options->audio.payload_bytes;
        settings.payload_type = participant->offer.opus;
        settings.ssrc = world_next_ssrc(participant->world);
        settings.mid = '0';
        add_source(participant, &settings);
    }
    if (options->video.packets_per_second > 0) {
        settings.is_video = true;
        settings.packets_per_second = options->video.packets_per_second;
        settings.payload_bytes = options->video.payload_bytes;
        settings.payload_type = participant->offer.vp8;
        settings.ssrc = world_next_ssrc(participant->world);
        settings.mid = '1';
        if (options->nack && participant->offer.vp8_rtx != 0) {
            settings.rtx_payload_type = participant->offer.vp8_rtx;
            settings.rtx_ssrc = world_next_ssrc(participant->world);
        }
        add_source(participant, &settings);
    }
}

static void produced(void *context, const json_t *data)
{
    struct participant *participant = context;

    if (!data) {
        participant_fail(participant, "produce failed");
        return;
    }
    participant->produced++;
    participant_progress(participant);
}

void participant_produce(struct participant *participant)
{
    for (size_t i = 0; i < participant->source_count; i++) {
        const struct media_source_settings *settings = &participant->sources[i].settings;
        signaling_request(participant->signaling, "produce",
                          json_pack("{s:s, s:s, s:o, s:{s:s}}", "transportId", participant->send.id, "kind",
                                    settings->is_video ? "video" : "audio", "rtpParameters",
                                    rtp_parameters_make(settings, participant->send.agent.cname), "appData",
                                    "source", settings->is_video ? "webcam" : "mic"),
                          produced, participant);
    }
}

void participant_send(struct participant *participant, bool is_sending)
{
    participant->is_sending = is_sending;
    if (participant->state != PARTICIPANT_READY)
        return;
    for (size_t i = 0; i < participant->source_count; i++) {
        if (is_sending)
            media_source_start(&participant->sources[i]);
        else
            media_source_stop(&participant->sources[i]);
    }
}

void participant_set_video_rate(struct participant *participant, double packets_per_second)
{
    for (size_t i = 0; i < participant->source_count; i++)
        if (participant->sources[i].settings.is_video)
            media_source_set_rate(&participant->sources[i], packets_per_second);
}
