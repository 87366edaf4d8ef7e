/* What a room's router can forward: a table of codecs with payload types, and header extensions with ids.
 *
 * It never changes once made, so that one serves all rooms. The codecs setting (CODECS) is a list by commas
 * in the order of preference, each a name and parameters by semicolons:
 *
 *     opus, VP8, VP9;profile-id=2, H264;profile-level-id=4d0032, H264;profile-level-id=42e01f
 *
 * which is the default. Names: opus, PCMU, PCMA, G722, VP8, VP9, H264, AV1, in any case. Parameters: the
 * format parameters of the codec's RTP payload format, and x-google-start-bitrate (1000 by default),
 * x-google-min-bitrate and x-google-max-bitrate (kbit/s). H264 has packetization-mode=1,
 * level-asymmetry-allowed=1 and profile-level-id=42e01f by default. AV1 brings its dependency descriptor with
 * it.
 *
 * Payload types are dealt out in the order 100..127, 96..99 (PCMU, PCMA and G722 have those of RFC 3551);
 * each video codec is followed by its own rtx (RFC 4588). */
#pragma once

#include <jansson.h>

#include "control/ortc/codec.h"
#include "control/ortc/types.h"

/* 32 dynamic payload types make room for 16 video codecs with their rtx. */
#define ORTC_MAX_ROUTER_CODECS 16

struct ortc_router_codec {
    struct ortc_codec codec;  /* a media codec, with its payload type */
    uint8_t rtx_payload_type; /* 0 = none (audio) */
};

/* Members are for control/ortc to read. */
struct ortc_router {
    struct ortc_router_codec codecs[ORTC_MAX_ROUTER_CODECS];
    size_t codec_count;
    bool has_av1;
    json_t *capabilities;
    char *capabilities_text;
};

/* codecs_setting: NULL or blank for the default. -EINVAL with one clear line in ret_error, -ENOMEM. */
int ortc_router_create(const char *codecs_setting, struct ortc_router **ret_router, char *ret_error,
                       size_t error_bytes);
void ortc_router_destroy(struct ortc_router *router);

/* RtpCapabilities, the answer to getRouterRtpCapabilities: a borrowed reference. */
const json_t *ortc_router_capabilities(const struct ortc_router *router);
/* The same as text, compact. */
const char *ortc_router_capabilities_text(const struct ortc_router *router);

/* The router's codec that is the same as a producer's; NULL when there is none. */
const struct ortc_router_codec *ortc_router_find_codec(const struct ortc_router *router,
                                                       const struct ortc_codec *codec);
/* Bits (1 << enum ortc_extension) of the header extensions that consumers of that kind can get. */
uint32_t ortc_router_sent_extensions(const struct ortc_router *router, enum media_kind kind);
