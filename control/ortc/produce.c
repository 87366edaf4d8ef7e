#include "control/ortc/produce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ortc/consumable.h"
#include "control/ortc/h264_profile.h"

void ortc_consumable_destroy(struct ortc_consumable *consumable)
{
    if (!consumable)
        return;
    for (size_t i = 0; i < consumable->codec_count; i++)
        ortc_codec_deinit(&consumable->codecs[i].codec);
    free(consumable);
}

void ortc_producer_destroy(struct ortc_producer *producer)
{
    if (!producer)
        return;
    ortc_consumable_destroy(producer->consumable);
    free(producer);
}

static bool ids_are_in_range(const struct ortc_extension_ids *ids)
{
    for (int i = 1; i < ORTC_EXT_COUNT; i++)
        if (ids->id[i] > ORTC_MAX_EXTENSION_ID)
            return false;
    return true;
}

/* The rtx payload type that repairs a media codec; 0 when there is none. */
static uint8_t find_rtx(const struct ortc_rtp_parameters *parameters, const struct ortc_codec *media)
{
    for (size_t i = 0; i < parameters->codec_count; i++) {
        const struct ortc_codec *codec = &parameters->codecs[i];
        uint8_t apt;
        if (codec->is_rtx && ortc_codec_apt(codec, &apt) == 0 && apt == media->payload_type)
            return codec->payload_type;
    }
    return 0;
}

/* Consumers read a profile-level-id that answers the router's (RFC 6184 section 8.2.2). */
static int settle_h264(struct ortc_codec *codec, const struct ortc_codec *router_codec)
{
    char text[H264_PROFILE_TEXT_BYTES];
    if (!h264_profile_answer(codec->parameters, router_codec->parameters, text))
        return -ENOTSUP;
    if (text[0] == '\0')
        return 0;
    return json_object_set_new(codec->parameters, "profile-level-id", json_string(text)) == 0 ? 0 : -ENOMEM;
}

static bool has_consumable(const struct ortc_consumable *consumable, uint8_t router_payload_type)
{
    for (size_t i = 0; i < consumable->codec_count; i++)
        if (consumable->codecs[i].codec.payload_type == router_payload_type)
            return true;
    return false;
}

/* Hands the JSON of codec on to the consumable. */
static void add_consumable(struct ortc_consumable *consumable, struct ortc_codec *codec,
                           const struct ortc_router_codec *router_codec)
{
    if (has_consumable(consumable, router_codec->codec.payload_type))
        return;
    struct ortc_consumable_codec *added = &consumable->codecs[consumable->codec_count++];
    added->codec = *codec;
    codec->parameters = NULL;
    codec->feedback = NULL;
    added->codec.payload_type = router_codec->codec.payload_type;
    added->rtx_payload_type = router_codec->rtx_payload_type;
    memcpy(added->codec.mime_type, router_codec->codec.mime_type, sizeof added->codec.mime_type);
}

static int map_codec(const struct ortc_router *router, struct ortc_rtp_parameters *parameters, size_t index,
                     struct ortc_producer *producer)
{
    struct ortc_codec *codec = &parameters->codecs[index];
    const struct ortc_router_codec *router_codec = ortc_router_find_codec(router, codec);
    if (!router_codec)
        return -ENOTSUP;
    if (producer->payload_type_count == ORTC_MAX_MEDIA_CODECS)
        return -EINVAL;
    uint8_t rtx_payload_type = find_rtx(parameters, codec);
    if (rtx_payload_type != 0 && router_codec->rtx_payload_type == 0)
        return -ENOTSUP;
    if (codec->id == ORTC_CODEC_H264) {
        int error = settle_h264(codec, &router_codec->codec);
        if (error != 0)
            return error;
    }

