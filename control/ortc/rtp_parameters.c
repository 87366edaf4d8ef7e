#include "control/ortc/rtp_parameters.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/ortc/header_extension.h"
#include "control/ortc/json_field.h"

#define MAX_URI 255

/* RFC 5888 section 4: a token; no white space above all. */
static int parse_mid(const json_t *json, struct ortc_rtp_parameters *parameters)
{
    const char *mid;
    if (json_field_text(json, "mid", ORTC_MID_BYTES - 1, &mid) != 0)
        return -EINVAL;
    if (!mid)
        return 0;
    for (const char *c = mid; *c; c++)
        if (!isgraph((unsigned char)*c))
            return -EINVAL;
    snprintf(parameters->mid, sizeof parameters->mid, "%s", mid);
    return 0;
}

static int parse_rtcp(const json_t *json, struct ortc_rtp_parameters *parameters)
{
    const json_t *rtcp;
    const char *cname;
    bool reduced_size; /* RFC 5506: sent and understood whatever the client says */
    if (json_field_object(json, "rtcp", &rtcp) != 0 ||
        json_field_text(rtcp, "cname", ORTC_CNAME_BYTES - 1, &cname) != 0 ||
        json_field_bool(rtcp, "reducedSize", &reduced_size) != 0)
        return -EINVAL;
    snprintf(parameters->cname, sizeof parameters->cname, "%s", cname ? cname : "");
    return 0;
}

/* The index of the media codec with that payload type; codec_count when there is none. */
static size_t find_media_codec(const struct ortc_rtp_parameters *parameters, unsigned payload_type)
{
    size_t i = 0;
    while (i < parameters->codec_count &&
           (parameters->codecs[i].is_rtx || parameters->codecs[i].payload_type != payload_type))
        i++;
    return i;
}

static int check_codecs(const struct ortc_rtp_parameters *parameters, enum media_kind kind)
{
    bool is_used[128] = {false}, is_repaired[128] = {false};
    for (size_t i = 0; i < parameters->codec_count; i++) {
        const struct ortc_codec *codec = &parameters->codecs[i];
        uint8_t apt;
        if (codec->kind != kind || is_used[codec->payload_type])
            return -EINVAL;
        is_used[codec->payload_type] = true;
        if (!codec->is_rtx)
            continue;
        if (ortc_codec_apt(codec, &apt) != 0 || is_repaired[apt])
            return -EINVAL;
        is_repaired[apt] = true;
        size_t media = find_media_codec(parameters, apt);
        if (media == parameters->codec_count || parameters->codecs[media].clock_rate != codec->clock_rate)
            return -EINVAL;
    }
    return 0;
}

static int parse_codecs(const json_t *json, enum media_kind kind, struct ortc_rtp_parameters *parameters)
{
    const json_t *codecs;
    if (json_field_array(json, "codecs", ORTC_MAX_CODECS, &codecs) != 0)
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        int error =
            ortc_codec_parse(json_array_get(codecs, i), ORTC_CODEC_PARAMETERS, &parameters->codecs[i]);
        if (error != 0)
            return error;
        parameters->codec_count++;
    }
    while (parameters->main_codec < parameters->codec_count &&
           parameters->codecs[parameters->main_codec].is_rtx)
        parameters->main_codec++;
    if (parameters->main_codec == parameters->codec_count)
        return -EINVAL;
    return check_codecs(parameters, kind);
}

static int parse_header_extensions(const json_t *json, struct ortc_rtp_parameters *parameters)
{
    bool is_used[256] = {false};
    const json_t *extensions;
    if (json_field_array(json, "headerExtensions", ORTC_MAX_HEADER_EXTENSIONS, &extensions) != 0)
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(extensions); i++) {
        const json_t *item = json_array_get(extensions, i), *ignored;
        const char *uri;
        int64_t id;
        bool is_encrypted;
        if (!json_is_object(item) || json_field_text(item, "uri", MAX_URI, &uri) != 0 || !uri ||
            json_field_integer(item, "id", 1, 255, &id) != 0 || is_used[id] ||
            json_field_bool(item, "encrypt", &is_encrypted) != 0 ||
            json_field_object(item, "parameters", &ignored) != 0)
            return -EINVAL;
        if (is_encrypted)
            return -ENOTSUP;
        is_used[id] = true;
        const struct header_extension *known = header_extension_find(uri);
        if (known && parameters->extensions.id[known->extension] == 0)
            parameters->extensions.id[known->extension] = (uint8_t)id;
    }
    return 0;
}

