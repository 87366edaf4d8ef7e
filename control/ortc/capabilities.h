/* A client's rtpCapabilities, as it sends them with join: what it can receive. */
#pragma once

#include <jansson.h>

#include "control/ortc/types.h"

struct ortc_capabilities;

/* Unknown codecs and header extensions are fine, they match nothing. -EINVAL for anything that is no
 * RtpCapabilities: bad types, a codec without clock rate, more than ORTC_MAX_CAPABILITIES; -ENOMEM. */
int ortc_capabilities_parse(const json_t *rtp_capabilities, struct ortc_capabilities **ret_capabilities);
void ortc_capabilities_destroy(struct ortc_capabilities *capabilities);
