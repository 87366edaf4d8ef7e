#include "dataplane/srtp_kdf.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define LABEL_BYTE 7u /* where the label falls in a salt of 112 bits */
#define OUTPUT_MAX 128u

size_t srtp_kdf_cipher_key_bytes(enum srtp_profile profile)
{
    return profile == SRTP_AEAD_AES_256_GCM ? 32 : 16;
}

size_t srtp_kdf_salt_bytes(enum srtp_profile profile)
{
    return profile == SRTP_AES128_CM_SHA1_80 ? 14 : 12;
}

int srtp_kdf_generate(const uint8_t *key, size_t key_bytes, const uint8_t salt[SRTP_KDF_SALT_BYTES],
                      enum srtp_kdf_label label, uint8_t *ret_bytes, size_t bytes)
{
    static const uint8_t zeros[OUTPUT_MAX];
    uint8_t iv[16] = {0};
    int written;

    if (bytes > OUTPUT_MAX)
        return -EINVAL;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (!cipher)
        return -ENOMEM;
    memcpy(iv, salt, SRTP_KDF_SALT_BYTES);
    iv[LABEL_BYTE] ^= (uint8_t)label;
    const EVP_CIPHER *type = key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    bool done = EVP_EncryptInit_ex(cipher, type, NULL, key, iv) == 1 &&
                EVP_EncryptUpdate(cipher, ret_bytes, &written, zeros, (int)bytes) == 1;
    EVP_CIPHER_CTX_free(cipher);
    return done ? 0 : -ENOMEM;
}

struct wanted {
    enum srtp_kdf_label label;
    uint8_t *bytes;
    size_t count;
};

int srtp_kdf_derive(enum srtp_profile profile, const uint8_t *master, struct srtp_session_keys *ret_keys)
{
    size_t key_bytes = srtp_kdf_cipher_key_bytes(profile);
    size_t salt_bytes = srtp_kdf_salt_bytes(profile);
    uint8_t salt[SRTP_KDF_SALT_BYTES] = {0}; /* a shorter one is followed by zeros */
    struct srtp_session_keys keys = {0};
    int error = 0;

    if (srtp_key_bytes(profile) != key_bytes + salt_bytes)
        return -EINVAL;
    memcpy(salt, master + key_bytes, salt_bytes);
    size_t auth_bytes = profile == SRTP_AES128_CM_SHA1_80 ? sizeof(keys.rtp_auth) : 0;
    const struct wanted all[] = {
        {SRTP_LABEL_RTP_KEY, keys.rtp_key, key_bytes},
        {SRTP_LABEL_RTP_AUTH, keys.rtp_auth, auth_bytes},
        {SRTP_LABEL_RTP_SALT, keys.rtp_salt, salt_bytes},
        {SRTP_LABEL_RTCP_KEY, keys.rtcp_key, key_bytes},
        {SRTP_LABEL_RTCP_AUTH, keys.rtcp_auth, auth_bytes},
        {SRTP_LABEL_RTCP_SALT, keys.rtcp_salt, salt_bytes},
    };
    for (size_t i = 0; error == 0 && i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].count > 0)
            error = srtp_kdf_generate(master, key_bytes, salt, all[i].label, all[i].bytes, all[i].count);
    }
    if (error == 0)
        *ret_keys = keys;
    explicit_bzero(&keys, sizeof(keys));
    explicit_bzero(salt, sizeof(salt));
    return error;
}
