/* Sender and receiver reports, source description, goodbye (RFC 3550 sections 6.4 to 6.6). See rtcp.h for the
 * rules common to readers and writers. */
#pragma once

#include "proto/wire/rtcp.h"

#define RTCP_SENDER_INFO_BYTES 28 /* of an SR without report blocks */
#define RTCP_REPORT_BLOCK_BYTES 24
#define RTCP_CNAME_MAX 255

struct rtcp_sender_info {
    uint32_t ssrc;
    uint64_t ntp; /* 32.32 fixed point, seconds since 1900 */
    uint32_t rtp_timestamp;
    uint32_t packet_count;
    uint32_t octet_count;
};

struct rtcp_report_block {
    uint32_t ssrc;
    uint8_t fraction_lost;     /* of 256 */
    int32_t cumulative_lost;   /* 24 bits, signed; written clamped */
    uint32_t highest_sequence; /* extended: cycles in the upper 16 bits */
    uint32_t jitter;           /* timestamp units */
    uint32_t lsr;              /* middle 32 bits of the last SR's ntp */
    uint32_t dlsr;             /* 1/65536 s */
};

/* Both check that all report blocks the header counts are there; profile-specific extensions behind them
 * pass. */
int rtcp_parse_sr(const struct rtcp_packet *packet, struct rtcp_sender_info *ret_info);
int rtcp_parse_rr(const struct rtcp_packet *packet, uint32_t *ret_ssrc);

/* Report block number index of a parsed SR or RR; false from packet->count on. */
bool rtcp_report_block(const struct rtcp_packet *packet, unsigned index, struct rtcp_report_block *ret_block);

/* An SR is written with ntp, rtp_timestamp and counts of info; count blocks, at most RTCP_COUNT_MAX
 * (-EINVAL). */
int rtcp_write_sr(uint8_t *buffer, size_t capacity, const struct rtcp_sender_info *info,
                  const struct rtcp_report_block *blocks, unsigned count);
int rtcp_write_rr(uint8_t *buffer, size_t capacity, uint32_t ssrc, const struct rtcp_report_block *blocks,
                  unsigned count);

enum rtcp_sdes_type {
    RTCP_SDES_CNAME = 1,
};

struct rtcp_sdes_item {
    uint32_t ssrc;
    uint8_t type; /* enum rtcp_sdes_type or another */
    uint8_t length;
    const char *text; /* not terminated */
};

struct rtcp_sdes_iterator {
    const uint8_t *start;
    uint32_t position;
    uint32_t length;
    uint32_t ssrc;
    unsigned chunks_left;
    bool in_chunk;
};

/* Walks all items of all chunks. rtcp_sdes_next() returns 1 with an item, 0 after the last, -EBADMSG when
 * chunks or items run past the packet. A chunk without items returns none. */
void rtcp_sdes_begin(struct rtcp_sdes_iterator *iterator, const struct rtcp_packet *packet);
int rtcp_sdes_next(struct rtcp_sdes_iterator *iterator, struct rtcp_sdes_item *ret_item);

/* One chunk with one item, CNAME. -EINVAL when it is longer than RTCP_CNAME_MAX. */
int rtcp_write_sdes_cname(uint8_t *buffer, size_t capacity, uint32_t ssrc, const char *cname, size_t length);

struct rtcp_bye {
    unsigned count;     /* sources */
    const char *reason; /* not terminated; NULL when absent */
    uint8_t reason_length;
};

int rtcp_parse_bye(const struct rtcp_packet *packet, struct rtcp_bye *ret_bye);

/* Source number index of a parsed BYE, index < packet->count. */
uint32_t rtcp_bye_ssrc(const struct rtcp_packet *packet, unsigned index);

/* Without reason. count is 1 to RTCP_COUNT_MAX (-EINVAL). */
int rtcp_write_bye(uint8_t *buffer, size_t capacity, const uint32_t *ssrcs, unsigned count);
