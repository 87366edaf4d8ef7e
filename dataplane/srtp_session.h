/* A session of the native SRTP layer: the expanded keys of a transport, and which SSRC has which receive
 * stream. All of it is made from the plain state, and private to the process. */
#pragma once

#include "dataplane/srtp_provider.h"
#include "dataplane/srtp_receive_pool.h"

#define SRTP_STREAMS_MAX (SRTP_RESIDENTS_MAX + SRTP_GUESTS_MAX)

struct srtp_session {
    enum srtp_profile profile;
    struct srtp_transport_state *state;
    struct srtp_receive_pool *pool;
    const struct srtp_provider *provider;
    struct srtp_cipher_key *send[2]; /* by enum srtp_kind */
    struct srtp_cipher_key *receive[2];

    /* In the order in which they came: the first guest is the one that makes room. */
    uint32_t stream_count;
    uint32_t guest_count;
    uint32_t ssrcs[SRTP_STREAMS_MAX];
    struct srtp_receive_stream *streams[SRTP_STREAMS_MAX];
};

/* As the verbs of struct srtp_backend. */
int srtp_session_create(const struct srtp_provider *provider, enum srtp_profile profile,
                        const uint8_t *receive_key, const uint8_t *send_key, const struct srtp_place *place,
                        struct srtp_session **ret_session);
int srtp_session_attach(const struct srtp_provider *provider, const struct srtp_place *place,
                        struct srtp_session **ret_session);
void srtp_session_destroy(struct srtp_session *session);
void srtp_session_retire(struct srtp_session *session);
void srtp_session_keep(struct srtp_session *session, uint32_t ssrc);
void srtp_session_forget(struct srtp_session *session, uint32_t ssrc);

/* NULL for an SSRC that was not heard from, or makes room no more. */
static inline struct srtp_receive_stream *srtp_session_find(const struct srtp_session *session, uint32_t ssrc)
{
    for (uint32_t i = 0; i < session->stream_count; i++) {
        if (session->ssrcs[i] == ssrc)
            return session->streams[i];
    }
    return NULL;
}

/* A new guest. The oldest one makes room for it when there are too many, or the pool is empty; so what find
 * returned before may be gone. NULL when there is no room at all. */
struct srtp_receive_stream *srtp_session_welcome(struct srtp_session *session, uint32_t ssrc);
