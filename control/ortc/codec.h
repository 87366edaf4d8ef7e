/* One codec of rtpParameters or rtpCapabilities, checked. */
#pragma once

#include <jansson.h>

#include "control/ortc/types.h"

#define ORTC_MIME_TYPE_BYTES 65

struct ortc_codec {
    enum media_kind kind;
    enum ortc_codec_id id; /* OTHER for rtx */
    bool is_rtx;           /* RFC 4588 */
    bool has_payload_type;
    uint8_t payload_type;
    uint8_t channels; /* audio: at least 1; video: 0 */
    uint32_t clock_rate;
    char mime_type[ORTC_MIME_TYPE_BYTES]; /* as spelt by the sender */
    json_t *parameters;                   /* an object of strings and numbers; owned */
    json_t *feedback;                     /* an array of {type, parameter}; owned */
};

enum ortc_codec_form {
    ORTC_CODEC_PARAMETERS, /* of rtpParameters: payloadType, mandatory; rtx has an apt */
    ORTC_CODEC_CAPABILITY, /* of rtpCapabilities: preferredPayloadType, optional */
};

/* -EINVAL, -ENOMEM. Members that no rule needs are left out of the result. */
int ortc_codec_parse(const json_t *json, enum ortc_codec_form form, struct ortc_codec *ret_codec);
/* Harmless on a zeroed codec. */
void ortc_codec_deinit(struct ortc_codec *codec);

/* The payload type that rtx repairs; -EINVAL when there is none from 0 to 127. */
int ortc_codec_apt(const struct ortc_codec *rtx, uint8_t *ret_payload_type);

/* A mime type's codec; OTHER by kind for all that need no treatment of their own. */
enum ortc_codec_id ortc_codec_id_find(enum media_kind kind, const char *mime_type);

/* Adds what a list of {type, parameter} names. */
void ortc_codec_add_feedback(const json_t *feedback, struct ortc_feedback *feedback_set);
