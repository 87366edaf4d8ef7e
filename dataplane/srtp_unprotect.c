#include <errno.h>
#include <string.h>

#include "dataplane/srtp_format.h"
#include "dataplane/srtp_index.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_replay.h"
#include "dataplane/srtp_rtcp_keys.h"
#include "dataplane/srtp_session.h"

#define BATCH 64u

/* A job on its way. */
struct flight {
    struct srtp_unprotect_job *job;
    uint64_t index;
    uint32_t ssrc;
    uint32_t length; /* when it is authentic */
    bool is_late;    /* older than the window, unless a whole turn of sequence numbers was lost */
};

/* What is at work together: the jobs, and which of them are the first of their SSRC. */
struct round {
    size_t count;
    size_t first_count;
    struct flight flights[BATCH];
    struct srtp_cipher_job works[BATCH];
    const struct flight *firsts[BATCH];
    struct srtp_rtcp_keys rtcp_keys;
};

enum step { STEP_READY, STEP_REFUSED, STEP_WAIT };

static bool rtp_was_seen(const struct srtp_receive_stream *stream, uint64_t index)
{
    if (!stream || !(stream->flags & SRTP_RECEIVE_HAS_RTP) || index > stream->highest)
        return false;
    return stream->highest - index >= SRTP_STATE_REPLAY_PACKETS ||
           srtp_replay_is_set(stream->seen, SRTP_STATE_REPLAY_PACKETS, index);
}

static bool rtcp_was_seen(const struct srtp_receive_stream *stream, uint32_t index)
{
    if (!stream || !(stream->flags & SRTP_RECEIVE_HAS_RTCP) || index > stream->rtcp_highest)
        return false;
    return stream->rtcp_highest - index >= SRTP_STATE_RTCP_REPLAY_PACKETS ||
           srtp_replay_is_set(stream->rtcp_seen, SRTP_STATE_RTCP_REPLAY_PACKETS, index);
}

/* The highest index comes before the bits: a kill in between costs late packets, and lets no index pass twice
 * that anything was done about. */
static void rtp_note(struct srtp_receive_stream *stream, uint64_t index)
{
    if (!(stream->flags & SRTP_RECEIVE_HAS_RTP)) {
        stream->highest = index;
        stream->flags |= SRTP_RECEIVE_HAS_RTP;
    } else if (index > stream->highest) {
        uint64_t before = stream->highest;
        stream->highest = index;
        __atomic_signal_fence(__ATOMIC_RELEASE);
        srtp_replay_advance(stream->seen, SRTP_STATE_REPLAY_PACKETS, before, index);
    }
    srtp_replay_set(stream->seen, SRTP_STATE_REPLAY_PACKETS, index);
}

static void rtcp_note(struct srtp_receive_stream *stream, uint32_t index)
{
    if (!(stream->flags & SRTP_RECEIVE_HAS_RTCP)) {
        stream->rtcp_highest = index;
        stream->flags |= SRTP_RECEIVE_HAS_RTCP;
    } else if (index > stream->rtcp_highest) {
        uint32_t before = stream->rtcp_highest;
        stream->rtcp_highest = index;
        __atomic_signal_fence(__ATOMIC_RELEASE);
        srtp_replay_advance(stream->rtcp_seen, SRTP_STATE_RTCP_REPLAY_PACKETS, before, index);
    }
    srtp_replay_set(stream->rtcp_seen, SRTP_STATE_RTCP_REPLAY_PACKETS, index);
}

/* The first packet of an SSRC says how those behind it are to be counted. */
static bool has_first(struct round *round, const struct flight *flight)
{
    for (size_t i = 0; i < round->first_count; i++) {
        if (round->firsts[i]->ssrc == flight->ssrc && round->firsts[i]->job->session == flight->job->session)
            return true;
    }
    round->firsts[round->first_count++] = flight;
    return false;
}

