/* Ciphers by Intel's ipsec-mb, many packets side by side: AES-CM and its HMAC as two bursts over the whole
 * batch, which measured faster than the manager's queue of chained jobs; a GCM packet fills the CPU by itself
 * and is one call. */
#include <errno.h>
#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <string.h>

#include "dataplane/srtp_provider.h"

#define BATCH IMB_MAX_BURST_SIZE
#define GCM_TAG_BYTES 16u
#define CM_TAG_BYTES 10u
#define HASH_BYTES 12u /* the manager's HMAC-SHA1 gives 12 or 20 bytes */
#define HMAC_KEY_BYTES 20u

/* AES-CM: schedule of the cipher, and the digests of the HMAC's two padded keys. */
struct cm_key {
    _Alignas(16) uint8_t schedule[11 * 16];
    uint8_t inner[IMB_SHA1_DIGEST_SIZE_IN_BYTES];
    uint8_t outer[IMB_SHA1_DIGEST_SIZE_IN_BYTES];
};

struct srtp_cipher_key {
    _Alignas(SHM_CACHE_LINE) union {
        struct cm_key cm;
        struct gcm_key_data gcm;
    } u;
    enum srtp_profile profile; /* beside the table that each packet of GCM reads */
};
_Static_assert(sizeof(struct srtp_cipher_key) <= SRTP_CIPHER_KEY_BYTES, "a key has its place");

/* The job manager of a thread. */
static _Thread_local IMB_MGR *thread_manager;
static pthread_key_t manager_key;
static pthread_once_t manager_key_once = PTHREAD_ONCE_INIT;
static int manager_key_error;

static void manager_free(void *manager)
{
    thread_manager = NULL;
    free_mb_mgr(manager);
}

static void manager_key_create(void)
{
    manager_key_error = pthread_key_create(&manager_key, manager_free);
}

/* NULL when there is no memory, or no code for this CPU. */
static IMB_MGR *manager_create(void)
{
    IMB_ARCH arch = IMB_ARCH_NONE;

    IMB_MGR *manager = alloc_mb_mgr(0);
    if (!manager)
        return NULL;
    init_mb_mgr_auto(manager, &arch);
    if (imb_get_errno(manager) == 0 && arch != IMB_ARCH_NONE && arch != IMB_ARCH_NOAESNI)
        return manager;
    free_mb_mgr(manager);
    return NULL;
}

static IMB_MGR *manager_of_thread(void)
{
    if (thread_manager)
        return thread_manager;
    pthread_once(&manager_key_once, manager_key_create);
    if (manager_key_error != 0)
        return NULL;
    IMB_MGR *manager = manager_create();
    if (manager && pthread_setspecific(manager_key, manager) != 0) {
        free_mb_mgr(manager);
        return NULL;
    }
    thread_manager = manager;
    return manager;
}

static int begin_thread(void)
{
    return manager_of_thread() ? 0 : -ENOMEM;
}

static bool is_available(void)
{
    IMB_MGR *manager = manager_create();
    bool available = manager != NULL;

    if (manager)
        free_mb_mgr(manager);
    return available;
}

static void hmac_pad(IMB_MGR *manager, const uint8_t key[HMAC_KEY_BYTES], uint8_t pad,
                     uint8_t ret_digest[IMB_SHA1_DIGEST_SIZE_IN_BYTES])
{
    uint8_t block[IMB_SHA1_BLOCK_SIZE];

    memset(block, pad, sizeof(block));
    for (unsigned i = 0; i < HMAC_KEY_BYTES; i++)
        block[i] ^= key[i];
    IMB_SHA1_ONE_BLOCK(manager, block, ret_digest);
    explicit_bzero(block, sizeof(block));
}

