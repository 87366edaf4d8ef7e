/* H.264 in RTP (RFC 6184): single NAL units, STAP-A and FU-A, as far as a forwarder needs to know. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum h264_nal_type {
    H264_NAL_IDR = 5,
    H264_NAL_SPS = 7,
    H264_NAL_PPS = 8,
    H264_NAL_STAP_A = 24,
    H264_NAL_FU_A = 28,
};

struct h264_payload {
    uint8_t
        packet_type;  /* type of the first byte: a NAL unit's (1 to 23), H264_NAL_STAP_A or H264_NAL_FU_A */
    uint8_t nal_type; /* the NAL unit in it: of FU-A the fragmented one, of STAP-A the first */
    uint8_t ref_idc;  /* nal_ref_idc of the first byte */
    bool start;       /* a NAL unit begins in this packet (FU-A: the S bit) */
    bool end;         /* a NAL unit ends in it (FU-A: the E bit) */
    bool has_idr;     /* an IDR slice begins here */
    bool has_sps;     /* a sequence parameter set begins here */
    bool key_frame;   /* has_idr or has_sps: a decoder can start here */
};

/* Parses the payload of an RTP packet. -EBADMSG when it is empty, a STAP-A entry is empty or runs past the
 * payload, or a FU-A has no fragment, both S and E, or an aggregate in it; -ENOTSUP for the types that WebRTC
 * does not use (STAP-B, MTAP, FU-B) and those RFC 6184 leaves undefined. */
int h264_parse(const uint8_t *payload, size_t length, struct h264_payload *ret_payload);
