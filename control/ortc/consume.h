/* A consumer: how one producer's media reaches one client that can decode it. */
#pragma once

#include <jansson.h>

#include "control/ortc/capabilities.h"
#include "control/ortc/produce.h"

struct ortc_consumer {
    enum media_kind kind;
    enum ortc_type type;
    char mid[ORTC_MID_BYTES];
    char cname[ORTC_CNAME_BYTES];
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0 = no rtx */
    /* The producer's codecs that the client has, as they stand in the producer; router_rtx_payload_type is 0
     * where this client has no rtx. */
    struct ortc_payload_type payload_types[ORTC_MAX_CODECS];
    size_t payload_type_count;
    struct ortc_extension_ids extensions; /* ids on the consumer's wire, which are the router's */
    struct ortc_feedback feedback;
    json_t *rtp_parameters; /* for newConsumer; owned, but parts of it are shared with the producer: to read
                               only */
};

/* Whether at least one of the producer's media codecs is among the capabilities. NULL capabilities: false. */
bool ortc_can_consume(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities);

/* mid_number: counts from 0 on each transport, and becomes the MID in decimal.
 * ssrc: random, not 0 and below 0xffffffff; with rtx, ssrc + 1 is taken too.
 * cname: NULL for the producer's.
 * -ENOTSUP when ortc_can_consume is false, -EINVAL for an ssrc out of range or a cname too long, -ENOMEM. */
int ortc_consume(const struct ortc_producer *producer, const struct ortc_capabilities *capabilities,
                 unsigned mid_number, uint32_t ssrc, const char *cname, struct ortc_consumer **ret_consumer);
void ortc_consumer_destroy(struct ortc_consumer *consumer);
