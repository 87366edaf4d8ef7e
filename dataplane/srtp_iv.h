/* Initialization vectors. Salts and vectors are bytes in network order; a GCM vector has 12 bytes, the rest
 * is zero. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline void srtp_iv_xor(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] ^= (uint8_t)(value >> 8 * (count - 1 - i));
}

/* RFC 3711 section 4.1.1; the index of SRTCP has 31 bits, and stands in the same place. */
static inline void srtp_iv_cm(const uint8_t salt[14], uint32_t ssrc, uint64_t index, uint8_t ret_iv[16])
{
    memcpy(ret_iv, salt, 14);
    ret_iv[14] = ret_iv[15] = 0;
    srtp_iv_xor(ret_iv + 4, ssrc, 4);
    srtp_iv_xor(ret_iv + 8, index, 6);
}

/* RFC 7714 section 8.1 and, for SRTCP, section 9.1: there the 48 bits are 16 zeros and the index of 31. */
static inline void srtp_iv_gcm(const uint8_t salt[12], uint32_t ssrc, uint64_t index, uint8_t ret_iv[16])
{
    memcpy(ret_iv, salt, 12);
    memset(ret_iv + 12, 0, 4);
    srtp_iv_xor(ret_iv + 2, ssrc, 4);
    srtp_iv_xor(ret_iv + 6, index, 6);
}
