#include "control/ortc/codec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "control/ortc/json_field.h"

#define MAX_PAYLOAD_TYPE 127 /* RFC 3550: seven bits */
#define MAX_PARAMETERS 32
#define MAX_PARAMETER_NAME 64
#define MAX_PARAMETER_VALUE 512
#define MAX_FEEDBACK 32
#define MAX_FEEDBACK_TEXT 32

enum ortc_codec_id ortc_codec_id_find(enum media_kind kind, const char *mime_type)
{
    static const struct {
        const char *mime_type;
        enum ortc_codec_id id;
    } ids[] = {
        {"audio/opus", ORTC_CODEC_OPUS}, {"video/VP8", ORTC_CODEC_VP8}, {"video/VP9", ORTC_CODEC_VP9},
        {"video/H264", ORTC_CODEC_H264}, {"video/AV1", ORTC_CODEC_AV1},
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (strcasecmp(ids[i].mime_type, mime_type) == 0)
            return ids[i].id;
    return kind == MEDIA_AUDIO ? ORTC_CODEC_OTHER_AUDIO : ORTC_CODEC_OTHER_VIDEO;
}

static int parse_mime_type(const json_t *json, struct ortc_codec *codec)
{
    const char *text;
    if (json_field_text(json, "mimeType", ORTC_MIME_TYPE_BYTES - 1, &text) != 0 || !text)
        return -EINVAL;
    if (strncasecmp(text, "audio/", 6) == 0)
        codec->kind = MEDIA_AUDIO;
    else if (strncasecmp(text, "video/", 6) == 0)
        codec->kind = MEDIA_VIDEO;
    else
        return -EINVAL;
    const char *subtype = text + 6;
    if (*subtype == '\0')
        return -EINVAL;
    for (const char *c = subtype; *c; c++) /* RFC 6838 section 4.2 */
        if (!isalnum((unsigned char)*c) && !strchr("!#$&-^_.+", *c))
            return -EINVAL;

    snprintf(codec->mime_type, sizeof codec->mime_type, "%s", text);
    codec->is_rtx = strcasecmp(subtype, "rtx") == 0;
    codec->id = ortc_codec_id_find(codec->kind, text);
    return 0;
}

static int parse_payload_type(const json_t *json, enum ortc_codec_form form, struct ortc_codec *codec)
{
    const char *name = form == ORTC_CODEC_PARAMETERS ? "payloadType" : "preferredPayloadType";
    int64_t value;
    if (form == ORTC_CODEC_CAPABILITY && !json_field_is_present(json, name))
        return 0;
    if (json_field_integer(json, name, 0, MAX_PAYLOAD_TYPE, &value) != 0)
        return -EINVAL;
    codec->has_payload_type = true;
    codec->payload_type = (uint8_t)value;
    return 0;
}

static int parse_rate_and_channels(const json_t *json, struct ortc_codec *codec)
{
    int64_t value;
    if (json_field_integer(json, "clockRate", 1, UINT32_MAX, &value) != 0)
        return -EINVAL;
    codec->clock_rate = (uint32_t)value;
    if (codec->kind == MEDIA_AUDIO) {
        value = 1;
        if (json_field_is_present(json, "channels") &&
            json_field_integer(json, "channels", 1, UINT8_MAX, &value) != 0)
            return -EINVAL;
        codec->channels = (uint8_t)value;
    }
    return 0;
}

static bool is_parameter(const char *name, const json_t *value)
{
    if (*name == '\0' || !json_field_is_text(name, strlen(name), MAX_PARAMETER_NAME))
        return false;
    return json_is_number(value) ||
           (json_is_string(value) &&
            json_field_is_text(json_string_value(value), json_string_length(value), MAX_PARAMETER_VALUE));
}

static int parse_parameters(const json_t *json, struct ortc_codec *codec)
{
    const json_t *given;
    if (json_field_object(json, "parameters", &given) != 0 || json_object_size(given) > MAX_PARAMETERS)
        return -EINVAL;
    codec->parameters = json_object();
    if (!codec->parameters)
        return -ENOMEM;
    /* The iterator's functions take no const, but change nothing. */
    for (void *at = json_object_iter((json_t *)given); at; at = json_object_iter_next((json_t *)given, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        if (!is_parameter(name, value))
            return -EINVAL;
        if (json_object_set_new_nocheck(codec->parameters, name, json_deep_copy(value)) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int parse_feedback(const json_t *json, struct ortc_codec *codec)
{
    const json_t *given;
    if (json_field_array(json, "rtcpFeedback", MAX_FEEDBACK, &given) != 0)
        return -EINVAL;
    codec->feedback = json_array();
    if (!codec->feedback)
        return -ENOMEM;
    for (size_t i = 0; i < json_array_size(given); i++) {
        const json_t *item = json_array_get(given, i);
        const char *type, *parameter;
        if (!json_is_object(item) || json_field_text(item, "type", MAX_FEEDBACK_TEXT, &type) != 0 || !type ||
            json_field_text(item, "parameter", MAX_FEEDBACK_TEXT, &parameter) != 0)
            return -EINVAL;
        json_t *copy = json_pack("{s:s, s:s}", "type", type, "parameter", parameter ? parameter : "");
        if (json_array_append_new(codec->feedback, copy) != 0)
            return -ENOMEM;
    }
    return 0;
}

int ortc_codec_parse(const json_t *json, enum ortc_codec_form form, struct ortc_codec *ret_codec)
{
    struct ortc_codec codec = {0};
    uint8_t apt;
    if (!json_is_object(json))
        return -EINVAL;
    int error = parse_mime_type(json, &codec);
    if (error == 0)
        error = parse_payload_type(json, form, &codec);
    if (error == 0)
        error = parse_rate_and_channels(json, &codec);
    if (error == 0)
        error = parse_parameters(json, &codec);
    if (error == 0)
        error = parse_feedback(json, &codec);
    if (error == 0 && form == ORTC_CODEC_PARAMETERS && codec.is_rtx)
        error = ortc_codec_apt(&codec, &apt);
    if (error != 0) {
        ortc_codec_deinit(&codec);
        return error;
    }
    *ret_codec = codec;
    return 0;
}

void ortc_codec_deinit(struct ortc_codec *codec)
{
    json_decref(codec->parameters);
    json_decref(codec->feedback);
    codec->parameters = NULL;
    codec->feedback = NULL;
}

int ortc_codec_apt(const struct ortc_codec *rtx, uint8_t *ret_payload_type)
{
    int64_t value;
    if (json_field_integer(rtx->parameters, "apt", 0, MAX_PAYLOAD_TYPE, &value) != 0)
        return -EINVAL;
    *ret_payload_type = (uint8_t)value;
    return 0;
}

void ortc_codec_add_feedback(const json_t *feedback, struct ortc_feedback *feedback_set)
{
    for (size_t i = 0; i < json_array_size(feedback); i++) {
        const json_t *item = json_array_get(feedback, i);
        const char *type = json_string_value(json_object_get(item, "type"));
        const char *parameter = json_string_value(json_object_get(item, "parameter"));
        if (strcmp(type, "nack") == 0 && *parameter == '\0')
            feedback_set->nack = true;
        else if (strcmp(type, "nack") == 0 && strcmp(parameter, "pli") == 0)
            feedback_set->pli = true;
        else if (strcmp(type, "ccm") == 0 && strcmp(parameter, "fir") == 0)
            feedback_set->fir = true;
        else if (strcmp(type, "transport-cc") == 0)
            feedback_set->transport_cc = true;
        else if (strcmp(type, "goog-remb") == 0)
            feedback_set->goog_remb = true;
    }
}
