#include "control/ortc/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/ortc/codec_match.h"
#include "control/ortc/codecs_setting.h"
#include "control/ortc/header_extension.h"

#define DYNAMIC_PAYLOAD_TYPES 32
_Static_assert(2 * ORTC_MAX_ROUTER_CODECS <= DYNAMIC_PAYLOAD_TYPES,
               "a payload type for each codec and its rtx");

/* The n-th dynamic payload type: 100..127, then 96..99. */
static uint8_t dynamic_payload_type(unsigned n)
{
    return (uint8_t)(n < 28 ? 100 + n : 96 + n - 28);
}

static void deal_payload_types(struct ortc_router *router)
{
    unsigned dealt = 0;
    for (size_t i = 0; i < router->codec_count; i++) {
        struct ortc_router_codec *entry = &router->codecs[i];
        if (!entry->codec.has_payload_type)
            entry->codec.payload_type = dynamic_payload_type(dealt++);
        entry->codec.has_payload_type = true;
        if (entry->codec.kind == MEDIA_VIDEO)
            entry->rtx_payload_type = dynamic_payload_type(dealt++);
    }
}

/* Clients don't mind the order of members; it is the one that the old server's answers have. */
static json_t *describe_codec(const struct ortc_codec *codec, bool parameters_come_first)
{
    const char *kind = media_kind_name(codec->kind);
    if (codec->kind == MEDIA_AUDIO)
        return json_pack("{s:s, s:s, s:I, s:i, s:O, s:O, s:i}", "kind", kind, "mimeType", codec->mime_type,
                         "clockRate", (json_int_t)codec->clock_rate, "channels", codec->channels,
                         "rtcpFeedback", codec->feedback, "parameters", codec->parameters,
                         "preferredPayloadType", codec->payload_type);
    json_t *first = parameters_come_first ? codec->parameters : codec->feedback;
    json_t *second = parameters_come_first ? codec->feedback : codec->parameters;
    return json_pack("{s:s, s:s, s:I, s:O, s:O, s:i}", "kind", kind, "mimeType", codec->mime_type,
                     "clockRate", (json_int_t)codec->clock_rate,
                     parameters_come_first ? "parameters" : "rtcpFeedback", first,
                     parameters_come_first ? "rtcpFeedback" : "parameters", second, "preferredPayloadType",
                     codec->payload_type);
}

static json_t *describe_rtx(const struct ortc_router_codec *entry)
{
    return json_pack("{s:s, s:s, s:i, s:I, s:{s:i}, s:[]}", "kind", "video", "mimeType", "video/rtx",
                     "preferredPayloadType", entry->rtx_payload_type, "clockRate",
                     (json_int_t)entry->codec.clock_rate, "parameters", "apt", entry->codec.payload_type,
                     "rtcpFeedback");
}

static int describe_codecs(const struct ortc_router *router, const struct codecs_setting_entry *entries,
                           json_t *codecs)
{
    for (size_t i = 0; i < router->codec_count; i++) {
        const struct ortc_router_codec *entry = &router->codecs[i];
        if (json_array_append_new(codecs, describe_codec(&entry->codec, entries[i].parameters_come_first)) !=
            0)
            return -ENOMEM;
        if (entry->rtx_payload_type != 0 && json_array_append_new(codecs, describe_rtx(entry)) != 0)
            return -ENOMEM;
    }
    return 0;
}

static int describe_extensions(const struct ortc_router *router, json_t *extensions)
{
    const struct header_extension *extension;
    for (size_t i = 0; (extension = header_extension_at(i)); i++) {
        for (enum media_kind kind = MEDIA_AUDIO; kind <= MEDIA_VIDEO; kind++) {
            enum header_extension_direction direction = header_extension_direction_for(extension, kind);
            if (direction == HEADER_EXTENSION_NONE || (extension->needs_av1 && !router->has_av1))
                continue;
            json_t *json = json_pack("{s:s, s:s, s:i, s:b, s:s}", "kind", media_kind_name(kind), "uri",
                                     extension->uri, "preferredId", extension->id, "preferredEncrypt", false,
                                     "direction", header_extension_direction_name(direction));
            if (json_array_append_new(extensions, json) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int write_text(struct ortc_router *router)
{
    size_t length = json_dumpb(router->capabilities, NULL, 0, JSON_COMPACT);
    router->capabilities_text = length > 0 ? calloc(1, length + 1) : NULL;
    if (!router->capabilities_text)
        return -ENOMEM;
    return json_dumpb(router->capabilities, router->capabilities_text, length, JSON_COMPACT) == length
               ? 0
               : -ENOMEM;
}

static int describe(struct ortc_router *router, const struct codecs_setting_entry *entries)
{
    router->capabilities = json_pack("{s:[], s:[]}", "codecs", "headerExtensions");
    if (!router->capabilities)
        return -ENOMEM;
    int error = describe_codecs(router, entries, json_object_get(router->capabilities, "codecs"));
    if (!error)
        error = describe_extensions(router, json_object_get(router->capabilities, "headerExtensions"));
    if (error)
        return error;
    return write_text(router);
}

int ortc_router_create(const char *codecs_setting, struct ortc_router **ret_router, char *ret_error,
                       size_t error_bytes)
{
    struct codecs_setting_entry entries[ORTC_MAX_ROUTER_CODECS];
    struct ortc_router *router = calloc(1, sizeof *router);
    int error = -ENOMEM;
    if (router)
        error = codecs_setting_parse(codecs_setting, entries, ORTC_MAX_ROUTER_CODECS, &router->codec_count,
                                     ret_error, error_bytes);
    else
        snprintf(ret_error, error_bytes, "codecs: out of memory");
    if (error != 0) {
        free(router);
        return error;
    }

    for (size_t i = 0; i < router->codec_count; i++) {
        router->codecs[i].codec = entries[i].codec;
        router->has_av1 |= entries[i].codec.id == ORTC_CODEC_AV1;
    }
    deal_payload_types(router);
    error = describe(router, entries);
    if (error != 0) {
        snprintf(ret_error, error_bytes, "codecs: out of memory");
        ortc_router_destroy(router);
        return error;
    }
    *ret_router = router;
    return 0;
}

void ortc_router_destroy(struct ortc_router *router)
{
    if (!router)
        return;
    for (size_t i = 0; i < router->codec_count; i++)
        ortc_codec_deinit(&router->codecs[i].codec);
    json_decref(router->capabilities);
    free(router->capabilities_text);
    free(router);
}

const json_t *ortc_router_capabilities(const struct ortc_router *router)
{
    return router->capabilities;
}

const char *ortc_router_capabilities_text(const struct ortc_router *router)
{
    return router->capabilities_text;
}

const struct ortc_router_codec *ortc_router_find_codec(const struct ortc_router *router,
                                                       const struct ortc_codec *codec)
{
    for (size_t i = 0; i < router->codec_count; i++)
        if (codec_match(&router->codecs[i].codec, codec))
            return &router->codecs[i];
    return NULL;
}

uint32_t ortc_router_sent_extensions(const struct ortc_router *router, enum media_kind kind)
{
    uint32_t bits = 0;
    const struct header_extension *extension;
    for (size_t i = 0; (extension = header_extension_at(i)); i++)
        if (header_extension_direction_for(extension, kind) == HEADER_EXTENSION_SENDRECV &&
            (!extension->needs_av1 || router->has_av1))
            bits |= 1u << extension->extension;
    return bits;
}
