/* Who does the ciphers of the native SRTP layer: a table of verbs over a library.
 *
 * A provider knows packets only as bytes: where the ciphered part goes, what is authenticated with it, the
 * vector and the tag. What it expands from a key (schedules, tables, pads) is private to the process. All of
 * the jobs of a call go to the library before the first result is taken from it. */
#pragma once

#include "dataplane/srtp.h"

#define SRTP_TAG_MAX 16u

struct srtp_cipher_key;             /* the provider's own */
#define SRTP_CIPHER_KEY_BYTES 1024u /* what any of them needs */

struct srtp_cipher_job {
    struct srtp_cipher_key *key;

    /* seal: the plaintext is the head_bytes that stand at text, then the tail; the ciphertext is put at text.
     * open: head_bytes of ciphertext at text are decrypted there, and there is no tail. */
    uint8_t *text;
    const uint8_t *tail;
    uint32_t head_bytes;
    uint32_t tail_bytes;

    /* GCM: the additional data. AES-CM: all that the HMAC is over, in one piece: header, ciphertext, and the
     * word behind it that the caller has put there. */
    uint32_t authenticated_bytes;
    const uint8_t *authenticated;

    uint8_t iv[16];
    uint8_t tag[SRTP_TAG_MAX]; /* seal: out; open: what it should be */
    bool is_done;              /* out: sealed; or opened and authentic */
    uint8_t additional[12];    /* room for additional data that stand nowhere in one piece */
};

struct srtp_provider {
    const char *name;

    /* Whether this CPU can do it. */
    bool (*is_available)(void);

    /* As in struct srtp_backend. */
    int (*begin_thread)(void);

    /* Expands a key into SRTP_CIPHER_KEY_BYTES at ret_key, aligned to a cache line. auth_key: 20 bytes, for
     * AES-CM only. -ENOMEM: OpenSSL has memory of its own behind each key, ipsec-mb its manager for each
     * thread. */
    int (*key_init)(enum srtp_profile profile, const uint8_t *key, const uint8_t *auth_key,
                    struct srtp_cipher_key *ret_key);
    /* Wipes it. */
    void (*key_deinit)(struct srtp_cipher_key *key);

    void (*seal)(struct srtp_cipher_job *jobs, size_t count);
    void (*open)(struct srtp_cipher_job *jobs, size_t count);
};

extern const struct srtp_provider srtp_provider_openssl;
#if KM_WITH_IPSEC_MB
extern const struct srtp_provider srtp_provider_ipsec_mb;
#endif

/* The fastest that was built and that this CPU can do. */
const struct srtp_provider *srtp_provider_choose(void);

/* Bytes of a profile's tag. */
static inline uint32_t srtp_tag_bytes(enum srtp_profile profile)
{
    return profile == SRTP_AES128_CM_SHA1_80 ? 10 : 16;
}

/* Compares in the same time wherever they differ. */
static inline bool srtp_tag_equals(const uint8_t *a, const uint8_t *b, uint32_t bytes)
{
    uint8_t difference = 0;

    for (uint32_t i = 0; i < bytes; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}
