#include "control/ortc/consume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/ortc/codec_match.h"
#include "control/ortc/consumable.h"
#include "control/ortc/header_extension.h"

#define BIT(extension) (1u << (extension))

static const struct ortc_codec *find_media(const struct ortc_capabilities *capabilities,
                                           const struct ortc_codec *codec)
{
    for (size_t i = 0; i < capabilities->codec_count; i++)
        if (codec_match(&capabilities->codecs[i], codec))
            return &capabilities->codecs[i];
    return NULL;
}

static const struct ortc_codec *find_rtx(const struct ortc_capabilities *capabilities,
                                         const struct ortc_codec *media)
{
    for (size_t i = 0; i < capabilities->codec_count; i++) {
        const struct ortc_codec *codec = &capabilities->codecs[i];
        if (codec->is_rtx && codec->kind == media->kind && codec->clock_rate == media->clock_rate)
            return codec;
    }
    return NULL;
}

bool ortc_can_consume(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities)
{
    for (size_t i = 0; capabilities && i < producer->consumable->codec_count; i++)
        if (find_media(capabilities, &producer->consumable->codecs[i].codec))
            return true;
    return false;
}

static bool is_kept(const json_t *feedback, enum media_kind kind, uint32_t extensions)
{
    const char *type = json_string_value(json_object_get(feedback, "type"));
    const char *parameter = json_string_value(json_object_get(feedback, "parameter"));
    if (strcmp(type, "transport-cc") == 0)
        return extensions & BIT(ORTC_EXT_TRANSPORT_WIDE_CC);
    if (strcmp(type, "goog-remb") == 0)
        return !(extensions & BIT(ORTC_EXT_TRANSPORT_WIDE_CC)) && extensions & BIT(ORTC_EXT_ABS_SEND_TIME);
    /* Without rtx, which audio never has, nothing is sent again. */
    if (strcmp(type, "nack") == 0 && *parameter == '\0')
        return kind == MEDIA_VIDEO;
    return true;
}

/* The client's feedback less what the header extensions don't allow; NULL when out of memory. */
static json_t *reduce_feedback(const struct ortc_codec *capability, uint32_t extensions)
{
    json_t *reduced = json_array();
    for (size_t i = 0; reduced && i < json_array_size(capability->feedback); i++) {
        json_t *item = json_array_get(capability->feedback, i);
        if (is_kept(item, capability->kind, extensions) && json_array_append(reduced, item) != 0) {
            json_decref(reduced);
            reduced = NULL;
        }
    }
    return reduced;
}

static json_t *write_media(const struct ortc_codec *codec, json_t *feedback)
{
    if (codec->kind == MEDIA_AUDIO)
        return json_pack("{s:s, s:i, s:I, s:i, s:O, s:o}", "mimeType", codec->mime_type, "payloadType",
                         codec->payload_type, "clockRate", (json_int_t)codec->clock_rate, "channels",
                         codec->channels, "parameters", codec->parameters, "rtcpFeedback", feedback);
    return json_pack("{s:s, s:i, s:I, s:O, s:o}", "mimeType", codec->mime_type, "payloadType",
                     codec->payload_type, "clockRate", (json_int_t)codec->clock_rate, "parameters",
                     codec->parameters, "rtcpFeedback", feedback);
}

static json_t *write_rtx(const struct ortc_consumable_codec *codec, json_t *feedback)
{
    return json_pack("{s:s, s:i, s:I, s:{s:i}, s:o}", "mimeType", "video/rtx", "payloadType",
                     codec->rtx_payload_type, "clockRate", (json_int_t)codec->codec.clock_rate, "parameters",
                     "apt", codec->codec.payload_type, "rtcpFeedback", feedback);
}

static void keep_payload_types(const struct ortc_producer *producer, uint8_t router_payload_type,
                               bool has_rtx, struct ortc_consumer *consumer)
{
    for (size_t i = 0; i < producer->payload_type_count; i++) {
        if (producer->payload_types[i].router_payload_type != router_payload_type)
            continue;
        struct ortc_payload_type *kept = &consumer->payload_types[consumer->payload_type_count++];
        *kept = producer->payload_types[i];
        if (!has_rtx)
            kept->router_rtx_payload_type = 0;
    }
}

static int add_codec(const struct ortc_producer *producer, const struct ortc_consumable_codec *codec,
                     const struct ortc_capabilities *capabilities, uint32_t extensions, json_t *codecs,
                     struct ortc_consumer *consumer)
{
    const struct ortc_codec *media = find_media(capabilities, &codec->codec);
    if (!media)
        return 0;
    const struct ortc_codec *rtx = codec->rtx_payload_type != 0 ? find_rtx(capabilities, media) : NULL;
    json_t *feedback = reduce_feedback(media, extensions);
    if (!feedback)
        return -ENOMEM;
    ortc_codec_add_feedback(feedback, &consumer->feedback);
    if (json_array_append_new(codecs, write_media(&codec->codec, feedback)) != 0)
        return -ENOMEM;
    if (rtx) {
        feedback = reduce_feedback(rtx, extensions);
        if (!feedback || json_array_append_new(codecs, write_rtx(codec, feedback)) != 0)
            return -ENOMEM;
    }
    keep_payload_types(producer, codec->codec.payload_type, rtx != NULL, consumer);
    return 0;
}

