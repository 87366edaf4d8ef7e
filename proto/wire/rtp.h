/* The RTP header (RFC 3550 section 5.1): reading, changing in place, and arithmetic on numbers that wrap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire/bytes.h"

#define RTP_FIXED_HEADER_BYTES 12
#define RTP_PACKET_MAX 65535 /* bytes */

/* Offsets count from the first byte of the packet, so that they hold for every copy of it. */
struct rtp_header {
    uint8_t payload_type;
    uint8_t csrc_count;
    bool marker;
    bool has_padding;
    bool has_extension;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t
        extension_profile;     /* "defined by profile": 0xBEDE and 0x100x are RFC 8285; 0 without extension */
    uint16_t extension_offset; /* of what follows the extension's four header bytes; 0 without extension */
    uint16_t extension_length; /* bytes, a multiple of 4 */
    uint16_t payload_offset;   /* equals the length of the whole header */
    uint16_t payload_length;   /* without padding; may be 0 */
    uint8_t padding_length;    /* with its count byte; 0 without padding */
};

/* Parses the header of a packet whose payload may still be encrypted: everything but padding is checked,
 * payload reaches to the end of data and padding_length is 0. -EBADMSG when the header does not fit into
 * length. */
int rtp_parse_header(const uint8_t *data, size_t length, struct rtp_header *ret_header);

/* Parses a plain packet, its padding too (a count of zero or beyond the payload is -EBADMSG). */
int rtp_parse(const uint8_t *data, size_t length, struct rtp_header *ret_header);

/* Writes the 12 fixed bytes from payload_type, marker, has_extension, has_padding, sequence, timestamp and
 * ssrc, with no CSRC. */
void rtp_write_fixed_header(uint8_t data[RTP_FIXED_HEADER_BYTES], const struct rtp_header *header);

/* The setters below change a packet that was parsed. */

static inline void rtp_set_payload_type(uint8_t *data, uint8_t payload_type)
{
    data[1] = (uint8_t)((data[1] & 0x80) | (payload_type & 0x7f));
}

static inline void rtp_set_marker(uint8_t *data, bool marker)
{
    data[1] = (uint8_t)((data[1] & 0x7f) | (marker ? 0x80 : 0));
}

static inline void rtp_set_sequence(uint8_t *data, uint16_t sequence)
{
    store_be16(data + 2, sequence);
}

static inline void rtp_set_timestamp(uint8_t *data, uint32_t timestamp)
{
    store_be32(data + 4, timestamp);
}

static inline void rtp_set_ssrc(uint8_t *data, uint32_t ssrc)
{
    store_be32(data + 8, ssrc);
}

/* Steps from `from` to `to` along the shorter way: -32768 to 32767. */
static inline int rtp_seq_delta(uint16_t to, uint16_t from)
{
    return (int16_t)(uint16_t)(to - from);
}

/* Whether sequence comes after reference; what is exactly half the circle away does not. */
static inline bool rtp_seq_newer(uint16_t sequence, uint16_t reference)
{
    return rtp_seq_delta(sequence, reference) > 0;
}

static inline int32_t rtp_timestamp_delta(uint32_t to, uint32_t from)
{
    return (int32_t)(to - from);
}

static inline bool rtp_timestamp_newer(uint32_t timestamp, uint32_t reference)
{
    return rtp_timestamp_delta(timestamp, reference) > 0;
}

/* The 64-bit number nearest to reference whose low 16 bits are sequence. Start with the first number itself,
 * or that plus 65536 where a negative result for an early reordered packet would hurt. */
static inline int64_t rtp_seq_unwrap(int64_t reference, uint16_t sequence)
{
    return reference + rtp_seq_delta(sequence, (uint16_t)reference);
}

/* The 64-bit number nearest to reference whose low 32 bits are timestamp. */
static inline int64_t rtp_timestamp_unwrap(int64_t reference, uint32_t timestamp)
{
    return reference + rtp_timestamp_delta(timestamp, (uint32_t)reference);
}
