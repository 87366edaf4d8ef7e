#include "control/ortc/codecs_setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/ortc/codec_match.h"
#include "control/ortc/h264_profile.h"

#define MAX_GIVEN 16
#define NO_PAYLOAD_TYPE (-1)

static const char default_setting[] =
    "opus, VP8, VP9;profile-id=2, H264;profile-level-id=4d0032, H264;profile-level-id=42e01f";

/* A format parameter that a codec may have. Numbers are from 0 to max; max 0 means a profile-level-id. */
struct rule {
    const char *name;
    long max;
    const char *default_value; /* NULL: left out when not given */
};

#define MAX_KBPS 1000000

/* RFC 7587 section 6.1 */
static const struct rule opus_rules[] = {
    {"minptime", 120, NULL},   {"ptime", 120, NULL},
    {"maxptime", 120, NULL},   {"maxplaybackrate", 48000, NULL},
    {"stereo", 1, NULL},       {"sprop-stereo", 1, NULL},
    {"cbr", 1, NULL},          {"maxaveragebitrate", 510000, NULL},
    {"useinbandfec", 1, NULL}, {"usedtx", 1, NULL},
    {NULL, 0, NULL},
};
static const struct rule no_rules[] = {
    {NULL, 0, NULL},
};
/* RFC 9628 section 7 */
static const struct rule vp9_rules[] = {
    {"profile-id", 3, NULL},
    {NULL, 0, NULL},
};
/* RFC 6184 section 8.1 */
static const struct rule h264_rules[] = {
    {"level-asymmetry-allowed", 1, "1"},
    {"packetization-mode", 1, "1"},
    {"profile-level-id", 0, "42e01f"},
    {NULL, 0, NULL},
};
/* RTP Payload Format For AV1, section 7.2 */
static const struct rule av1_rules[] = {
    {"profile", 2, NULL},
    {"level-idx", 31, NULL},
    {"tier", 1, NULL},
    {NULL, 0, NULL},
};
/* What libwebrtc reads out of any video codec's, in kbit/s. */
static const struct rule video_rules[] = {
    {"x-google-start-bitrate", MAX_KBPS, "1000"},
    {"x-google-min-bitrate", MAX_KBPS, NULL},
    {"x-google-max-bitrate", MAX_KBPS, NULL},
    {NULL, 0, NULL},
};

static const struct supported {
    const char *mime_type;
    uint32_t clock_rate;
    uint8_t channels; /* 0 = video */
    int payload_type; /* RFC 3551 table 4 */
    bool parameters_come_first;
    const struct rule *rules;
} supported[] = {
    {"audio/opus", 48000, 2, NO_PAYLOAD_TYPE, false, opus_rules},
    {"audio/PCMU", 8000, 1, 0, false, no_rules},
    {"audio/PCMA", 8000, 1, 8, false, no_rules},
    {"audio/G722", 8000, 1, 9, false, no_rules},
    {"video/VP8", 90000, 0, NO_PAYLOAD_TYPE, false, no_rules},
    {"video/VP9", 90000, 0, NO_PAYLOAD_TYPE, false, vp9_rules},
    {"video/H264", 90000, 0, NO_PAYLOAD_TYPE, true, h264_rules},
    {"video/AV1", 90000, 0, NO_PAYLOAD_TYPE, false, av1_rules},
};

struct error_text {
    char *text;
    size_t bytes;
};

#define fail(error, ...) (snprintf((error).text, (error).bytes, __VA_ARGS__), -EINVAL)

/* Cuts white space off both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

static const struct supported *find_supported(const char *name)
{
    for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
        if (strcasecmp(strchr(supported[i].mime_type, '/') + 1, name) == 0)
            return &supported[i];
    return NULL;
}

/* The JSON of a value that obeys the rule. -EINVAL for one that doesn't, -ENOMEM. */
static int read_value(const struct rule *rule, const char *text, json_t **ret_value)
{
    struct h264_profile_level profile_level;
    if (rule->max == 0) {
        if (!h264_profile_parse(text, &profile_level))
            return -EINVAL;
        *ret_value = json_string(text);
        return *ret_value ? 0 : -ENOMEM;
    }
    char *end;
    if (!isdigit((unsigned char)*text) || strlen(text) > 7)
        return -EINVAL;
    long number = strtol(text, &end, 10);
    if (*end != '\0' || number > rule->max)
        return -EINVAL;
    *ret_value = json_integer(number);
    return *ret_value ? 0 : -ENOMEM;
}

struct given {
    const char *name;
    const char *value;
    bool is_used;
};

