/* A client's rtpParameters, checked: what it says that it will send. */
#pragma once

#include <jansson.h>

#include "control/ortc/codec.h"
#include "control/ortc/scalability_mode.h"
#include "control/ortc/types.h"

/* One stream of a producer. Encodings keep the order of the request: the lowest layer first. */
struct ortc_encoding {
    uint32_t ssrc;     /* 0 = learned from packets that carry the RID, or the MID for one without RID */
    uint32_t rtx_ssrc; /* 0 = none, or learned from the repaired RID */
    char rid[ORTC_RID_BYTES]; /* "" = none */
    bool dtx;                 /* pauses are to be expected */
    uint32_t max_bitrate_bps; /* 0 = not given */
    uint8_t spatial_layers;   /* of scalabilityMode, 1 without one */
    uint8_t temporal_layers;
};

struct ortc_rtp_parameters {
    char mid[ORTC_MID_BYTES];                  /* "" = none */
    char cname[ORTC_CNAME_BYTES];              /* "" = none */
    struct ortc_codec codecs[ORTC_MAX_CODECS]; /* media and rtx, as given */
    size_t codec_count;
    size_t main_codec; /* index of the media codec that the encodings are in */
    struct ortc_encoding encodings[ORTC_MAX_ENCODINGS];
    size_t encoding_count;                         /* at least 1 */
    char scalability_mode[SCALABILITY_MODE_BYTES]; /* of the first encoding that has one; "" = none */
    struct ortc_extension_ids extensions;
};

/* Codecs must be of the kind. Encodings missing or empty are one without SSRC.
 * -EINVAL, -ENOTSUP for an encrypted header extension (RFC 6904), -ENOMEM. */
int ortc_rtp_parameters_parse(const json_t *json, enum media_kind kind,
                              struct ortc_rtp_parameters *ret_parameters);
void ortc_rtp_parameters_deinit(struct ortc_rtp_parameters *parameters);
