/* HMAC-SHA1 (RFC 2104, FIPS 180-4) for the tests: slow, small, and of no library. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t sha1_rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

static inline void sha1_block(uint32_t state[5], const uint8_t *block)
{
    uint32_t w[80];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = sha1_rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (b & c) | (~b & d)
                     : i < 40 ? b ^ c ^ d
                     : i < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
        uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = sha1_rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = sha1_rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static inline void sha1(const uint8_t *data, size_t length, uint8_t ret_digest[20])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t padded = (length + 8) / 64 * 64 + 64;
    uint8_t *message = calloc(1, padded);
    if (!message)
        abort();
    memcpy(message, data, length);
    message[length] = 0x80;
    for (int i = 0; i < 8; i++)
        message[padded - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);
    for (size_t i = 0; i < padded; i += 64)
        sha1_block(state, message + i);
    free(message);
    for (int i = 0; i < 20; i++)
        ret_digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* A stun_hmac_sha1_fn; keys of up to 64 bytes. */
static inline bool hmac_sha1_by_hand(const uint8_t *key, size_t key_length, const uint8_t *data,
                                     size_t length, uint8_t ret_mac[20])
{
    uint8_t *inner = calloc(1, 64 + length);
    uint8_t outer[84] = {0};
    if (!inner || key_length > 64)
        abort();
    memcpy(inner, key, key_length);
    memcpy(outer, key, key_length);
    for (int i = 0; i < 64; i++) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5c;
    }
    memcpy(inner + 64, data, length);
    sha1(inner, 64 + length, outer + 64);
    sha1(outer, sizeof outer, ret_mac);
    free(inner);
    return true;
}
