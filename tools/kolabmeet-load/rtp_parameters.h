/* The JSON of media: what a participant can receive, what it sends, and what a consumer brings. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/kolabmeet-load/media_source.h"
#include "tools/kolabmeet-load/options.h"

/* What is taken from the server's capabilities (getRouterRtpCapabilities). */
struct rtp_offer {
    json_t *capabilities; /* what a participant says that it can receive: Opus and VP8 */
    uint8_t opus;         /* payload types; 0: the server has none */
    uint8_t vp8;
    uint8_t vp8_rtx;        /* 0 also where nothing is to be sent again */
    uint8_t twcc_extension; /* id on what is received; 0: not negotiated */
};

/* -EBADMSG when they are not capabilities. Keeps one JSON object, for rtp_offer_deinit(). */
int rtp_offer_make(const json_t *router_capabilities, enum feedback_kind feedback, bool nack,
                   struct rtp_offer *ret_offer);
void rtp_offer_deinit(struct rtp_offer *offer);

/* rtpParameters of `produce` for a source of these settings; a new reference. */
json_t *rtp_parameters_make(const struct media_source_settings *settings, const char *cname);

/* The ids that sources put into their packets. */
extern const struct media_source_extensions rtp_parameters_extensions;

/* What a newConsumer request says. -EBADMSG. */
int rtp_parameters_read_consumer(const json_t *data, uint32_t *ret_ssrc, uint32_t *ret_rtx_ssrc,
                                 bool *ret_is_video);