static int apply_rules(const struct rule *rules, struct given *given, size_t count, json_t *parameters,
                       struct error_text error)
{
    for (const struct rule *rule = rules; rule->name; rule++) {
        const char *text = rule->default_value;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(given[i].name, rule->name) == 0) {
                text = given[i].value;
                given[i].is_used = true;
            }
        }
        json_t *value = NULL;
        if (!text)
            continue;
        int failed = read_value(rule, text, &value);
        if (failed == -EINVAL)
            return fail(error, "codecs: %s=%.32s is not valid", rule->name, text);
        if (failed != 0 || json_object_set_new(parameters, rule->name, value) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int read_parameters(const struct supported *kind, struct given *given, size_t count,
                           json_t *parameters, struct error_text error)
{
    int failed = apply_rules(kind->rules, given, count, parameters, error);
    if (failed == 0 && kind->channels == 0)
        failed = apply_rules(video_rules, given, count, parameters, error);
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < count; i++)
        if (!given[i].is_used)
            return fail(error, "codecs: %s has no parameter \"%.32s\"", kind->mime_type, given[i].name);
    return 0;
}

static json_t *feedback_of(enum media_kind kind)
{
    if (kind == MEDIA_AUDIO)
        return json_pack("[{s:s, s:s}, {s:s, s:s}]", "type", "nack", "parameter", "", "type", "transport-cc",
                         "parameter", "");
    return json_pack("[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]", "type", "nack",
                     "parameter", "", "type", "nack", "parameter", "pli", "type", "ccm", "parameter", "fir",
                     "type", "goog-remb", "parameter", "", "type", "transport-cc", "parameter", "");
}

/* One item of the list, cut up in place. */
static int read_entry(char *item, struct codecs_setting_entry *ret_entry, struct error_text error)
{
    struct given given[MAX_GIVEN];
    size_t count = 0;
    char *rest = item;
    const char *name = trim(strsep(&rest, ";"));
    const struct supported *kind = find_supported(name);
    if (!kind)
        return fail(error, "codecs: \"%.32s\" is none of opus, PCMU, PCMA, G722, VP8, VP9, H264, AV1", name);
    while (rest) {
        char *value = trim(strsep(&rest, ";"));
        char *key = strsep(&value, "=");
        if (!value || count == MAX_GIVEN)
            return fail(error, "codecs: the parameters of %s must be name=value", kind->mime_type);
        given[count++] = (struct given){trim(key), trim(value), false};
    }

    struct ortc_codec codec = {
        .kind = kind->channels > 0 ? MEDIA_AUDIO : MEDIA_VIDEO,
        .has_payload_type = kind->payload_type != NO_PAYLOAD_TYPE,
        .payload_type = kind->payload_type != NO_PAYLOAD_TYPE ? (uint8_t)kind->payload_type : 0,
        .channels = kind->channels,
        .clock_rate = kind->clock_rate,
        .parameters = json_object(),
    };
    codec.id = ortc_codec_id_find(codec.kind, kind->mime_type);
    codec.feedback = feedback_of(codec.kind);
    snprintf(codec.mime_type, sizeof codec.mime_type, "%s", kind->mime_type);
    int failed = codec.parameters && codec.feedback ? 0 : -ENOMEM;
    if (failed == 0)
        failed = read_parameters(kind, given, count, codec.parameters, error);
    if (failed != 0) {
        ortc_codec_deinit(&codec);
        return failed;
    }
    *ret_entry = (struct codecs_setting_entry){codec, kind->parameters_come_first};
    return 0;
}

static bool is_blank(const char *text)
{
    return !text || text[strspn(text, " \t\r\n")] == '\0';
}

int codecs_setting_parse(const char *setting, struct codecs_setting_entry *ret_entries, size_t max_entries,
                         size_t *ret_count, char *ret_error, size_t error_bytes)
{
    struct error_text error = {ret_error, error_bytes};
    size_t count = 0;
    int failed = 0;
    char *copy = strdup(is_blank(setting) ? default_setting : setting);
    if (!copy)
        failed = -ENOMEM;
    for (char *rest = copy; failed == 0 && rest;) {
        char *item = strsep(&rest, ",");
        if (count == max_entries) {
            failed = fail(error, "codecs: more than %zu", max_entries);
            break;
        }
        failed = read_entry(item, &ret_entries[count], error);
        if (failed != 0)
            break;
        count++;
        for (size_t i = 0; i + 1 < count; i++)
            if (codec_match(&ret_entries[i].codec, &ret_entries[count - 1].codec))
                failed = fail(error, "codecs: %s with the same profile stands there twice",
                              ret_entries[i].codec.mime_type);
    }
    free(copy);
    if (failed != 0) {
        for (size_t i = 0; i < count; i++)
            ortc_codec_deinit(&ret_entries[i].codec);
        if (failed == -ENOMEM)
            snprintf(ret_error, error_bytes, "codecs: out of memory");
        return failed;
    }
    *ret_count = count;
    return 0;
}
