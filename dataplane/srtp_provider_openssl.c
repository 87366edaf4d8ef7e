/* Ciphers by OpenSSL's EVP, one packet after the other: for CPUs that ipsec-mb has no code for. A key's
 * context is made once; a packet only sets the vector. Contexts of keys that are gone are kept for the next
 * ones, since SRTCP's come and go with each packet. */
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/hmac_sha1.h"
#include "dataplane/srtp_provider.h"

struct srtp_cipher_key {
    enum srtp_profile profile;
    EVP_CIPHER_CTX *cipher;
    struct hmac_sha1_key mac; /* AES-CM only */
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

#define SPARES 8u

/* Of a thread, by profile; without a key. */
struct spares {
    uint32_t counts[SRTP_AES128_CM_SHA1_80 + 1];
    EVP_CIPHER_CTX *contexts[SRTP_AES128_CM_SHA1_80 + 1][SPARES];
};

static _Thread_local struct spares *thread_spares;
static pthread_key_t spares_key;
static pthread_once_t spares_key_once = PTHREAD_ONCE_INIT;
static int spares_key_error;

static void spares_free(void *context)
{
    struct spares *spares = context;

    thread_spares = NULL;
    for (unsigned profile = 0; profile <= SRTP_AES128_CM_SHA1_80; profile++)
        for (uint32_t i = 0; i < spares->counts[profile]; i++)
            EVP_CIPHER_CTX_free(spares->contexts[profile][i]);
    free(spares);
}

static void spares_key_create(void)
{
    spares_key_error = pthread_key_create(&spares_key, spares_free);
}

static struct spares *spares_of_thread(void)
{
    if (thread_spares)
        return thread_spares;
    pthread_once(&spares_key_once, spares_key_create);
    struct spares *spares = spares_key_error == 0 ? calloc(1, sizeof(*spares)) : NULL;
    if (spares && pthread_setspecific(spares_key, spares) != 0) {
        free(spares);
        return NULL;
    }
    thread_spares = spares;
    return spares;
}

static EVP_CIPHER_CTX *take_context(enum srtp_profile profile)
{
    struct spares *spares = spares_of_thread();

    if (spares && spares->counts[profile] > 0)
        return spares->contexts[profile][--spares->counts[profile]];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context && EVP_EncryptInit_ex(context, cipher_of(profile), NULL, NULL, NULL) == 1)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/* Another key in its place wipes the one that it had; so does free. */
static void give_context(enum srtp_profile profile, EVP_CIPHER_CTX *context)
{
    static const uint8_t zeros[32];
    struct spares *spares = spares_of_thread();

    if (spares && spares->counts[profile] < SPARES &&
        EVP_EncryptInit_ex(context, NULL, NULL, zeros, NULL) == 1)
        spares->contexts[profile][spares->counts[profile]++] = context;
    else
        EVP_CIPHER_CTX_free(context);
}

static void key_deinit(struct srtp_cipher_key *key)
{
    if (key->cipher)
        give_context(key->profile, key->cipher);
    explicit_bzero(key, sizeof(*key));
}

static int key_init(enum srtp_profile profile, const uint8_t *bytes, const uint8_t *auth_key,
                    struct srtp_cipher_key *ret_key)
{
    struct srtp_cipher_key key = {.profile = profile, .cipher = take_context(profile)};

    bool done = key.cipher && EVP_EncryptInit_ex(key.cipher, NULL, NULL, bytes, NULL) == 1;
    if (done && profile == SRTP_AES128_CM_SHA1_80)
        done = hmac_sha1_expand(auth_key, HMAC_SHA1_BYTES, &key.mac);
    if (!done) {
        key_deinit(&key);
        return -ENOMEM;
    }
    *ret_key = key;
    explicit_bzero(&key.mac, sizeof(key.mac));
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

static bool hash(const struct srtp_cipher_job *job, uint8_t ret_digest[HMAC_SHA1_BYTES])
{
    return hmac_sha1_with(&job->key->mac, job->authenticated, job->authenticated_bytes, ret_digest);
}

static bool seal_cm(struct srtp_cipher_job *job)
{
    uint8_t digest[HMAC_SHA1_BYTES];

    if (EVP_EncryptInit_ex(job->key->cipher, NULL, NULL, NULL, job->iv) != 1 ||
        !cipher_text(job->key->cipher, job) || !hash(job, digest))
        return false;
    memcpy(job->tag, digest, srtp_tag_bytes(SRTP_AES128_CM_SHA1_80));
    return true;
}

static bool open_cm(struct srtp_cipher_job *job)
{
    uint8_t digest[HMAC_SHA1_BYTES];

    return hash(job, digest) && srtp_tag_equals(digest, job->tag, srtp_tag_bytes(SRTP_AES128_CM_SHA1_80)) &&
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
