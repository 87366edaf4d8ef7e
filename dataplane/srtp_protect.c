#include <errno.h>
#include <string.h>

#include "dataplane/srtp_format.h"
#include "dataplane/srtp_index.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_rtcp_keys.h"
#include "dataplane/srtp_session.h"

#define BATCH 128u /* jobs that are at the provider together */

/* A job on its way: what is written behind the ciphertext once it is there. */
struct flight {
    struct srtp_protect_job *job;
    uint8_t *tag;
};

enum step { STEP_READY, STEP_REFUSED, STEP_WAIT };

/* Whether the lengths can be. */
static enum srtp_status check(const struct srtp_protect_job *job, size_t trailer)
{
    uint64_t plain_bytes = (uint64_t)job->head_bytes + job->tail_bytes;

    if (job->kind == SRTP_KIND_RTP) {
        if (srtp_rtp_header_bytes(job->out, job->head_bytes, 0) != job->clear_bytes || job->clear_bytes == 0)
            return SRTP_MALFORMED;
    } else if (job->head_bytes < SRTP_RTCP_HEADER_BYTES || job->clear_bytes != SRTP_RTCP_HEADER_BYTES) {
        return SRTP_MALFORMED;
    }
    uint64_t limit = job->out_capacity < SRTP_PACKET_MAX ? job->out_capacity : SRTP_PACKET_MAX;
    return plain_bytes + trailer <= limit ? SRTP_OK : SRTP_FAILED;
}

static enum srtp_status claim_rtp(const struct srtp_protect_job *job)
{
    const struct srtp_transport_state *state = job->session->state;
    uint16_t sequence = (uint16_t)(job->out[2] << 8 | job->out[3]);

    if (!job->stream || sequence != (uint16_t)job->index)
        return SRTP_MALFORMED;
    bool is_new = srtp_index_claim(job->stream, job->window, state->epoch, state->life, job->index);
    return is_new ? SRTP_OK : SRTP_FAILED;
}

/* The index is the packet's before a cipher sees it. */
static enum srtp_status claim(const struct srtp_protect_job *job, uint64_t *ret_index)
{
    struct srtp_transport_state *state = job->session->state;

    if (job->kind == SRTP_KIND_RTP) {
        *ret_index = job->index;
        return claim_rtp(job);
    }
    if (state->rtcp_next >= SRTP_RTCP_INDEX_END)
        return SRTP_FAILED;
    *ret_index = state->rtcp_next++;
    return SRTP_OK;
}

/* Behind the ciphertext stand: a word that is only authenticated, under the tag (the roll-over counter); for
 * SRTCP the E bit with the index, then the tag. */
static void prepare_cm(struct srtp_protect_job *job, uint64_t index, struct srtp_cipher_job *work,
                       struct flight *flight)
{
    const struct srtp_session_keys *keys = &job->session->state->send;
    bool is_rtcp = job->kind == SRTP_KIND_RTCP;
    uint32_t plain_bytes = job->head_bytes + job->tail_bytes;
    uint8_t *word = job->out + plain_bytes;

    srtp_iv_cm(is_rtcp ? keys->rtcp_salt : keys->rtp_salt, srtp_load_u32(job->out + (is_rtcp ? 4 : 8)), index,
               work->iv);
    srtp_store_u32(word, is_rtcp ? SRTP_RTCP_ENCRYPTED | (uint32_t)index : (uint32_t)(index >> 16));
    work->authenticated = job->out;
    work->authenticated_bytes = plain_bytes + SRTP_WORD_BYTES;
    flight->tag = is_rtcp ? word + SRTP_WORD_BYTES : word;
}

/* RFC 7714: the tag follows the ciphertext, and for SRTCP the word with E bit and index follows the tag. */
static void prepare_gcm(struct srtp_protect_job *job, uint64_t index, struct srtp_cipher_job *work,
                        struct flight *flight)
{
    const struct srtp_session_keys *keys = &job->session->state->send;

