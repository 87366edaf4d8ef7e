/* RTP header extensions (RFC 8285): iterating, writing, and the values of those that are read or written
 * here. */
#pragma once

#include "proto/wire/rtp.h"

#define RTP_EXT_PROFILE_ONE_BYTE 0xBEDE
#define RTP_EXT_PROFILE_TWO_BYTE 0x1000 /* the low four bits are "appbits" and ignored */
#define RTP_EXT_ONE_BYTE_ID_MAX 14
#define RTP_EXT_TOKEN_MAX 32 /* characters of a MID or RID */

struct rtp_ext_element {
    uint8_t id;      /* 1 to 14, or 1 to 255 in the two-byte form */
    uint8_t length;  /* bytes of the value: 1 to 16, or 0 to 255 in the two-byte form */
    uint16_t offset; /* of the value, from the first byte of the packet */
};

struct rtp_ext_iterator {
    const uint8_t *packet;
    uint16_t position;
    uint16_t end;
    bool two_byte;
};

/* Starts at the first element. A packet without extension, or with one of another profile, has no elements.
 */
void rtp_ext_begin(struct rtp_ext_iterator *iterator, const uint8_t *packet, const struct rtp_header *header);

/* Returns 1 with the next element, 0 after the last, -EBADMSG at an element that runs past the block. */
int rtp_ext_next(struct rtp_ext_iterator *iterator, struct rtp_ext_element *ret_element);

/* Finds the first element with this id. Elements behind a malformed one are not found. */
bool rtp_ext_find(const uint8_t *packet, const struct rtp_header *header, uint8_t id,
                  struct rtp_ext_element *ret_element);

enum rtp_ext_form {
    RTP_EXT_FORM_AUTO,     /* one-byte, unless an item's id or length needs the two-byte form */
    RTP_EXT_FORM_TWO_BYTE, /* two-byte in any case */
};

struct rtp_ext_item {
    uint8_t id; /* not 0 */
    uint8_t length;
    const uint8_t *data;
};

/* Writes a whole extension block: profile, length, elements, zero padding to 32 bits. Returns its bytes, 0
 * for an empty list (then the packet's X bit stays clear), -ENOSPC, or -EINVAL for an item with id 0. buffer
 * must not overlap the items. */
int rtp_ext_write(uint8_t *buffer, size_t capacity, const struct rtp_ext_item *items, size_t count,
                  enum rtp_ext_form form);

/* The values. Each read takes an element's value and returns 0, or -EBADMSG when the length or content is
 * wrong. */

/* MID (RFC 9143), RID and repaired RID (RFC 8852): 1 to RTP_EXT_TOKEN_MAX token characters (RFC 4566). */
int rtp_ext_read_token(const uint8_t *value, size_t length, char ret_token[RTP_EXT_TOKEN_MAX + 1]);

/* Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01). */
int rtp_ext_read_transport_sequence(const uint8_t *value, size_t length, uint16_t *ret_sequence);

/* Audio level (RFC 6464): voice activity flag, and level in -dBov, 0 (loudest) to 127 (silence). */
int rtp_ext_read_audio_level(const uint8_t *value, size_t length, bool *ret_voice, uint8_t *ret_level);

/* Absolute send time: seconds modulo 64 as 6.18 bit fixed point. */
#define RTP_EXT_ABS_SEND_TIME_BYTES 3
int rtp_ext_read_abs_send_time(const uint8_t *value, size_t length, uint32_t *ret_time);

static inline uint32_t rtp_ext_abs_send_time_from_us(uint64_t time_us)
{
    return (uint32_t)(((time_us % 64000000u) << 18) / 1000000u) & 0xffffffu;
}

/* Microseconds from `from` to `to` along the shorter way: -32 s to 32 s. */
static inline int64_t rtp_ext_abs_send_time_delta_us(uint32_t to, uint32_t from)
{
    int32_t delta = (int32_t)((to - from) << 8) / 256;
    return (int64_t)delta * 1000000 / (1 << 18);
}
