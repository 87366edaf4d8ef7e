/* The libsrtp2 backend. Its contexts are opaque heap objects: with it, keys do not survive the process. */
#include "dataplane/srtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/srtp_format.h"

struct srtp_session {
    enum srtp_profile profile;
    srtp_t receiver;
    srtp_t sender;

    uint32_t resident_count;
    uint32_t guest_count;
    uint32_t residents[SRTP_RESIDENTS_MAX];
    uint32_t guests[SRTP_GUESTS_MAX]; /* oldest first */
};

static bool list_remove(uint32_t *list, uint32_t *count, uint32_t ssrc)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i] == ssrc) {
            memmove(&list[i], &list[i + 1], (--*count - i) * sizeof(*list));
            return true;
        }
    }
    return false;
}

static bool list_has(const uint32_t *list, uint32_t count, uint32_t ssrc)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == ssrc)
            return true;
    }
    return false;
}

/* Only what was received is removed: a sending stream that were forgotten would start its index again, under
 * the same key. */
static void add_guest(struct srtp_session *session, uint32_t ssrc)
{
    if (session->guest_count == SRTP_GUESTS_MAX) {
        srtp_remove_stream(session->receiver, htonl(session->guests[0]));
        list_remove(session->guests, &session->guest_count, session->guests[0]);
    }
    session->guests[session->guest_count++] = ssrc;
}

/* The library remembers every SSRC that it has heard from. */
static void heard_from(struct srtp_session *session, uint32_t ssrc)
{
    if (!list_has(session->residents, session->resident_count, ssrc) &&
        !list_has(session->guests, session->guest_count, ssrc))
        add_guest(session, ssrc);
}

static void set_policy(enum srtp_profile profile, srtp_policy_t *policy)
{
    switch (profile) {
    case SRTP_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
        break;
    case SRTP_AEAD_AES_256_GCM:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
        break;
    case SRTP_AES128_CM_SHA1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
        break;
    }
}

static int create_context(enum srtp_profile profile, srtp_ssrc_type_t direction, const uint8_t *key,
                          srtp_t *ret_context)
{
    uint8_t copy[SRTP_KEY_MAX];
    srtp_policy_t policy = {
        .ssrc.type = direction,
        .key = copy,
        .window_size = SRTP_REPLAY_WINDOW,
        .allow_repeat_tx = 1, /* a NACK without RTX is answered by the packet itself */
    };

    memcpy(copy, key, srtp_key_bytes(profile));
    set_policy(profile, &policy);
    srtp_err_status_t status = srtp_create(ret_context, &policy);
    explicit_bzero(copy, sizeof(copy));
    return status == srtp_err_status_ok ? 0 : status == srtp_err_status_alloc_fail ? -ENOMEM : -EINVAL;
}

static void session_destroy(struct srtp_session *session)
{
    if (!session)
        return;
    if (session->receiver)
        srtp_dealloc(session->receiver); /* wipes its keys */
    if (session->sender)
        srtp_dealloc(session->sender);
    free(session);
}

static int session_create(enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key,
                          const struct srtp_place *place, struct srtp_session **ret_session)
{
    (void)place;
    if (srtp_key_bytes(profile) == 0)
        return -EINVAL;
    struct srtp_session *session = calloc(1, sizeof(*session));
    if (!session)
        return -ENOMEM;
    session->profile = profile;
    int error = create_context(profile, ssrc_any_inbound, receive_key, &session->receiver);
    if (error == 0)
        error = create_context(profile, ssrc_any_outbound, send_key, &session->sender);
    if (error != 0) {
        session_destroy(session);
        return error;
    }
    *ret_session = session;
    return 0;
}

static int session_attach(const struct srtp_place *place, struct srtp_session **ret_session)
{
    (void)place;
    (void)ret_session;
    return -ENOTSUP;
}

static enum srtp_status status_of(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return SRTP_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return SRTP_REPLAYED;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail:
        return SRTP_FORGED;
    case srtp_err_status_parse_err:
    case srtp_err_status_bad_param:
        return SRTP_MALFORMED;
    default:
        return SRTP_FAILED;
    }
}

