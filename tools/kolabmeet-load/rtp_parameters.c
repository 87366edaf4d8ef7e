#include "tools/kolabmeet-load/rtp_parameters.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define URI_MID "urn:ietf:params:rtp-hdrext:sdes:mid"
#define URI_ABS_SEND_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define URI_TRANSPORT_CC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define URI_AUDIO_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

/* Other ids than the server's own, as browsers have them. */
const struct media_source_extensions rtp_parameters_extensions = {
    .mid = 4, .abs_send_time = 2, .transport_cc = 3, .audio_level = 1};

static bool text_is(const json_t *object, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && strcasecmp(text, wanted) == 0;
}

/* Whether feedback that bears this name is none of what was chosen. */
static bool is_other_feedback(const json_t *entry, const char *name, enum feedback_kind feedback)
{
    if (text_is(entry, name, "transport-cc") || text_is(entry, name, URI_TRANSPORT_CC))
        return feedback != FEEDBACK_TWCC;
    if (text_is(entry, name, "goog-remb") || text_is(entry, name, URI_ABS_SEND_TIME))
        return feedback == FEEDBACK_NONE;
    return false;
}

static bool is_generic_nack(const json_t *entry)
{
    const char *parameter = json_string_value(json_object_get(entry, "parameter"));
    return text_is(entry, "type", "nack") && (!parameter || parameter[0] == '\0');
}

static json_t *copy_codec(const json_t *codec, enum feedback_kind feedback, bool nack)
{
    json_t *copy = json_deep_copy(codec);
    json_t *list = json_array();
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(codec, "rtcpFeedback"), i, entry)
    {
        if ((nack || !is_generic_nack(entry)) && !is_other_feedback(entry, "type", feedback))
            json_array_append_new(list, json_deep_copy(entry));
    }
    json_object_set_new(copy, "rtcpFeedback", list);
    return copy;
}

/* Where a codec's payload type is kept; NULL when the codec is not wanted. */
static uint8_t *wanted_codec(const json_t *codec, bool nack, struct rtp_offer *offer)
{
    const json_t *repaired = json_object_get(json_object_get(codec, "parameters"), "apt");

    if (text_is(codec, "mimeType", "audio/opus"))
        return &offer->opus;
    if (text_is(codec, "mimeType", "video/VP8"))
        return &offer->vp8;
    if (nack && text_is(codec, "mimeType", "video/rtx") && json_integer_value(repaired) == offer->vp8)
        return &offer->vp8_rtx;
    return NULL;
}

/* rtx stands behind the codec that it repairs. */
static void take_codecs(const json_t *codecs, enum feedback_kind feedback, bool nack, struct rtp_offer *offer,
                        json_t *chosen)
{
    const json_t *codec;
    size_t i;

    json_array_foreach(codecs, i, codec)
    {
        uint8_t *payload_type = wanted_codec(codec, nack, offer);
        if (!payload_type || *payload_type != 0)
            continue;
        *payload_type = (uint8_t)json_integer_value(json_object_get(codec, "preferredPayloadType"));
        json_array_append_new(chosen, copy_codec(codec, feedback, nack));
    }
}

static void take_extensions(const json_t *extensions, enum feedback_kind feedback, struct rtp_offer *offer,
                            json_t *chosen)
{
    const json_t *extension;
    size_t i;

    json_array_foreach(extensions, i, extension)
    {
        if (is_other_feedback(extension, "uri", feedback))
            continue;
        if (text_is(extension, "uri", URI_TRANSPORT_CC))
            offer->twcc_extension = (uint8_t)json_integer_value(json_object_get(extension, "preferredId"));
        json_array_append_new(chosen, json_deep_copy(extension));
    }
}

int rtp_offer_make(const json_t *router_capabilities, enum feedback_kind feedback, bool nack,
                   struct rtp_offer *ret_offer)
{
    struct rtp_offer offer = {0};
    json_t *codecs = json_array();
    json_t *extensions = json_array();

    take_codecs(json_object_get(router_capabilities, "codecs"), feedback, nack, &offer, codecs);
    take_extensions(json_object_get(router_capabilities, "headerExtensions"), feedback, &offer, extensions);
    offer.capabilities = json_pack("{s:o, s:o}", "codecs", codecs, "headerExtensions", extensions);
    if (offer.opus == 0 && offer.vp8 == 0) {
        json_decref(offer.capabilities);
        return -EBADMSG;
    }
    *ret_offer = offer;
    return 0;
}

