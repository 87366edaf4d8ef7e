/* What a producer keeps for its future consumers, beyond what the forwarder needs. */
#pragma once

#include "control/ortc/codec.h"
#include "control/ortc/scalability_mode.h"

struct ortc_consumable_codec {
    struct ortc_codec codec;  /* the router's mime type and payload type, the producer's parameters */
    uint8_t rtx_payload_type; /* 0 = none */
};

struct ortc_consumable {
    struct ortc_consumable_codec codecs[ORTC_MAX_CODECS]; /* each of the router's at most once */
    size_t codec_count;
    uint32_t extensions; /* bits (1 << enum ortc_extension) that consumers can get */
    char scalability_mode[SCALABILITY_MODE_BYTES]; /* of the consumers' encoding; "" = none */
    uint32_t max_bitrate_bps;                      /* 0 = not given */
};

void ortc_consumable_destroy(struct ortc_consumable *consumable);