static enum step prepare_rtp(struct round *round, struct flight *flight, struct srtp_cipher_job *work)
{
    struct srtp_unprotect_job *job = flight->job;
    struct srtp_session *session = job->session;
    const struct srtp_session_keys *keys = &session->state->receive;
    uint32_t tag_bytes = srtp_tag_bytes(session->profile);
    size_t header = srtp_rtp_header_bytes(job->data, job->length, tag_bytes);

    if (header == 0) {
        job->status = SRTP_MALFORMED;
        return STEP_REFUSED;
    }
    work->key = srtp_session_rtp_key(session, SRTP_RECEIVE);
    if (!work->key) {
        job->status = SRTP_FAILED;
        return STEP_REFUSED;
    }
    flight->ssrc = srtp_load_u32(job->data + 8);
    flight->length = job->length - tag_bytes;
    flight->is_late = false;
    flight->index = (uint64_t)job->data[2] << 8 | job->data[3];
    const struct srtp_receive_stream *stream = srtp_session_find(session, flight->ssrc);
    if (stream && stream->flags & SRTP_RECEIVE_HAS_RTP) {
        flight->index = srtp_index_estimate(stream->highest, (uint16_t)flight->index);
        if (rtp_was_seen(stream, flight->index)) {
            flight->is_late = stream->highest - flight->index >= SRTP_STATE_REPLAY_PACKETS;
            if (!flight->is_late) {
                job->status = SRTP_REPLAYED;
                return STEP_REFUSED;
            }
            flight->index += 0x10000;
        }
        if (flight->index >= SRTP_INDEX_END) {
            job->status = SRTP_FAILED;
            return STEP_REFUSED;
        }
    } else if (has_first(round, flight)) {
        return STEP_WAIT;
    }

    uint8_t *tag = job->data + flight->length;
    memcpy(work->tag, tag, tag_bytes);
    work->text = job->data + header;
    work->head_bytes = flight->length - (uint32_t)header;
    work->authenticated = job->data;
    if (session->profile == SRTP_AES128_CM_SHA1_80) {
        srtp_store_u32(tag, (uint32_t)(flight->index >> 16));
        work->authenticated_bytes = flight->length + SRTP_WORD_BYTES;
        srtp_iv_cm(keys->rtp_salt, flight->ssrc, flight->index, work->iv);
    } else {
        work->authenticated_bytes = (uint32_t)header;
        srtp_iv_gcm(keys->rtp_salt, flight->ssrc, flight->index, work->iv);
    }
    return STEP_READY;
}

static enum step prepare_rtcp(struct round *round, struct flight *flight, struct srtp_cipher_job *work)
{
    struct srtp_unprotect_job *job = flight->job;
    struct srtp_session *session = job->session;
    const struct srtp_session_keys *keys = &session->state->receive;
    bool is_cm = session->profile == SRTP_AES128_CM_SHA1_80;
    uint32_t tag_bytes = srtp_tag_bytes(session->profile);

    job->status = SRTP_MALFORMED;
    if (job->length < SRTP_RTCP_HEADER_BYTES + SRTP_WORD_BYTES + tag_bytes || job->data[0] >> 6 != 2)
        return STEP_REFUSED;
    flight->length = job->length - SRTP_WORD_BYTES - tag_bytes;
    uint8_t *word = job->data + flight->length + (is_cm ? 0 : tag_bytes);
    if (!(srtp_load_u32(word) & SRTP_RTCP_ENCRYPTED))
        return STEP_REFUSED; /* no peer of ours sends it in the clear */
    flight->index = srtp_load_u32(word) & ~SRTP_RTCP_ENCRYPTED;
    flight->ssrc = srtp_load_u32(job->data + 4);
    flight->is_late = false;
    if (rtcp_was_seen(srtp_session_find(session, flight->ssrc), (uint32_t)flight->index)) {
        job->status = SRTP_REPLAYED;
        return STEP_REFUSED;
    }
    int error = srtp_rtcp_keys_find(&round->rtcp_keys, session, &work->key);
    if (error != 0) {
        job->status = SRTP_FAILED;
        return error == -ENOSPC ? STEP_WAIT : STEP_REFUSED;
    }

