#include "dataplane/srtp_session.h"

#include <errno.h>
#include <string.h>

#include "dataplane/srtp_kdf.h"

static bool grow(struct srtp_session *session)
{
    struct srtp_streams *all = session->stream_room == SRTP_STREAMS_FEW
                                   ? srtp_memory_take(session->memory, SRTP_MEMORY_STREAMS)
                                   : NULL;

    if (!all)
        return false;
    memcpy(all->ssrcs, session->ssrcs, session->stream_count * sizeof(*session->ssrcs));
    memcpy(all->streams, session->streams, session->stream_count * sizeof(*session->streams));
    session->ssrcs = all->ssrcs;
    session->streams = all->streams;
    session->stream_room = SRTP_STREAMS_MAX;
    return true;
}

static bool add(struct srtp_session *session, struct srtp_receive_stream *stream)
{
    if (session->stream_count == session->stream_room && !grow(session))
        return false;
    session->ssrcs[session->stream_count] = stream->ssrc;
    session->streams[session->stream_count++] = stream;
    session->guest_count += stream->class == SRTP_RECEIVE_GUEST;
    return true;
}

static void remove_at(struct srtp_session *session, uint32_t at)
{
    struct srtp_receive_stream *stream = session->streams[at];

    session->guest_count -= stream->class == SRTP_RECEIVE_GUEST;
    session->stream_count--;
    for (uint32_t i = at; i < session->stream_count; i++) {
        session->ssrcs[i] = session->ssrcs[i + 1];
        session->streams[i] = session->streams[i + 1];
    }
}

static bool evict_guest(struct srtp_session *session)
{
    for (uint32_t i = 0; i < session->stream_count; i++) {
        struct srtp_receive_stream *stream = session->streams[i];
        if (stream->class == SRTP_RECEIVE_GUEST) {
            remove_at(session, i);
            srtp_receive_pool_give(session->pool, stream);
            return true;
        }
    }
    return false;
}

struct srtp_receive_stream *srtp_session_welcome(struct srtp_session *session, uint32_t ssrc)
{
    uint64_t owner = session->state->owner;

    while (session->guest_count >= SRTP_GUESTS_MAX && evict_guest(session)) {
    }
    struct srtp_receive_stream *stream = srtp_receive_pool_take(session->pool, owner, ssrc);
    if (!stream && evict_guest(session))
        stream = srtp_receive_pool_take(session->pool, owner, ssrc);
    if (stream && !add(session, stream)) {
        srtp_receive_pool_give(session->pool, stream);
        return NULL;
    }
    return stream;
}

/* Its place among the others follows, so that who was kept or forgotten last makes room last. */
static void change_class(struct srtp_session *session, uint32_t ssrc, enum srtp_receive_class class)
{
    for (uint32_t i = 0; i < session->stream_count; i++) {
        struct srtp_receive_stream *stream = session->streams[i];
        if (session->ssrcs[i] == ssrc && stream->class != class) {
            remove_at(session, i);
            stream->class = (uint8_t) class;
            (void)add(session, stream); /* in the place that has just become free */
            return;
        }
    }
}

void srtp_session_keep(struct srtp_session *session, uint32_t ssrc)
{
    if (session->stream_count - session->guest_count < SRTP_RESIDENTS_MAX)
        change_class(session, ssrc, SRTP_RECEIVE_RESIDENT);
}

void srtp_session_forget(struct srtp_session *session, uint32_t ssrc)
{
    change_class(session, ssrc, SRTP_RECEIVE_GUEST);
    while (session->guest_count > SRTP_GUESTS_MAX && evict_guest(session)) {
    }
}

struct srtp_cipher_key *srtp_session_expand(struct srtp_session *session, enum srtp_direction direction)
{
    const struct srtp_session_keys *raw = srtp_session_raw_keys(session, direction);
    struct srtp_cipher_key *key = srtp_memory_take(session->memory, SRTP_MEMORY_KEY);

