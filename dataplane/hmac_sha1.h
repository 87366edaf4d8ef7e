/* HMAC-SHA1 (RFC 2104) without an allocation: OpenSSL's EVP and HMAC make and free their contexts for each
 * message. */
#pragma once

#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMAC_SHA1_BYTES 20u

/* A key that is used for many messages: a secret, as the key is. */
struct hmac_sha1_key {
    SHA_CTX inner;
    SHA_CTX outer;
};

bool hmac_sha1_expand(const uint8_t *key, size_t key_length, struct hmac_sha1_key *ret_key);

bool hmac_sha1_with(const struct hmac_sha1_key *key, const uint8_t *data, size_t length,
                    uint8_t ret_mac[HMAC_SHA1_BYTES]);

/* A stun_hmac_sha1_fn: both for a single message. */
bool hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
               uint8_t ret_mac[HMAC_SHA1_BYTES]);
