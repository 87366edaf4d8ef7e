#include "tools/kolabmeet-load/srtp_profile.h"

#include <strings.h>

static const struct {
    enum srtp_profile profile;
    const char *name;
    const char *openssl_name;
    size_t cipher_key_bytes;
} profiles[] = {
    {SRTP_AEAD_AES_128_GCM, "aes128gcm", "SRTP_AEAD_AES_128_GCM", 16},
    {SRTP_AEAD_AES_256_GCM, "aes256gcm", "SRTP_AEAD_AES_256_GCM", 32},
    {SRTP_AES128_CM_SHA1_80, "aescm", "SRTP_AES128_CM_SHA1_80", 16},
};

#define PROFILE_COUNT (sizeof profiles / sizeof profiles[0])

static size_t row_of(enum srtp_profile profile)
{
    size_t row = 0;
    while (row + 1 < PROFILE_COUNT && profiles[row].profile != profile)
        row++;
    return row;
}

const char *srtp_profile_name(enum srtp_profile profile)
{
    return profiles[row_of(profile)].name;
}

bool srtp_profile_find(const char *name, enum srtp_profile *ret_profile)
{
    for (size_t row = 0; row < PROFILE_COUNT; row++)
        if (strcasecmp(profiles[row].name, name) == 0) {
            *ret_profile = profiles[row].profile;
            return true;
        }
    return false;
}

const char *srtp_profile_openssl_name(enum srtp_profile profile)
{
    return profiles[row_of(profile)].openssl_name;
}

size_t srtp_profile_cipher_key_bytes(enum srtp_profile profile)
{
    return profiles[row_of(profile)].cipher_key_bytes;
}
