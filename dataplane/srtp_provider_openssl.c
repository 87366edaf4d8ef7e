/* Ciphers by OpenSSL's EVP, one packet after the other: for CPUs that ipsec-mb has no code for. A key's
 * contexts are made once; a packet only sets the vector. */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "dataplane/srtp_provider.h"

#define HMAC_SHA1_BYTES 20

struct srtp_cipher_key {
    enum srtp_profile profile;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* AES-CM only */
};
_Static_assert(sizeof(struct srtp_cipher_key) <= SRTP_CIPHER_KEY_BYTES, "a key has its place");

static int begin_thread(void)
{
    return 0;
}

static bool is_available(void)
{
    return true;
}

static void key_deinit(struct srtp_cipher_key *key)
{
    EVP_CIPHER_CTX_free(key->cipher); /* both wipe what they hold */
    EVP_MAC_CTX_free(key->mac);
    *key = (struct srtp_cipher_key){0};
}

static const EVP_CIPHER *cipher_of(enum srtp_profile profile)
{
    switch (profile) {
    case SRTP_AEAD_AES_128_GCM:
        return EVP_aes_128_gcm();
    case SRTP_AEAD_AES_256_GCM:
        return EVP_aes_256_gcm();
    case SRTP_AES128_CM_SHA1_80:
        return EVP_aes_128_ctr();
    }
    return NULL;
}

static EVP_MAC_CTX *mac_create(const uint8_t *auth_key)
{
    char digest[] = "SHA1";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    if (context && EVP_MAC_init(context, auth_key, HMAC_SHA1_BYTES, params) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

static int key_init(enum srtp_profile profile, const uint8_t *bytes, const uint8_t *auth_key,
                    struct srtp_cipher_key *ret_key)
{
    struct srtp_cipher_key key = {.profile = profile, .cipher = EVP_CIPHER_CTX_new()};

    bool done = key.cipher && EVP_EncryptInit_ex(key.cipher, cipher_of(profile), NULL, bytes, NULL) == 1;
    if (done && profile == SRTP_AES128_CM_SHA1_80) {
        key.mac = mac_create(auth_key);
        done = key.mac != NULL;
    }
    if (!done) {
        key_deinit(&key);
        return -ENOMEM;
    }
    *ret_key = key;
    return 0;
}

/* Both directions of the counter mode, and the ciphering half of GCM. */
static bool cipher_text(EVP_CIPHER_CTX *cipher, const struct srtp_cipher_job *job)
{
    int written;

    if (job->head_bytes > 0 &&
        EVP_CipherUpdate(cipher, job->text, &written, job->text, (int)job->head_bytes) != 1)
        return false;
    return job->tail_bytes == 0 || EVP_CipherUpdate(cipher, job->text + job->head_bytes, &written, job->tail,
                                                    (int)job->tail_bytes) == 1;
}

static bool hash(EVP_MAC_CTX *mac, const struct srtp_cipher_job *job, uint8_t ret_digest[HMAC_SHA1_BYTES])
{
    size_t written;

    return EVP_MAC_init(mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(mac, job->authenticated, job->authenticated_bytes) == 1 &&
           EVP_MAC_final(mac, ret_digest, &written, HMAC_SHA1_BYTES) == 1;
}

static bool seal_cm(struct srtp_cipher_job *job)
{
    uint8_t digest[HMAC_SHA1_BYTES];

    if (EVP_EncryptInit_ex(job->key->cipher, NULL, NULL, NULL, job->iv) != 1 ||
        !cipher_text(job->key->cipher, job) || !hash(job->key->mac, job, digest))
        return false;
    memcpy(job->tag, digest, srtp_tag_bytes(SRTP_AES128_CM_SHA1_80));
    return true;
}

static bool open_cm(struct srtp_cipher_job *job)
{
    uint8_t digest[HMAC_SHA1_BYTES];

    return hash(job->key->mac, job, digest) &&
           srtp_tag_equals(digest, job->tag, srtp_tag_bytes(SRTP_AES128_CM_SHA1_80)) &&
           EVP_EncryptInit_ex(job->key->cipher, NULL, NULL, NULL, job->iv) == 1 &&
           cipher_text(job->key->cipher, job);
}

static bool add_data(EVP_CIPHER_CTX *cipher, const struct srtp_cipher_job *job)
{
    int written;

    return EVP_CipherUpdate(cipher, NULL, &written, job->authenticated, (int)job->authenticated_bytes) == 1;
}

static bool seal_gcm(struct srtp_cipher_job *job)
{
    EVP_CIPHER_CTX *cipher = job->key->cipher;
    int written;

    return EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, job->iv) == 1 && add_data(cipher, job) &&
           cipher_text(cipher, job) && EVP_EncryptFinal_ex(cipher, NULL, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SRTP_TAG_MAX, job->tag) == 1;
}

static bool open_gcm(struct srtp_cipher_job *job)
{
    EVP_CIPHER_CTX *cipher = job->key->cipher;
    int written;

    return EVP_DecryptInit_ex(cipher, NULL, NULL, NULL, job->iv) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SRTP_TAG_MAX, job->tag) == 1 &&
           add_data(cipher, job) && cipher_text(cipher, job) &&
           EVP_DecryptFinal_ex(cipher, NULL, &written) == 1;
}

static void seal(struct srtp_cipher_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].is_done =
            jobs[i].key->profile == SRTP_AES128_CM_SHA1_80 ? seal_cm(&jobs[i]) : seal_gcm(&jobs[i]);
}

static void open_jobs(struct srtp_cipher_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        jobs[i].is_done =
            jobs[i].key->profile == SRTP_AES128_CM_SHA1_80 ? open_cm(&jobs[i]) : open_gcm(&jobs[i]);
}

const struct srtp_provider srtp_provider_openssl = {
    .name = "openssl",
    .is_available = is_available,
    .begin_thread = begin_thread,
    .key_init = key_init,
    .key_deinit = key_deinit,
    .seal = seal,
    .open = open_jobs,
};