/* RFC 8851 section 10: 1*(alpha-numeric / "-" / "_") */
static int parse_rid(const json_t *json, struct ortc_encoding *encoding)
{
    const char *rid;
    if (json_field_text(json, "rid", ORTC_RID_BYTES - 1, &rid) != 0)
        return -EINVAL;
    for (const char *c = rid; c && *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            return -EINVAL;
    snprintf(encoding->rid, sizeof encoding->rid, "%s", rid ? rid : "");
    return 0;
}

static int parse_ssrc(const json_t *json, uint32_t *ret_ssrc)
{
    int64_t ssrc;
    if (json_field_integer(json, "ssrc", 1, UINT32_MAX, &ssrc) != 0)
        return -EINVAL;
    *ret_ssrc = (uint32_t)ssrc;
    return 0;
}

static int parse_ssrcs(const json_t *json, struct ortc_encoding *encoding)
{
    const json_t *rtx;
    if (json_field_is_present(json, "ssrc") && parse_ssrc(json, &encoding->ssrc) != 0)
        return -EINVAL;
    if (json_field_object(json, "rtx", &rtx) != 0 || (rtx && parse_ssrc(rtx, &encoding->rtx_ssrc) != 0))
        return -EINVAL;
    return 0;
}

/* Browsers compute bitrates, so that fractions occur. */
static int parse_max_bitrate(const json_t *json, struct ortc_encoding *encoding)
{
    const json_t *value = json_object_get(json, "maxBitrate");
    double bitrate = json_number_value(value);
    if (value && !json_is_null(value) && (!json_is_number(value) || bitrate < 0))
        return -EINVAL;
    encoding->max_bitrate_bps = bitrate < UINT32_MAX ? (uint32_t)bitrate : UINT32_MAX;
    return 0;
}

static int parse_layers(const json_t *json, struct ortc_encoding *encoding,
                        struct ortc_rtp_parameters *parameters)
{
    struct scalability_mode mode = {1, 1};
    const char *text;
    if (json_field_text(json, "scalabilityMode", SCALABILITY_MODE_BYTES - 1, &text) != 0 ||
        (text && !scalability_mode_parse(text, &mode)))
        return -EINVAL;
    encoding->spatial_layers = mode.spatial_layers;
    encoding->temporal_layers = mode.temporal_layers;
    if (text && parameters->scalability_mode[0] == '\0')
        snprintf(parameters->scalability_mode, sizeof parameters->scalability_mode, "%s", text);
    return 0;
}

/* The media codec of an encoding: the one that it names, else the first. */
static int parse_encoding_codec(const json_t *json, const struct ortc_rtp_parameters *parameters,
                                size_t *ret_codec)
{
    int64_t payload_type;
    if (!json_field_is_present(json, "codecPayloadType"))
        return 0;
    if (json_field_integer(json, "codecPayloadType", 0, 127, &payload_type) != 0)
        return -EINVAL;
    size_t codec = find_media_codec(parameters, (unsigned)payload_type);
    if (codec == parameters->codec_count)
        return -EINVAL;
    *ret_codec = codec;
    return 0;
}

static int parse_encoding(const json_t *json, struct ortc_rtp_parameters *parameters, size_t *ret_codec)
{
    struct ortc_encoding *encoding = &parameters->encodings[parameters->encoding_count];
    if (!json_is_object(json) || parse_rid(json, encoding) != 0 || parse_ssrcs(json, encoding) != 0 ||
        json_field_bool(json, "dtx", &encoding->dtx) != 0 || parse_max_bitrate(json, encoding) != 0 ||
        parse_layers(json, encoding, parameters) != 0 ||
        parse_encoding_codec(json, parameters, ret_codec) != 0)
        return -EINVAL;
    parameters->encoding_count++;
    return 0;
}

/* Each packet must lead to one encoding only. */
static int check_encodings(const struct ortc_rtp_parameters *parameters)
{
    uint32_t ssrcs[2 * ORTC_MAX_ENCODINGS];
    size_t count = 0;
    for (size_t i = 0; i < parameters->encoding_count; i++) {
        const struct ortc_encoding *encoding = &parameters->encodings[i];
        bool has_mid_alone = parameters->mid[0] != '\0' && parameters->encoding_count == 1;
        if (encoding->ssrc == 0 && encoding->rid[0] == '\0' && !has_mid_alone)
            return -EINVAL;
        for (size_t j = 0; j < i; j++)
            if (encoding->rid[0] != '\0' && strcmp(encoding->rid, parameters->encodings[j].rid) == 0)
                return -EINVAL;
        if (encoding->ssrc != 0)
            ssrcs[count++] = encoding->ssrc;
        if (encoding->rtx_ssrc != 0)
            ssrcs[count++] = encoding->rtx_ssrc;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (ssrcs[i] == ssrcs[j])
                return -EINVAL;
    return 0;
}

static int parse_encodings(const json_t *json, struct ortc_rtp_parameters *parameters)
{
    const json_t *encodings;
    if (json_field_array(json, "encodings", ORTC_MAX_ENCODINGS, &encodings) != 0)
        return -EINVAL;
    size_t main_codec = parameters->main_codec;
    for (size_t i = 0; i < json_array_size(encodings); i++) {
        size_t codec = main_codec;
        if (parse_encoding(json_array_get(encodings, i), parameters, &codec) != 0)
            return -EINVAL;
        if (i > 0 && codec != parameters->main_codec) /* layers in different codecs can't be switched */
            return -ENOTSUP;
        parameters->main_codec = codec;
    }
    if (parameters->encoding_count == 0) {
        parameters->encodings[0] = (struct ortc_encoding){.spatial_layers = 1, .temporal_layers = 1};
        parameters->encoding_count = 1;
    }
    return check_encodings(parameters);
}

int ortc_rtp_parameters_parse(const json_t *json, enum media_kind kind,
                              struct ortc_rtp_parameters *ret_parameters)
{
    struct ortc_rtp_parameters parameters = {.codec_count = 0};
    if (!json_is_object(json))
        return -EINVAL;
    int error = parse_mid(json, &parameters);
    if (error == 0)
        error = parse_rtcp(json, &parameters);
    if (error == 0)
        error = parse_codecs(json, kind, &parameters);
    if (error == 0)
        error = parse_header_extensions(json, &parameters);
    if (error == 0)
        error = parse_encodings(json, &parameters);
    if (error != 0) {
        ortc_rtp_parameters_deinit(&parameters);
        return error;
    }
    *ret_parameters = parameters;
    return 0;
}

void ortc_rtp_parameters_deinit(struct ortc_rtp_parameters *parameters)
{
    for (size_t i = 0; i < parameters->codec_count; i++)
        ortc_codec_deinit(&parameters->codecs[i]);
    parameters->codec_count = 0;
}