    memcpy(work->tag, is_cm ? word + SRTP_WORD_BYTES : job->data + flight->length, tag_bytes);
    work->text = job->data + SRTP_RTCP_HEADER_BYTES;
    work->head_bytes = flight->length - SRTP_RTCP_HEADER_BYTES;
    if (is_cm) {
        work->authenticated = job->data;
        work->authenticated_bytes = flight->length + SRTP_WORD_BYTES;
        srtp_iv_cm(keys->rtcp_salt, flight->ssrc, flight->index, work->iv);
    } else {
        memcpy(work->additional, job->data, SRTP_RTCP_HEADER_BYTES);
        memcpy(work->additional + SRTP_RTCP_HEADER_BYTES, word, SRTP_WORD_BYTES);
        work->authenticated = work->additional;
        work->authenticated_bytes = SRTP_RTCP_HEADER_BYTES + SRTP_WORD_BYTES;
        srtp_iv_gcm(keys->rtcp_salt, flight->ssrc, flight->index, work->iv);
    }
    return STEP_READY;
}

static enum step prepare(struct round *round, struct srtp_unprotect_job *job)
{
    struct flight *flight = &round->flights[round->count];
    struct srtp_cipher_job *work = &round->works[round->count];

    flight->job = job;
    work->tail = NULL;
    work->tail_bytes = 0;
    if (job->length > SRTP_PACKET_MAX) {
        job->status = SRTP_MALFORMED;
        return STEP_REFUSED;
    }
    return job->kind == SRTP_KIND_RTP ? prepare_rtp(round, flight, work) : prepare_rtcp(round, flight, work);
}

/* An authentic packet: now, and not before, it is known. Its twin may have come in the same batch, so the
 * window is asked once more. */
static enum srtp_status note(const struct flight *flight)
{
    struct srtp_session *session = flight->job->session;
    struct srtp_receive_stream *stream = srtp_session_find(session, flight->ssrc);
    bool is_rtcp = flight->job->kind == SRTP_KIND_RTCP;

    if (is_rtcp ? rtcp_was_seen(stream, (uint32_t)flight->index) : rtp_was_seen(stream, flight->index))
        return SRTP_REPLAYED;
    if (!stream)
        stream = srtp_session_welcome(session, flight->ssrc);
    if (!stream)
        return SRTP_FAILED;
    if (is_rtcp)
        rtcp_note(stream, (uint32_t)flight->index);
    else
        rtp_note(stream, flight->index);
    return SRTP_OK;
}

static void finish(const struct flight *flight, const struct srtp_cipher_job *work)
{
    struct srtp_unprotect_job *job = flight->job;

    if (!work->is_done) {
        job->status = flight->is_late ? SRTP_REPLAYED : SRTP_FORGED;
        return;
    }
    job->status = note(flight);
    if (job->status == SRTP_OK)
        job->length = flight->length;
}

/* Those that wait for the first packet of their SSRC, or for a key of RTCP, have another round. */
static void unprotect_batch(struct srtp_unprotect_job *jobs, size_t count)
{
    struct round round;
    struct srtp_unprotect_job *waiting[BATCH];

    for (size_t i = 0; i < count; i++)
        waiting[i] = &jobs[i];
    srtp_rtcp_keys_init(&round.rtcp_keys, SRTP_RECEIVE);
    while (count > 0) {
        size_t left = 0;
        round.count = round.first_count = 0;
        for (size_t i = 0; i < count; i++) {
            enum step step = prepare(&round, waiting[i]);
            if (step == STEP_READY)
                round.count++;
            else if (step == STEP_WAIT)
                waiting[left++] = waiting[i];
        }
        if (round.count > 0)
            round.flights[0].job->session->provider->open(round.works, round.count);
        for (size_t i = 0; i < round.count; i++)
            finish(&round.flights[i], &round.works[i]);
        srtp_rtcp_keys_deinit(&round.rtcp_keys);
        count = left;
    }
}

void srtp_native_unprotect(struct srtp_unprotect_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i += BATCH)
        unprotect_batch(jobs + i, count - i < BATCH ? count - i : BATCH);
}
