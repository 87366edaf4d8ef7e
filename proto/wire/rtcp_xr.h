/* RTCP extended reports (RFC 3611): receiver reference time (section 4.4) and DLRR (section 4.5), by which
 * one that only receives measures its round trip. See rtcp.h for the rules common to readers and writers. */
#pragma once

#include "proto/wire/rtcp.h"

#define RTCP_XR_SUB_BLOCK_BYTES 12

enum rtcp_xr_type {
    RTCP_XR_RRTR = 4,
    RTCP_XR_DLRR = 5,
};

struct rtcp_xr_block {
    uint8_t type;    /* enum rtcp_xr_type or another */
    uint32_t length; /* bytes of content, a multiple of 4 */
    const uint8_t *content;
};

struct rtcp_xr_iterator {
    const uint8_t *position;
    const uint8_t *end;
};

/* Starts at the first report block. -EBADMSG when the packet has no room for the sender's SSRC. */
int rtcp_xr_begin(struct rtcp_xr_iterator *iterator, const struct rtcp_packet *packet,
                  uint32_t *ret_sender_ssrc);

/* Returns 1 with a block, 0 after the last, -EBADMSG at one that runs past the packet. */
int rtcp_xr_next(struct rtcp_xr_iterator *iterator, struct rtcp_xr_block *ret_block);

/* The NTP time of an RRTR block: 32.32 fixed point, seconds since 1900. */
int rtcp_xr_parse_rrtr(const struct rtcp_xr_block *block, uint64_t *ret_ntp);

struct rtcp_xr_dlrr {
    uint32_t ssrc; /* of the receiver whose reference time this answers */
    uint32_t lrr;  /* middle 32 bits of its last RRTR's NTP time */
    uint32_t dlrr; /* delay since, 1/65536 s */
};

/* Sub-block number index of a DLRR block; false after the last. A torn last one is not returned. */
bool rtcp_xr_dlrr(const struct rtcp_xr_block *block, size_t index, struct rtcp_xr_dlrr *ret_dlrr);

int rtcp_write_xr_rrtr(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint64_t ntp);

/* -EINVAL for an empty list. */
int rtcp_write_xr_dlrr(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc,
                       const struct rtcp_xr_dlrr *entries, size_t count);