    producer->payload_types[producer->payload_type_count++] = (struct ortc_payload_type){
        .codec = codec->id,
        .clock_rate = codec->clock_rate,
        .channels = codec->channels,
        .payload_type = codec->payload_type,
        .rtx_payload_type = rtx_payload_type,
        .router_payload_type = router_codec->codec.payload_type,
        .router_rtx_payload_type = router_codec->rtx_payload_type,
        .in_band_fec = json_integer_value(json_object_get(codec->parameters, "useinbandfec")) != 0,
    };
    ortc_codec_add_feedback(codec->feedback, &producer->feedback);
    add_consumable(producer->consumable, codec, router_codec);
    return 0;
}

static int map_codecs(const struct ortc_router *router, struct ortc_rtp_parameters *parameters,
                      struct ortc_producer *producer)
{
    for (size_t i = 0; i < parameters->codec_count; i++) {
        if (parameters->codecs[i].is_rtx)
            continue;
        size_t index = producer->payload_type_count;
        int error = map_codec(router, parameters, i, producer);
        if (error != 0)
            return error;
        if (i == parameters->main_codec) {
            struct ortc_payload_type first = producer->payload_types[0];
            producer->payload_types[0] = producer->payload_types[index];
            producer->payload_types[index] = first;
        }
    }
    return 0;
}

static int decide_type(struct ortc_producer *producer)
{
    enum ortc_codec_id codec = producer->payload_types[0].codec;
    struct ortc_encoding *first = &producer->encodings[0];
    bool has_simulcast = codec == ORTC_CODEC_VP8 || codec == ORTC_CODEC_H264;
    bool has_svc = codec == ORTC_CODEC_VP9 || codec == ORTC_CODEC_AV1;

    for (size_t i = 0; i < producer->encoding_count; i++) {
        if (!has_svc)
            producer->encodings[i].spatial_layers = 1;
        if (!has_svc && !has_simulcast)
            producer->encodings[i].temporal_layers = 1;
    }
    if (producer->encoding_count > 1 && !has_simulcast)
        return -ENOTSUP;
    if (producer->encoding_count > 1 || (has_simulcast && first->temporal_layers > 1))
        producer->type = ORTC_SIMULCAST;
    else if (has_svc && (first->spatial_layers > 1 || first->temporal_layers > 1))
        producer->type = ORTC_SVC;
    else
        producer->type = ORTC_SIMPLE;
    return 0;
}

static void settle_feedback(struct ortc_producer *producer)
{
    const uint8_t *id = producer->extensions.id;
    producer->feedback.transport_cc &= id[ORTC_EXT_TRANSPORT_WIDE_CC] != 0;
    producer->feedback.goog_remb &= id[ORTC_EXT_ABS_SEND_TIME] != 0;
}

static void settle_consumable(const struct ortc_router *router, const struct ortc_rtp_parameters *parameters,
                              struct ortc_producer *producer)
{
    struct ortc_consumable *consumable = producer->consumable;
    struct scalability_mode mode = {1, 1}; /* stays so without a mode */
    consumable->extensions = ortc_router_sent_extensions(router, producer->kind);
    scalability_mode_parse(parameters->scalability_mode, &mode);
    if (producer->encoding_count > 1) {
        const char text[] = {'L', (char)('0' + producer->encoding_count), 'T',
                             (char)('0' + mode.temporal_layers), '\0'};
        memcpy(consumable->scalability_mode, text, sizeof text);
    } else {
        memcpy(consumable->scalability_mode, parameters->scalability_mode,
               sizeof consumable->scalability_mode);
    }
    for (size_t i = 0; i < producer->encoding_count; i++)
        if (producer->encodings[i].max_bitrate_bps > consumable->max_bitrate_bps)
            consumable->max_bitrate_bps = producer->encodings[i].max_bitrate_bps;
}

/* RFC 7587 section 6.1: who says so may stop sending in silence, in every encoding. */
static void settle_dtx(const struct ortc_rtp_parameters *parameters, struct ortc_producer *producer)
{
    const struct ortc_codec *codec = &parameters->codecs[parameters->main_codec];
    bool uses_dtx = json_integer_value(json_object_get(codec->parameters, "usedtx")) == 1;
    for (size_t i = 0; i < producer->encoding_count; i++)
        producer->encodings[i].dtx |= uses_dtx;
}