    flight->tag = job->out + job->head_bytes + job->tail_bytes;
    if (job->kind == SRTP_KIND_RTP) {
        srtp_iv_gcm(keys->rtp_salt, srtp_load_u32(job->out + 8), index, work->iv);
        work->authenticated = job->out;
        work->authenticated_bytes = job->clear_bytes;
        return;
    }
    uint8_t *word = flight->tag + SRTP_TAG_MAX;
    srtp_iv_gcm(keys->rtcp_salt, srtp_load_u32(job->out + 4), index, work->iv);
    srtp_store_u32(word, SRTP_RTCP_ENCRYPTED | (uint32_t)index);
    memcpy(work->additional, job->out, SRTP_RTCP_HEADER_BYTES);
    memcpy(work->additional + SRTP_RTCP_HEADER_BYTES, word, SRTP_WORD_BYTES);
    work->authenticated = work->additional;
    work->authenticated_bytes = SRTP_RTCP_HEADER_BYTES + SRTP_WORD_BYTES;
}

/* As srtp_rtcp_keys_find. */
static int find_key(struct srtp_protect_job *job, struct srtp_rtcp_keys *rtcp_keys,
                    struct srtp_cipher_key **ret_key)
{
    if (job->kind == SRTP_KIND_RTCP)
        return srtp_rtcp_keys_find(rtcp_keys, job->session, ret_key);
    struct srtp_cipher_key *key = srtp_session_rtp_key(job->session, SRTP_SEND);
    if (!key)
        return -ENOMEM;
    *ret_key = key;
    return 0;
}

static enum step prepare(struct srtp_protect_job *job, struct srtp_rtcp_keys *rtcp_keys,
                         struct srtp_cipher_job *work, struct flight *flight)
{
    struct srtp_session *session = job->session;
    size_t trailer = srtp_trailer_bytes(session->profile, job->kind);
    uint64_t index;

    job->status = check(job, trailer);
    if (job->status != SRTP_OK)
        return STEP_REFUSED;
    int error = find_key(job, rtcp_keys, &work->key);
    if (error == -ENOSPC)
        return STEP_WAIT;
    job->status = error == 0 ? claim(job, &index) : SRTP_FAILED;
    if (job->status != SRTP_OK)
        return STEP_REFUSED;
    job->length = job->head_bytes + job->tail_bytes + (uint32_t)trailer;
    flight->job = job;
    work->text = job->out + job->clear_bytes;
    work->head_bytes = job->head_bytes - job->clear_bytes;
    work->tail = job->tail;
    work->tail_bytes = job->tail_bytes;
    if (session->profile == SRTP_AES128_CM_SHA1_80)
        prepare_cm(job, index, work, flight);
    else
        prepare_gcm(job, index, work, flight);
    return STEP_READY;
}

/* Returns how many are done: at least one. */
static size_t protect_batch(struct srtp_protect_job *jobs, size_t count)
{
    struct srtp_cipher_job works[BATCH];
    struct flight flights[BATCH];
    struct srtp_rtcp_keys rtcp_keys;
    size_t prepared = 0, done = 0;

    srtp_rtcp_keys_init(&rtcp_keys, SRTP_SEND);
    for (; done < count; done++) {
        enum step step = prepare(&jobs[done], &rtcp_keys, &works[prepared], &flights[prepared]);
        if (step == STEP_WAIT)
            break;
        prepared += step == STEP_READY;
    }
    if (prepared > 0)
        flights[0].job->session->provider->seal(works, prepared);
    for (size_t i = 0; i < prepared; i++) {
        struct srtp_protect_job *job = flights[i].job;
        if (works[i].is_done)
            memcpy(flights[i].tag, works[i].tag, srtp_tag_bytes(job->session->profile));
        else
            job->status = SRTP_FAILED;
    }
    srtp_rtcp_keys_deinit(&rtcp_keys);
    return done;
}

void srtp_native_protect(struct srtp_protect_job *jobs, size_t count)
{
    for (size_t done = 0; done < count;)
        done += protect_batch(jobs + done, count - done < BATCH ? count - done : BATCH);
}
