#include "control/ortc/capabilities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/ortc/header_extension.h"
#include "control/ortc/json_field.h"

#define MAX_URI 255
#define MAX_DIRECTION 8

/* kind may be left out or empty, and then means both; ret_kind is 0 so. */
static int parse_kind(const json_t *json, unsigned *ret_kind)
{
    enum media_kind kind;
    const char *name;
    if (json_field_text(json, "kind", 5, &name) != 0 || (name && !media_kind_parse(name, &kind)))
        return -EINVAL;
    *ret_kind = name ? (unsigned)kind : 0;
    return 0;
}

static int parse_extension(const json_t *json, struct ortc_capabilities *capabilities)
{
    const char *uri, *direction;
    unsigned kind;
    int64_t id;
    bool is_encrypted;
    if (!json_is_object(json) || json_field_text(json, "uri", MAX_URI, &uri) != 0 || !uri ||
        json_field_integer(json, "preferredId", 1, 255, &id) != 0 ||
        json_field_bool(json, "preferredEncrypt", &is_encrypted) != 0 ||
        json_field_text(json, "direction", MAX_DIRECTION, &direction) != 0 || parse_kind(json, &kind) != 0)
        return -EINVAL;
    const struct header_extension *known = header_extension_find(uri);
    if (!known || known->id != id)
        return 0;
    for (unsigned i = MEDIA_AUDIO; i <= MEDIA_VIDEO; i++)
        if (kind == 0 || kind == i)
            capabilities->extensions[i] |= 1u << known->extension;
    return 0;
}

static int parse_codec(const json_t *json, struct ortc_capabilities *capabilities)
{
    struct ortc_codec *codec = &capabilities->codecs[capabilities->codec_count];
    unsigned kind;
    int error = ortc_codec_parse(json, ORTC_CODEC_CAPABILITY, codec);
    if (error != 0)
        return error;
    capabilities->codec_count++;
    return parse_kind(json, &kind) == 0 && (kind == 0 || kind == (unsigned)codec->kind) ? 0 : -EINVAL;
}

int ortc_capabilities_parse(const json_t *rtp_capabilities, struct ortc_capabilities **ret_capabilities)
{
    const json_t *codecs, *extensions;
    if (!json_is_object(rtp_capabilities) ||
        json_field_array(rtp_capabilities, "codecs", ORTC_MAX_CAPABILITIES, &codecs) != 0 ||
        json_field_array(rtp_capabilities, "headerExtensions", ORTC_MAX_CAPABILITIES, &extensions) != 0)
        return -EINVAL;
    size_t count = json_array_size(codecs);
    struct ortc_capabilities *capabilities =
        calloc(1, sizeof *capabilities + count * sizeof *capabilities->codecs);
    int error = capabilities ? 0 : -ENOMEM;
    for (size_t i = 0; error == 0 && i < count; i++)
        error = parse_codec(json_array_get(codecs, i), capabilities);
    for (size_t i = 0; error == 0 && i < json_array_size(extensions); i++)
        error = parse_extension(json_array_get(extensions, i), capabilities);
    if (error != 0) {
        ortc_capabilities_destroy(capabilities);
        return error;
    }
    *ret_capabilities = capabilities;
    return 0;
}

void ortc_capabilities_destroy(struct ortc_capabilities *capabilities)
{
    if (!capabilities)
        return;
    for (size_t i = 0; i < capabilities->codec_count; i++)
        ortc_codec_deinit(&capabilities->codecs[i]);
    free(capabilities);
}
