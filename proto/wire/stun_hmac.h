/* A stun_hmac_sha1_fn of OpenSSL, for those who link it: the codecs themselves know of no library. */
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "proto/wire/stun.h"

static inline void stun_hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
                                  uint8_t ret_mac[STUN_INTEGRITY_BYTES])
{
    HMAC(EVP_sha1(), key, (int)key_length, data, length, ret_mac, NULL);
}