static void cm_key_init(IMB_MGR *manager, struct cm_key *key, const uint8_t *bytes, const uint8_t *auth_key)
{
    _Alignas(16) uint8_t inverse[sizeof(key->schedule)]; /* counter mode never deciphers a block */

    IMB_AES_KEYEXP_128(manager, bytes, key->schedule, inverse);
    explicit_bzero(inverse, sizeof(inverse));
    hmac_pad(manager, auth_key, 0x36, key->inner);
    hmac_pad(manager, auth_key, 0x5c, key->outer);
}

static int key_init(enum srtp_profile profile, const uint8_t *bytes, const uint8_t *auth_key,
                    struct srtp_cipher_key *ret_key)
{
    IMB_MGR *manager = manager_of_thread();

    if (!manager)
        return -ENOMEM;
    ret_key->profile = profile;
    if (profile == SRTP_AES128_CM_SHA1_80)
        cm_key_init(manager, &ret_key->u.cm, bytes, auth_key);
    else if (profile == SRTP_AEAD_AES_256_GCM)
        IMB_AES256_GCM_PRE(manager, bytes, &ret_key->u.gcm);
    else
        IMB_AES128_GCM_PRE(manager, bytes, &ret_key->u.gcm);
    return 0;
}

static void key_deinit(struct srtp_cipher_key *key)
{
    explicit_bzero(key, sizeof(*key));
}

/* The manager's ciphers want their input in one piece. */
static const uint8_t *input_of(const struct srtp_cipher_job *job)
{
    if (job->head_bytes == 0 && job->tail_bytes > 0)
        return job->tail;
    if (job->tail_bytes > 0)
        memcpy(job->text + job->head_bytes, job->tail, job->tail_bytes);
    return job->text;
}

static void gcm_seal(IMB_MGR *manager, struct srtp_cipher_job *job)
{
    const struct gcm_key_data *key = &job->key->u.gcm;
    struct gcm_context_data context;
    uint64_t bytes = (uint64_t)job->head_bytes + job->tail_bytes;
    const uint8_t *input = input_of(job);

    if (job->key->profile == SRTP_AEAD_AES_256_GCM)
        IMB_AES256_GCM_ENC(manager, key, &context, job->text, input, bytes, job->iv, job->authenticated,
                           job->authenticated_bytes, job->tag, GCM_TAG_BYTES);
    else
        IMB_AES128_GCM_ENC(manager, key, &context, job->text, input, bytes, job->iv, job->authenticated,
                           job->authenticated_bytes, job->tag, GCM_TAG_BYTES);
    job->is_done = true;
}

static void gcm_open(IMB_MGR *manager, struct srtp_cipher_job *job)
{
    const struct gcm_key_data *key = &job->key->u.gcm;
    struct gcm_context_data context;
    uint8_t tag[GCM_TAG_BYTES];

    if (job->key->profile == SRTP_AEAD_AES_256_GCM)
        IMB_AES256_GCM_DEC(manager, key, &context, job->text, job->text, job->head_bytes, job->iv,
                           job->authenticated, job->authenticated_bytes, tag, GCM_TAG_BYTES);
    else
        IMB_AES128_GCM_DEC(manager, key, &context, job->text, job->text, job->head_bytes, job->iv,
                           job->authenticated, job->authenticated_bytes, tag, GCM_TAG_BYTES);
    job->is_done = srtp_tag_equals(tag, job->tag, GCM_TAG_BYTES);
}

/* Only what a burst looks at: the rest of these large jobs stays as it is. hash: where the packet's HMAC
 * goes. */