static void unprotect_one(struct srtp_unprotect_job *job)
{
    size_t trailer = srtp_trailer_bytes(job->session->profile, job->kind);
    int length = (int)job->length;
    srtp_err_status_t status;

    if (job->kind == SRTP_KIND_RTP) {
        if (srtp_rtp_header_bytes(job->data, job->length, trailer) == 0) {
            job->status = SRTP_MALFORMED;
            return;
        }
        status = srtp_unprotect(job->session->receiver, job->data, &length);
    } else {
        if (job->length < SRTP_RTCP_HEADER_BYTES + trailer) {
            job->status = SRTP_MALFORMED;
            return;
        }
        status = srtp_unprotect_rtcp(job->session->receiver, job->data, &length);
    }
    job->status = status_of(status);
    if (job->status == SRTP_OK) {
        heard_from(job->session, srtp_load_u32(job->data + (job->kind == SRTP_KIND_RTP ? 8 : 4)));
        job->length = (uint32_t)length;
    }
}

static void unprotect(struct srtp_unprotect_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        unprotect_one(&jobs[i]);
}

/* The library writes a trailer of its own choice behind the packet; only the tag and index are ever used,
 * because no MKI is set. */
static void protect_one(struct srtp_protect_job *job)
{
    size_t trailer = srtp_trailer_bytes(job->session->profile, job->kind);
    size_t plain_bytes = (size_t)job->head_bytes + job->tail_bytes;

    if (plain_bytes + trailer > job->out_capacity) {
        job->status = SRTP_FAILED;
        return;
    }
    if (job->tail_bytes > 0)
        memcpy(job->out + job->head_bytes, job->tail, job->tail_bytes);
    int length = (int)plain_bytes;
    srtp_err_status_t status;
    if (job->kind == SRTP_KIND_RTP) {
        if (srtp_rtp_header_bytes(job->out, plain_bytes, 0) == 0) {
            job->status = SRTP_MALFORMED;
            return;
        }
        status = srtp_protect(job->session->sender, job->out, &length);
    } else {
        if (plain_bytes < SRTP_RTCP_HEADER_BYTES) {
            job->status = SRTP_MALFORMED;
            return;
        }
        status = srtp_protect_rtcp(job->session->sender, job->out, &length);
    }
    job->status = status_of(status);
    if (job->status == SRTP_OK)
        job->length = (uint32_t)length;
}

static void protect(struct srtp_protect_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        protect_one(&jobs[i]);
}

static void keep(struct srtp_session *session, uint32_t ssrc)
{
    if (session->resident_count < SRTP_RESIDENTS_MAX &&
        list_remove(session->guests, &session->guest_count, ssrc))
        session->residents[session->resident_count++] = ssrc;
}

static void forget(struct srtp_session *session, uint32_t ssrc)
{
    if (list_remove(session->residents, &session->resident_count, ssrc))
        add_guest(session, ssrc);
}

static int init_error;

/* Debian's build loads NSS when a cipher is first made, which takes long and must not happen in a worker's
 * loop. */
static void init_library(void)
{
    static const enum srtp_profile profiles[] = {SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM,
                                                 SRTP_AES128_CM_SHA1_80};
    static const uint8_t key[SRTP_KEY_MAX];

    init_error = srtp_init() == srtp_err_status_ok ? 0 : -EIO;
    for (size_t i = 0; init_error == 0 && i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        struct srtp_session *session;
        init_error = session_create(profiles[i], key, key, NULL, &session);
        if (init_error == 0)
            session_destroy(session);
    }
}

static int init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_library);
    return init_error;
}

static void deinit(void)
{
    srtp_shutdown();
}

static int begin_thread(void)
{
    return 0;
}

const struct srtp_backend srtp_libsrtp2 = {
    .name = "libsrtp2",
    .init = init,
    .deinit = deinit,
    .begin_thread = begin_thread,
    .create = session_create,
    .attach = session_attach,
    .destroy = session_destroy,
    .retire = session_destroy,
    .unprotect = unprotect,
    .protect = protect,
    .keep = keep,
    .forget = forget,
};
