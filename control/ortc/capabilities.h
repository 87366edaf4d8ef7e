/* A client's rtpCapabilities, as it sends them with join: what it can receive. */
#pragma once

#include <jansson.h>

#include "control/ortc/codec.h"
#include "control/ortc/types.h"

/* Members are for control/ortc to read. */
struct ortc_capabilities {
    uint32_t extensions[MEDIA_VIDEO + 1]; /* by enum media_kind: bits (1 << enum ortc_extension) of those that
                                             the client has under the router's id */
    size_t codec_count;
    struct ortc_codec codecs[];
};

/* Unknown codecs and header extensions are fine, they match nothing. -EINVAL for anything that is no
 * RtpCapabilities: bad types, a codec without clock rate, more than ORTC_MAX_CAPABILITIES; -ENOMEM. */
int ortc_capabilities_parse(const json_t *rtp_capabilities, struct ortc_capabilities **ret_capabilities);
void ortc_capabilities_destroy(struct ortc_capabilities *capabilities);
