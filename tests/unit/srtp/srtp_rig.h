/* Peers for the tests of SRTP: a session of any backend with the plain state that it stands on, packets, and
 * libsrtp2 to compare with. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/srtp_memory.h"
#include "dataplane/srtp_native.h"
#include "dataplane/srtp_provider.h"
#include "dataplane/srtp_receive_pool.h"

#define PEER_STREAMS 200u
#define PEER_OWNER 0x100000007ull
#define PACKET_BYTES 2048u

struct prng {
    uint64_t state; /* not 0 */
};

static inline uint32_t prng_next(struct prng *prng)
{
    prng->state ^= prng->state >> 12;
    prng->state ^= prng->state << 25;
    prng->state ^= prng->state >> 27;
    return (uint32_t)((prng->state * 0x2545f4914f6cdd1dull) >> 32);
}

static inline uint32_t prng_below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)((uint64_t)prng_next(prng) * limit >> 32);
}

static inline void prng_fill(struct prng *prng, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)prng_next(prng);
}

static const enum srtp_profile all_profiles[] = {SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM,
                                                 SRTP_AES128_CM_SHA1_80};

/* The plain state, as it stands in shared memory: copying it is what a kill leaves behind. */
struct peer_memory {
    struct srtp_transport_state state;
    struct srtp_receive_head head;
    struct srtp_send_stream send[4];
    struct srtp_hole_window sent[4];
    struct srtp_receive_stream streams[PEER_STREAMS];
};

struct peer {
    const struct srtp_backend *backend;
    struct peer_memory memory;
    struct srtp_receive_pool *pool;
    struct srtp_memory *keys;
    struct srtp_session *session;
};

/* The native backends that run here; NULL ends them. */
static inline const struct srtp_backend *const *native_backends(void)
{
    static const struct srtp_backend *backends[3];
    size_t count = 0;

#if KM_WITH_IPSEC_MB
    if (srtp_native_ipsec_mb.init() == 0)
        backends[count++] = &srtp_native_ipsec_mb;
#endif
    backends[count++] = &srtp_native_openssl;
    backends[count] = NULL;
    return backends;
}

static inline void fill_key(uint8_t key[SRTP_KEY_MAX], uint8_t seed)
{
    for (unsigned i = 0; i < SRTP_KEY_MAX; i++)
        key[i] = (uint8_t)(seed + 7 * i);
}

static inline struct srtp_place peer_place(struct peer *peer)
{
    return (struct srtp_place){
        .state = &peer->memory.state, .pool = peer->pool, .memory = peer->keys, .owner = PEER_OWNER};
}

/* Peers with each other's seeds understand each other. */
static inline void peer_init(struct peer *peer, const struct srtp_backend *backend, enum srtp_profile profile,
                             uint8_t receive_seed, uint8_t send_seed)
{
    uint8_t receive_key[SRTP_KEY_MAX], send_key[SRTP_KEY_MAX];
    memset(peer, 0, sizeof(*peer));
    fill_key(receive_key, receive_seed);
    fill_key(send_key, send_seed);
    peer->backend = backend;
    assert_int_equal(backend->init(), 0);
    assert_int_equal(
        srtp_receive_pool_create(&peer->memory.head, peer->memory.streams, PEER_STREAMS, &peer->pool), 0);
    assert_int_equal(srtp_memory_create(1, &peer->keys), 0);
    struct srtp_place place = peer_place(peer);
    assert_int_equal(backend->create(profile, receive_key, send_key, &place, &peer->session), 0);
}

static inline void peer_deinit(struct peer *peer)
{
    peer->backend->destroy(peer->session);
    srtp_receive_pool_destroy(peer->pool);
    srtp_memory_destroy(peer->keys);
}

/* Another process takes up what memory says. */
static inline void peer_adopt(struct peer *peer, const struct srtp_backend *backend,
                              const struct peer_memory *memory)
{
    memset(peer, 0, sizeof(*peer));
    peer->backend = backend;
    peer->memory = *memory;
    assert_int_equal(
        srtp_receive_pool_create(&peer->memory.head, peer->memory.streams, PEER_STREAMS, &peer->pool), 0);
    assert_int_equal(srtp_memory_create(1, &peer->keys), 0);
    struct srtp_place place = peer_place(peer);
    assert_int_equal(backend->attach(&place, &peer->session), 0);
    srtp_receive_pool_sweep(peer->pool);
}

struct packet {
    uint32_t length;
    uint8_t data[PACKET_BYTES];
};

/* An RTP packet of the shortest header. */
static inline void packet_write(struct packet *packet, uint32_t ssrc, uint64_t index, uint32_t payload_bytes)
{
    packet->length = 12 + payload_bytes;
    memset(packet->data, 0, 12);
    packet->data[0] = 0x80;
    packet->data[1] = 96;
    packet->data[2] = (uint8_t)(index >> 8);
    packet->data[3] = (uint8_t)index;
    for (int i = 0; i < 4; i++)
        packet->data[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    for (uint32_t i = 0; i < payload_bytes; i++)
        packet->data[12 + i] = (uint8_t)(index + i);
}

/* An RTCP packet of no particular meaning; bytes is 8 or more. */
static inline void packet_write_rtcp(struct packet *packet, uint32_t ssrc, uint32_t bytes)
{
    packet->length = bytes;
    memset(packet->data, 0x5a, bytes);
    packet->data[0] = 0x80;
    packet->data[1] = 201;
    packet->data[2] = 0;
    packet->data[3] = (uint8_t)(bytes / 4 - 1);
    for (int i = 0; i < 4; i++)
        packet->data[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
}

/* A job for a packet that stands in one piece. */
static inline struct srtp_protect_job protect_job(struct peer *peer, struct packet *packet, unsigned stream,
                                                  uint64_t index)
{
    size_t header = srtp_rtp_header_bytes(packet->data, packet->length, 0);
    return (struct srtp_protect_job){
        .session = peer->session,
        .stream = &peer->memory.send[stream],
        .window = &peer->memory.sent[stream],
        .index = index,
        .out = packet->data,
        .out_capacity = sizeof(packet->data),
        .head_bytes = packet->length,
        .clear_bytes = (uint32_t)header,
        .kind = SRTP_KIND_RTP,
    };
}

static inline enum srtp_status protect(struct peer *peer, struct packet *packet, unsigned stream,
                                       uint64_t index)
{
    struct srtp_protect_job job = protect_job(peer, packet, stream, index);
    peer->backend->protect(&job, 1);
    if (job.status == SRTP_OK)
        packet->length = job.length;
    return job.status;
}

static inline enum srtp_status protect_rtcp(struct peer *peer, struct packet *packet)
{
    struct srtp_protect_job job = {
        .session = peer->session,
        .out = packet->data,
        .out_capacity = sizeof(packet->data),
        .head_bytes = packet->length,
        .clear_bytes = 8,
        .kind = SRTP_KIND_RTCP,
    };
    peer->backend->protect(&job, 1);
    if (job.status == SRTP_OK)
        packet->length = job.length;
    return job.status;
}

/* Works on a copy, so that a packet can be received more than once. */
static inline enum srtp_status unprotect(struct peer *peer, const struct packet *packet, enum srtp_kind kind,
                                         struct packet *ret_plain)
{
    struct packet copy = *packet;
    struct srtp_unprotect_job job = {
        .session = peer->session, .data = copy.data, .length = copy.length, .kind = kind};
    peer->backend->unprotect(&job, 1);
    copy.length = job.length;
    if (ret_plain)
        *ret_plain = copy;
    return job.status;
}
