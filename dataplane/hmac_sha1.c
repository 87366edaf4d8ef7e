/* Deprecated in favour of EVP, which allocates. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "dataplane/hmac_sha1.h"

#include <openssl/crypto.h>

#define BLOCK_BYTES 64u

/* What has seen the key, padded with zeros and XORed with a byte. */
static bool begin(const uint8_t *key, size_t key_length, uint8_t with, SHA_CTX *ret_sha1)
{
    uint8_t block[BLOCK_BYTES];

    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = (uint8_t)((i < key_length ? key[i] : 0) ^ with);
    bool done = SHA1_Init(ret_sha1) == 1 && SHA1_Update(ret_sha1, block, sizeof(block)) == 1;
    OPENSSL_cleanse(block, sizeof(block));
    return done;
}

bool hmac_sha1_expand(const uint8_t *key, size_t key_length, struct hmac_sha1_key *ret_key)
{
    uint8_t short_key[HMAC_SHA1_BYTES];

    if (key_length > BLOCK_BYTES) {
        SHA1(key, key_length, short_key);
        key = short_key;
        key_length = sizeof(short_key);
    }
    return begin(key, key_length, 0x36, &ret_key->inner) && begin(key, key_length, 0x5c, &ret_key->outer);
}

bool hmac_sha1_with(const struct hmac_sha1_key *key, const uint8_t *data, size_t length,
                    uint8_t ret_mac[HMAC_SHA1_BYTES])
{
    uint8_t digest[HMAC_SHA1_BYTES];
    SHA_CTX inner = key->inner;
    SHA_CTX outer = key->outer;

    return SHA1_Update(&inner, data, length) == 1 && SHA1_Final(digest, &inner) == 1 &&
           SHA1_Update(&outer, digest, sizeof(digest)) == 1 && SHA1_Final(ret_mac, &outer) == 1;
}

bool hmac_sha1(const uint8_t *key, size_t key_length, const uint8_t *data, size_t length,
               uint8_t ret_mac[HMAC_SHA1_BYTES])
{
    struct hmac_sha1_key expanded;
    bool done =
        hmac_sha1_expand(key, key_length, &expanded) && hmac_sha1_with(&expanded, data, length, ret_mac);

    OPENSSL_cleanse(&expanded, sizeof(expanded));
    return done;
}