    if (key && session->provider->key_init(session->profile, raw->rtp_key, raw->rtp_auth, key) != 0) {
        srtp_memory_give(session->memory, SRTP_MEMORY_KEY, key);
        key = NULL;
    }
    session->keys[direction] = key;
    return key;
}

/* A session for what stands in place, with no keys and no receive streams yet. */
static int open_place(const struct srtp_provider *provider, const struct srtp_place *place,
                      struct srtp_session **ret_session)
{
    struct srtp_session *session = srtp_memory_take(place->memory, SRTP_MEMORY_SESSION);

    if (!session)
        return -ENOMEM;
    session->provider = provider;
    session->profile = (enum srtp_profile)place->state->profile;
    session->state = place->state;
    session->pool = place->pool;
    session->memory = place->memory;
    session->ssrcs = session->few_ssrcs;
    session->streams = session->few_streams;
    session->stream_room = SRTP_STREAMS_FEW;
    *ret_session = session;
    return 0;
}

/* The profile is away while the rest is written: keys, epoch and indices of which only a part is new would
 * let an index be used twice. */
static void install(const struct srtp_place *place, enum srtp_profile profile,
                    const struct srtp_session_keys *receive, const struct srtp_session_keys *send)
{
    struct srtp_transport_state *state = place->state;

    state->profile = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    state->owner = place->owner;
    state->receive = *receive;
    state->send = *send;
    state->rtcp_next = 0;
    state->epoch++;
    state->life++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    state->profile = (uint32_t)profile;
}

static void wipe(struct srtp_transport_state *state)
{
    state->profile = 0;
    explicit_bzero(&state->receive, sizeof(state->receive));
    explicit_bzero(&state->send, sizeof(state->send));
}

int srtp_session_create(const struct srtp_provider *provider, enum srtp_profile profile,
                        const uint8_t *receive_key, const uint8_t *send_key, const struct srtp_place *place,
                        struct srtp_session **ret_session)
{
    struct srtp_session_keys receive, send;

    if (srtp_key_bytes(profile) == 0 || !place || place->owner == 0)
        return -EINVAL;
    int error = srtp_kdf_derive(profile, receive_key, &receive);
    if (error != 0)
        return error;
    error = srtp_kdf_derive(profile, send_key, &send);
    if (error == 0) {
        install(place, profile, &receive, &send);
        error = open_place(provider, place, ret_session);
        if (error != 0)
            wipe(place->state);
    }
    explicit_bzero(&receive, sizeof(receive));
    explicit_bzero(&send, sizeof(send));
    return error;
}

int srtp_session_attach(const struct srtp_provider *provider, const struct srtp_place *place,
                        struct srtp_session **ret_session)
{
    struct srtp_transport_state *state = place->state;
    struct srtp_receive_stream *stream;

    if (srtp_key_bytes((enum srtp_profile)state->profile) == 0 || state->owner != place->owner)
        return -ENOKEY;
    int error = open_place(provider, place, ret_session);
    if (error != 0)
        return error;
    state->life++;
    while ((stream = srtp_receive_pool_claim(place->pool, place->owner)) != NULL) {
        if (!add(*ret_session, stream))
            srtp_receive_pool_give(place->pool, stream);
    }
    return 0;
}

void srtp_session_destroy(struct srtp_session *session)
{
    if (!session)
        return;
    struct srtp_memory *memory = session->memory;
    for (unsigned i = 0; i < 2; i++) {
        if (session->keys[i])
            session->provider->key_deinit(session->keys[i]);
        srtp_memory_give(memory, SRTP_MEMORY_KEY, session->keys[i]);
    }
    if (session->stream_room != SRTP_STREAMS_FEW)
        srtp_memory_give(memory, SRTP_MEMORY_STREAMS, session->streams);
    srtp_memory_give(memory, SRTP_MEMORY_SESSION, session);
}

void srtp_session_retire(struct srtp_session *session)
{
    if (!session)
        return;
    for (uint32_t i = 0; i < session->stream_count; i++)
        srtp_receive_pool_give(session->pool, session->streams[i]);
    wipe(session->state);
    srtp_session_destroy(session);
}