void rtp_offer_deinit(struct rtp_offer *offer)
{
    json_decref(offer->capabilities);
    *offer = (struct rtp_offer){0};
}

static void add_feedback(json_t *list, const char *type, const char *parameter)
{
    json_array_append_new(list, json_pack("{s:s, s:s}", "type", type, "parameter", parameter));
}

static json_t *make_audio_codec(const struct media_source_settings *settings)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:{s:i, s:i}, s:[{s:s, s:s}]}", "mimeType", "audio/opus",
                     "payloadType", settings->payload_type, "clockRate", 48000, "channels", 2, "parameters",
                     "minptime", 10, "useinbandfec", 1, "rtcpFeedback", "type", "transport-cc", "parameter",
                     "");
}

static json_t *make_video_codec(const struct media_source_settings *settings)
{
    json_t *feedback = json_array();

    add_feedback(feedback, "goog-remb", "");
    add_feedback(feedback, "transport-cc", "");
    add_feedback(feedback, "ccm", "fir");
    if (settings->rtx_ssrc != 0)
        add_feedback(feedback, "nack", "");
    add_feedback(feedback, "nack", "pli");
    return json_pack("{s:s, s:i, s:i, s:{}, s:o}", "mimeType", "video/VP8", "payloadType",
                     settings->payload_type, "clockRate", 90000, "parameters", "rtcpFeedback", feedback);
}

static json_t *make_codecs(const struct media_source_settings *settings)
{
    json_t *codecs = json_array();

    json_array_append_new(codecs,
                          settings->is_video ? make_video_codec(settings) : make_audio_codec(settings));
    if (settings->rtx_ssrc != 0)
        json_array_append_new(codecs, json_pack("{s:s, s:i, s:i, s:{s:i}, s:[]}", "mimeType", "video/rtx",
                                                "payloadType", settings->rtx_payload_type, "clockRate", 90000,
                                                "parameters", "apt", settings->payload_type, "rtcpFeedback"));
    return codecs;
}

static json_t *make_encoding(const struct media_source_settings *settings)
{
    json_t *encoding = json_pack("{s:I}", "ssrc", (json_int_t)settings->ssrc);

    if (settings->rtx_ssrc != 0)
        json_object_set_new(encoding, "rtx", json_pack("{s:I}", "ssrc", (json_int_t)settings->rtx_ssrc));
    return encoding;
}

static void add_extension(json_t *list, const char *uri, uint8_t id)
{
    if (id != 0)
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:b, s:{}}", "uri", uri, "id", id, "encrypt", 0, "parameters"));
}

json_t *rtp_parameters_make(const struct media_source_settings *settings, const char *cname)
{
    const struct media_source_extensions *ids = &settings->extensions;
    const char mid[2] = {settings->mid, '\0'};
    json_t *extensions = json_array();

    add_extension(extensions, URI_MID, ids->mid);
    add_extension(extensions, URI_ABS_SEND_TIME, ids->abs_send_time);
    add_extension(extensions, URI_TRANSPORT_CC, ids->transport_cc);
    if (!settings->is_video)
        add_extension(extensions, URI_AUDIO_LEVEL, ids->audio_level);
    return json_pack("{s:s, s:o, s:o, s:[o], s:{s:s, s:b}}", "mid", mid, "codecs", make_codecs(settings),
                     "headerExtensions", extensions, "encodings", make_encoding(settings), "rtcp", "cname",
                     cname, "reducedSize", 1);
}

int rtp_parameters_read_consumer(const json_t *data, uint32_t *ret_ssrc, uint32_t *ret_rtx_ssrc,
                                 bool *ret_is_video)
{
    const json_t *parameters = json_object_get(data, "rtpParameters");
    const json_t *encoding = json_array_get(json_object_get(parameters, "encodings"), 0);
    const json_t *ssrc = json_object_get(encoding, "ssrc");

    if (!json_is_integer(ssrc))
        return -EBADMSG;
    *ret_ssrc = (uint32_t)json_integer_value(ssrc);
    *ret_rtx_ssrc = (uint32_t)json_integer_value(json_object_get(json_object_get(encoding, "rtx"), "ssrc"));
    *ret_is_video = text_is(data, "kind", "video");
    return 0;
}
