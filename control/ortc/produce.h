/* A client's request to produce: its rtpParameters are checked against the router and become a producer.
 *
 * Everything is refused that a browser would never send: codecs of another kind, payload types over 127 or
 * twice, SSRCs of 0 or twice, encodings that no packet could be matched with, control characters in what
 * other clients will find in their SDP. */
#pragma once

#include <jansson.h>

#include "control/ortc/router.h"
#include "control/ortc/rtp_parameters.h"
#include "control/ortc/types.h"

/* One media codec of a producer. Consumers get the router's payload types. */
struct ortc_payload_type {
    enum ortc_codec_id codec;
    uint32_t clock_rate;
    uint8_t channels;                /* audio: at least 1; video: 0 */
    uint8_t payload_type;            /* on the producer's wire */
    uint8_t rtx_payload_type;        /* likewise, 0 = none */
    uint8_t router_payload_type;     /* on every consumer's wire */
    uint8_t router_rtx_payload_type; /* likewise, 0 = none (audio) */
    bool in_band_fec;                /* Opus (RFC 7587): its sender adds it according to loss */
};

struct ortc_consumable; /* what ortc_consume needs beyond; consumable.h */

struct ortc_producer {
    enum media_kind kind;
    enum ortc_type type;
    char mid[ORTC_MID_BYTES]; /* "" = none */
    char cname[ORTC_CNAME_BYTES];
    struct ortc_payload_type payload_types[ORTC_MAX_CODECS];
    size_t payload_type_count; /* at least 1; the first is what the type was decided by */
    struct ortc_encoding encodings[ORTC_MAX_ENCODINGS];
    size_t encoding_count;                /* at least 1 */
    struct ortc_extension_ids extensions; /* ids on the producer's wire */
    struct ortc_feedback feedback;
    struct ortc_consumable *consumable;
};

/* default_cname (not NULL) is taken when the client gives no cname.
 * -EINVAL for bad parameters; -ENOTSUP for a codec that the router hasn't, or a combination that can't be
 * forwarded (several encodings of anything but VP8 and H264); -ENOMEM. */
int ortc_produce(const struct ortc_router *router, enum media_kind kind, const json_t *rtp_parameters,
                 const char *default_cname, struct ortc_producer **ret_producer);
void ortc_producer_destroy(struct ortc_producer *producer);

/* Two producers that can't live on one transport, since a packet could belong to both: the same MID, an SSRC
 * (media or rtx) in common, a RID in common without a MID to tell them apart, or a header extension id that
 * means one thing for one and another for the other. */
bool ortc_producers_conflict(const struct ortc_producer *a, const struct ortc_producer *b);
