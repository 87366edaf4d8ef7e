/* Session keys from a master key and salt (RFC 3711 section 4.3, RFC 6188 section 3, RFC 7714 section 11);
 * the key derivation rate is 0, as DTLS-SRTP has it (RFC 5764 section 4.1.2). */
#pragma once

#include "dataplane/srtp.h"

#define SRTP_KDF_SALT_BYTES 14u

/* The labels of RFC 3711 section 4.3.1 and 4.3.2. */
enum srtp_kdf_label {
    SRTP_LABEL_RTP_KEY = 0,
    SRTP_LABEL_RTP_AUTH = 1,
    SRTP_LABEL_RTP_SALT = 2,
    SRTP_LABEL_RTCP_KEY = 3,
    SRTP_LABEL_RTCP_AUTH = 4,
    SRTP_LABEL_RTCP_SALT = 5
};

/* AES-CM as a pseudo-random function: bytes of it for a label. key_bytes is 16 or 32. -ENOMEM. */
int srtp_kdf_generate(const uint8_t *key, size_t key_bytes, const uint8_t salt[SRTP_KDF_SALT_BYTES],
                      enum srtp_kdf_label label, uint8_t *ret_bytes, size_t bytes);

/* All keys of a direction; master is key and salt, of srtp_key_bytes(profile). -EINVAL, -ENOMEM. */
int srtp_kdf_derive(enum srtp_profile profile, const uint8_t *master, struct srtp_session_keys *ret_keys);

/* Bytes of the cipher's key and of its salt. */
size_t srtp_kdf_cipher_key_bytes(enum srtp_profile profile);
size_t srtp_kdf_salt_bytes(enum srtp_profile profile);
