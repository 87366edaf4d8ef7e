/* RTCP (RFC 3550 section 6): walking a compound packet. What is in the packets is read and written by
 * rtcp_report.h (SR, RR, SDES, BYE), rtcp_feedback.h (NACK, PLI, FIR, REMB), rtcp_xr.h and twcc.h.
 *
 * All readers return 0 or -EBADMSG unless they say otherwise; what they return points into the datagram. All
 * writers append one whole RTCP packet to buffer and return its bytes, or -ENOSPC when capacity does not hold
 * it; a compound is made by writing one behind the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTCP_HEADER_BYTES 4
#define RTCP_PACKET_MAX 262144 /* bytes that the length field can say */
#define RTCP_COUNT_MAX 31      /* report blocks, SDES chunks or BYE sources of one packet */

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_APP = 204,
    RTCP_RTPFB = 205, /* transport layer feedback, RFC 4585 */
    RTCP_PSFB = 206,  /* payload-specific feedback, RFC 4585 */
    RTCP_XR = 207,    /* RFC 3611 */
};

/* One packet of a compound, header included and padding excluded. */
struct rtcp_packet {
    const uint8_t *data;
    uint32_t length; /* bytes, at least RTCP_HEADER_BYTES; a multiple of 4 unless the padding is not one */
    uint8_t type;    /* enum rtcp_type or another of 192 to 223 */
    uint8_t count;   /* five bits: a count, or the feedback message type */
};

struct rtcp_iterator {
    const uint8_t *position;
    const uint8_t *end;
};

/* Checks the whole datagram as RFC 3550 section A.2 does, and starts at its first packet: version 2
 * throughout, the lengths add up, padding fits. Reduced-size packets (RFC 5506) pass: any type may come
 * first. So does padding in the midst of a compound and of any length, since transport-wide feedback comes
 * with one to three bytes of it. -EBADMSG otherwise, and for an empty datagram. */
int rtcp_begin(struct rtcp_iterator *iterator, const uint8_t *data, size_t length);

/* The next packet; false after the last. Packets of unknown type are returned like others. */
bool rtcp_next(struct rtcp_iterator *iterator, struct rtcp_packet *ret_packet);

/* Writes the four bytes of a header; length is that of the whole packet, a multiple of 4. */
void rtcp_write_header(uint8_t *buffer, uint8_t type, uint8_t count, size_t length);
