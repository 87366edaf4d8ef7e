/* Feedback messages: generic NACK and PLI (RFC 4585), FIR (RFC 5104 section 4.3.1), REMB
 * (draft-alvestrand-rmcat-remb-03). See rtcp.h for the rules common to readers and writers. */
#pragma once

#include "proto/wire/rtcp.h"

#define RTCP_FEEDBACK_BYTES 12 /* header, sender SSRC, media SSRC */
#define RTCP_REMB_SSRCS_MAX 255

/* Feedback message types: the count field of RTCP_RTPFB packets … */
enum rtcp_rtpfb {
    RTCP_RTPFB_NACK = 1,
    RTCP_RTPFB_TWCC = 15,
};

/* … and of RTCP_PSFB packets. */
enum rtcp_psfb {
    RTCP_PSFB_PLI = 1,
    RTCP_PSFB_FIR = 4,
    RTCP_PSFB_AFB = 15, /* application layer feedback: REMB */
};

struct rtcp_feedback {
    uint32_t sender_ssrc;
    uint32_t media_ssrc; /* 0 in FIR and REMB */
    const uint8_t *fci;  /* feedback control information */
    uint32_t fci_length; /* bytes */
};

/* The common part of RTCP_RTPFB and RTCP_PSFB packets; says nothing of what is in the FCI. This is all of a
 * PLI. */
int rtcp_parse_feedback(const struct rtcp_packet *packet, struct rtcp_feedback *ret_feedback);

struct rtcp_nack_iterator {
    const uint8_t *position;
    const uint8_t *end;
    uint16_t sequence;
    uint16_t mask;
};

/* Walks the sequence numbers a generic NACK asks for, item by item; at most 17 for each 4 bytes of FCI. */
void rtcp_nack_begin(struct rtcp_nack_iterator *iterator, const struct rtcp_feedback *feedback);
bool rtcp_nack_next(struct rtcp_nack_iterator *iterator, uint16_t *ret_sequence);

/* Packs the numbers into as few items as their order allows: best when ascending. -EINVAL for an empty list.
 */
int rtcp_write_nack(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                    const uint16_t *sequences, size_t count);

int rtcp_write_pli(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc);

struct rtcp_fir_entry {
    uint32_t ssrc;
    uint8_t command; /* command sequence number: the same one again is a repetition */
};

/* Entry number index of a FIR; false after the last. */
bool rtcp_fir_entry(const struct rtcp_feedback *feedback, size_t index, struct rtcp_fir_entry *ret_entry);

/* A FIR with one entry. */
int rtcp_write_fir(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                   uint8_t command);

struct rtcp_remb {
    uint64_t bitrate_bps; /* UINT64_MAX when the sender's exponent leaves 64 bits */
    unsigned ssrc_count;
    const uint8_t *ssrcs; /* big-endian, four bytes each */
};

/* -ENOMSG when the application layer feedback is not REMB. */
int rtcp_parse_remb(const struct rtcp_feedback *feedback, struct rtcp_remb *ret_remb);

/* The bitrate is rounded down to 18 significant bits. -EINVAL for more than RTCP_REMB_SSRCS_MAX sources. */
int rtcp_write_remb(uint8_t *buffer, size_t capacity, uint32_t sender_ssrc, uint64_t bitrate_bps,
                    const uint32_t *ssrcs, size_t count);