static int build(const struct ortc_router *router, struct ortc_rtp_parameters *parameters,
                 const char *default_cname, struct ortc_producer *producer)
{
    const char *cname = parameters->cname[0] != '\0' ? parameters->cname : default_cname;
    memcpy(producer->mid, parameters->mid, sizeof producer->mid);
    snprintf(producer->cname, sizeof producer->cname, "%s", cname);
    memcpy(producer->encodings, parameters->encodings, sizeof producer->encodings);
    producer->encoding_count = parameters->encoding_count;
    if (!ids_are_in_range(&parameters->extensions))
        return -EINVAL;
    producer->extensions = parameters->extensions;

    settle_dtx(parameters, producer);
    int error = map_codecs(router, parameters, producer);
    if (error == 0)
        error = decide_type(producer);
    if (error != 0)
        return error;
    settle_feedback(producer);
    settle_consumable(router, parameters, producer);
    if (producer->payload_types[0].rtx_payload_type == 0)
        for (size_t i = 0; i < producer->encoding_count; i++)
            producer->encodings[i].rtx_ssrc = 0;
    return 0;
}

int ortc_produce(const struct ortc_router *router, enum media_kind kind, const json_t *rtp_parameters,
                 const char *default_cname, struct ortc_producer **ret_producer)
{
    struct ortc_rtp_parameters parameters;
    int error = ortc_rtp_parameters_parse(rtp_parameters, kind, &parameters);
    if (error != 0)
        return error;

    struct ortc_producer *producer = calloc(1, sizeof *producer);
    if (producer)
        producer->consumable = calloc(1, sizeof *producer->consumable);
    error = -ENOMEM;
    if (producer && producer->consumable) {
        producer->kind = kind;
        error = build(router, &parameters, default_cname, producer);
    }
    ortc_rtp_parameters_deinit(&parameters);
    if (error != 0) {
        ortc_producer_destroy(producer);
        return error;
    }
    *ret_producer = producer;
    return 0;
}

static bool has_ssrc(const struct ortc_producer *producer, uint32_t ssrc)
{
    for (size_t i = 0; i < producer->encoding_count; i++)
        if (ssrc != 0 && (producer->encodings[i].ssrc == ssrc || producer->encodings[i].rtx_ssrc == ssrc))
            return true;
    return false;
}

static bool has_rid(const struct ortc_producer *producer, const char *rid)
{
    for (size_t i = 0; i < producer->encoding_count; i++)
        if (rid[0] != '\0' && strcmp(producer->encodings[i].rid, rid) == 0)
            return true;
    return false;
}

/* One header extension block is read without knowing whose packet it is in: an id has one meaning on a
 * transport. */
static bool ids_conflict(const struct ortc_extension_ids *a, const struct ortc_extension_ids *b)
{
    for (int i = 1; i < ORTC_EXT_COUNT; i++)
        for (int j = 1; j < ORTC_EXT_COUNT; j++)
            if (i != j && a->id[i] != 0 && a->id[i] == b->id[j])
                return true;
    return false;
}

bool ortc_producers_conflict(const struct ortc_producer *a, const struct ortc_producer *b)
{
    if (ids_conflict(&a->extensions, &b->extensions))
        return true;
    if (a->mid[0] != '\0' && strcmp(a->mid, b->mid) == 0)
        return true;
    bool have_mids = a->mid[0] != '\0' && b->mid[0] != '\0';
    for (size_t i = 0; i < a->encoding_count; i++) {
        const struct ortc_encoding *encoding = &a->encodings[i];
        if (has_ssrc(b, encoding->ssrc) || has_ssrc(b, encoding->rtx_ssrc) ||
            (!have_mids && has_rid(b, encoding->rid)))
            return true;
    }
    return false;
}
