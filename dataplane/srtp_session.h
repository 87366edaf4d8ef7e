/* A session of the native SRTP layer: the expanded keys of a transport, and which SSRC has which receive
 * stream. All of it is made from the plain state, and private to the process.
 *
 * A key of RTP is expanded when the first packet of its direction comes: of one who only receives, or only
 * sends, there is never the other. Those of SRTCP are not kept at all (srtp_rtcp_keys.h). */
#pragma once

#include "dataplane/srtp_memory.h"
#include "dataplane/srtp_provider.h"
#include "dataplane/srtp_receive_pool.h"

#define SRTP_STREAMS_MAX (SRTP_RESIDENTS_MAX + SRTP_GUESTS_MAX)
#define SRTP_STREAMS_FEW SRTP_GUESTS_MAX /* all that one who only receives media can have */

enum srtp_direction { SRTP_RECEIVE, SRTP_SEND };

/* Room for all that a session can have. */
struct srtp_streams {
    struct srtp_receive_stream *streams[SRTP_STREAMS_MAX];
    uint32_t ssrcs[SRTP_STREAMS_MAX];
};

struct srtp_session {
    struct srtp_cipher_key *keys[2]; /* of RTP, by enum srtp_direction; NULL before there was any */
    struct srtp_transport_state *state;
    const struct srtp_provider *provider;
    struct srtp_receive_pool *pool;
    struct srtp_memory *memory;
    enum srtp_profile profile;

    /* In the order in which they came: the first guest is the one that makes room. */
    uint32_t stream_count;
    uint32_t guest_count;
    uint32_t stream_room; /* places at ssrcs and streams: those below, or struct srtp_streams */
    uint32_t *ssrcs;
    struct srtp_receive_stream **streams;
    struct srtp_receive_stream *few_streams[SRTP_STREAMS_FEW];
    uint32_t few_ssrcs[SRTP_STREAMS_FEW];
};
_Static_assert(sizeof(struct srtp_session) <= 192, "there is one for each transport");

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

static inline const struct srtp_session_keys *srtp_session_raw_keys(const struct srtp_session *session,
                                                                    enum srtp_direction direction)
{
    return direction == SRTP_SEND ? &session->state->send : &session->state->receive;
}

/* NULL when it cannot be expanded: SRTP_FAILED. */
struct srtp_cipher_key *srtp_session_expand(struct srtp_session *session, enum srtp_direction direction);

static inline struct srtp_cipher_key *srtp_session_rtp_key(struct srtp_session *session,
                                                           enum srtp_direction direction)
{
    struct srtp_cipher_key *key = session->keys[direction];
    return key ? key : srtp_session_expand(session, direction);
}

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