static void cm_fill(IMB_JOB *work, struct srtp_cipher_job *job, bool sealing, uint8_t *hash)
{
    const struct cm_key *key = &job->key->u.cm;
    const uint8_t *input = input_of(job);

    work->status = IMB_STATUS_BEING_PROCESSED;
    work->sgl_state = IMB_SGL_ALL;
    work->cipher_start_src_offset_in_bytes = 0;
    work->cipher_mode = IMB_CIPHER_CNTR;
    work->cipher_direction = sealing ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    work->chain_order = sealing ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    work->src = input;
    work->dst = job->text;
    work->enc_keys = key->schedule;
    work->dec_keys = key->schedule;
    work->key_len_in_bytes = IMB_KEY_128_BYTES;
    work->iv = job->iv;
    work->iv_len_in_bytes = sizeof(job->iv);
    work->msg_len_to_cipher_in_bytes = (uint64_t)job->head_bytes + job->tail_bytes;
    work->hash_alg = IMB_AUTH_HMAC_SHA_1;
    /* Counted from src, and the header stands before dst: the difference may be negative, and wraps back
     * when it is added. */
    work->hash_start_src_offset_in_bytes = (uint64_t)((uintptr_t)job->authenticated - (uintptr_t)input);
    work->msg_len_to_hash_in_bytes = job->authenticated_bytes;
    work->auth_tag_output = hash;
    work->auth_tag_output_len_in_bytes = HASH_BYTES;
    work->u.HMAC._hashed_auth_key_xor_ipad = key->inner;
    work->u.HMAC._hashed_auth_key_xor_opad = key->outer;
    work->user_data = job;
    work->user_data2 = hash;
}

static void cm_finish(const IMB_JOB *work, bool sealing)
{
    struct srtp_cipher_job *job = work->user_data;
    const uint8_t *hash = work->user_data2;

    if (work->status != IMB_STATUS_COMPLETED) {
        job->is_done = false;
    } else if (sealing) {
        memcpy(job->tag, hash, CM_TAG_BYTES);
        job->is_done = true;
    } else {
        job->is_done = srtp_tag_equals(job->tag, hash, CM_TAG_BYTES);
    }
}

/* The cipher of all packets, then the hash of all; or, to open, the hash first. */
static void cm_run(IMB_MGR *manager, IMB_JOB *works, uint32_t count, bool sealing)
{
    if (sealing)
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, works, count, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                        IMB_KEY_128_BYTES);
    IMB_SUBMIT_HASH_BURST_NOCHECK(manager, works, count, IMB_AUTH_HMAC_SHA_1);
    if (!sealing)
        IMB_SUBMIT_CIPHER_BURST_NOCHECK(manager, works, count, IMB_CIPHER_CNTR, IMB_DIR_DECRYPT,
                                        IMB_KEY_128_BYTES);
    for (uint32_t i = 0; i < count; i++)
        cm_finish(&works[i], sealing);
}

static void run_batch(IMB_MGR *manager, struct srtp_cipher_job *jobs, size_t count, bool sealing)
{
    uint8_t hashes[BATCH][HASH_BYTES];
    IMB_JOB works[BATCH];
    uint32_t cm_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (jobs[i].key->profile == SRTP_AES128_CM_SHA1_80) {
            cm_fill(&works[cm_count], &jobs[i], sealing, hashes[cm_count]);
            cm_count++;
        } else if (sealing) {
            gcm_seal(manager, &jobs[i]);
        } else {
            gcm_open(manager, &jobs[i]);
        }
    }
    if (cm_count > 0)
        cm_run(manager, works, cm_count, sealing);
}

static void run(struct srtp_cipher_job *jobs, size_t count, bool sealing)
{
    IMB_MGR *manager = manager_of_thread();

    for (size_t i = 0; i < count; i++)
        jobs[i].is_done = false;
    if (!manager)
        return;
    for (size_t i = 0; i < count; i += BATCH)
        run_batch(manager, jobs + i, count - i < BATCH ? count - i : BATCH, sealing);
}

static void seal(struct srtp_cipher_job *jobs, size_t count)
{
    run(jobs, count, true);
}

static void open_jobs(struct srtp_cipher_job *jobs, size_t count)
{
    run(jobs, count, false);
}

const struct srtp_provider srtp_provider_ipsec_mb = {
    .name = "ipsec-mb",
    .is_available = is_available,
    .begin_thread = begin_thread,
    .key_init = key_init,
    .key_deinit = key_deinit,
    .seal = seal,
    .open = open_jobs,
};