static int add_extensions(uint32_t extensions, json_t *list, struct ortc_consumer *consumer)
{
    const struct header_extension *extension;
    for (size_t i = 0; (extension = header_extension_at(i)); i++) {
        if (!(extensions & BIT(extension->extension)))
            continue;
        consumer->extensions.id[extension->extension] = extension->id;
        if (json_array_append_new(list, json_pack("{s:s, s:i, s:b, s:{}}", "uri", extension->uri, "id",
                                                  extension->id, "encrypt", false, "parameters")) != 0)
            return -ENOMEM;
    }
    return 0;
}

static json_t *write_encoding(const struct ortc_consumable *consumable, const struct ortc_consumer *consumer)
{
    json_t *rtx = NULL, *mode = NULL, *max_bitrate = NULL;
    bool failed = false;
    if (consumer->rtx_ssrc != 0)
        failed |= !(rtx = json_pack("{s:I}", "ssrc", (json_int_t)consumer->rtx_ssrc));
    if (consumable->scalability_mode[0] != '\0')
        failed |= !(mode = json_string(consumable->scalability_mode));
    if (consumable->max_bitrate_bps != 0)
        failed |= !(max_bitrate = json_integer(consumable->max_bitrate_bps));
    json_t *encoding = NULL;
    if (!failed)
        encoding = json_pack("{s:I, s:O*, s:O*, s:O*}", "ssrc", (json_int_t)consumer->ssrc, "rtx", rtx,
                             "scalabilityMode", mode, "maxBitrate", max_bitrate);
    json_decref(rtx);
    json_decref(mode);
    json_decref(max_bitrate);
    return encoding;
}

/* Codecs and header extensions come first, since rtx and the SSRCs follow from them. */
static int build(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities,
                 struct ortc_consumer *consumer)
{
    const struct ortc_consumable *consumable = producer->consumable;
    uint32_t extensions = consumable->extensions & capabilities->extensions[producer->kind];
    json_t *json = json_pack("{s:[], s:[]}", "codecs", "headerExtensions");
    consumer->rtp_parameters = json;
    if (!json)
        return -ENOMEM;
    for (size_t i = 0; i < consumable->codec_count; i++) {
        int error = add_codec(producer, &consumable->codecs[i], capabilities, extensions,
                              json_object_get(json, "codecs"), consumer);
        if (error != 0)
            return error;
    }
    for (size_t i = 0; i < consumer->payload_type_count; i++)
        if (consumer->payload_types[i].router_rtx_payload_type != 0)
            consumer->rtx_ssrc = consumer->ssrc + 1;
    int error = add_extensions(extensions, json_object_get(json, "headerExtensions"), consumer);
    if (error != 0)
        return error;
    if (json_object_set_new(json, "encodings", json_pack("[o]", write_encoding(consumable, consumer))) != 0 ||
        json_object_set_new(json, "rtcp",
                            json_pack("{s:s, s:b}", "cname", consumer->cname, "reducedSize", true)) != 0 ||
        json_object_set_new(json, "mid", json_string(consumer->mid)) != 0)
        return -ENOMEM;
    return 0;
}

int ortc_consume(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities,
                 unsigned mid_number, uint32_t ssrc, const char *cname, struct ortc_consumer **ret_consumer)
{
    if (!ortc_can_consume(producer, capabilities))
        return -ENOTSUP;
    if (!cname)
        cname = producer->cname;
    if (ssrc == 0 || ssrc == UINT32_MAX || strlen(cname) >= ORTC_CNAME_BYTES)
        return -EINVAL;
    struct ortc_consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer)
        return -ENOMEM;
    consumer->kind = producer->kind;
    consumer->type = producer->type;
    consumer->ssrc = ssrc;
    snprintf(consumer->mid, sizeof consumer->mid, "%u", mid_number);
    snprintf(consumer->cname, sizeof consumer->cname, "%s", cname);
    int error = build(producer, capabilities, consumer);
    if (error != 0) {
        ortc_consumer_destroy(consumer);
        return error;
    }
    *ret_consumer = consumer;
    return 0;
}

void ortc_consumer_destroy(struct ortc_consumer *consumer)
{
    if (!consumer)
        return;
    json_decref(consumer->rtp_parameters);
    free(consumer);
}
