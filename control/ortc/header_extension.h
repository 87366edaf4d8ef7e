/* The RTP header extensions (RFC 8285) that this server knows, with the ids of the router's side. */
#pragma once

#include "control/ortc/types.h"

enum header_extension_direction {
    HEADER_EXTENSION_NONE = 0,
    HEADER_EXTENSION_RECVONLY, /* taken from producers, never sent to consumers */
    HEADER_EXTENSION_SENDRECV,
};

struct header_extension {
    const char *uri;
    enum ortc_extension extension;
    enum header_extension_direction audio;
    enum header_extension_direction video;
    uint8_t id;     /* on a consumer's wire */
    bool needs_av1; /* offered only by a router that has AV1 */
};

/* In the order of the capabilities; NULL past the end. */
const struct header_extension *header_extension_at(size_t index);
/* NULL for an unknown URI. */
const struct header_extension *header_extension_find(const char *uri);
enum header_extension_direction header_extension_direction_for(const struct header_extension *extension,
                                                               enum media_kind kind);
const char *header_extension_direction_name(enum header_extension_direction direction);
