/* What SRTP and SRTCP packets look like around their ciphertext (RFC 3711 section 3.1 and 3.4, RFC 7714
 * section 8 and 9). */
#pragma once

#include <stdint.h>

#define SRTP_RTCP_HEADER_BYTES 8u       /* in the clear */
#define SRTP_RTCP_ENCRYPTED 0x80000000u /* the E bit, in one word with the index */
#define SRTP_WORD_BYTES 4u

static inline uint32_t srtp_load_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void srtp_store_u32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}
