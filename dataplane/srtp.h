/* SRTP and SRTCP (RFC 3711, RFC 7714) of one transport, in batches, behind one table of verbs.
 *
 * A worker hands over all the packets of a round at once, so that a backend can run many ciphers side by
 * side. The caller has checked nothing: a backend checks every length before a cipher sees a byte, and a
 * packet changes no state unless it is authentic.
 *
 * Protecting is made for fan-out: `out` already holds the head of the packet, the header and what was
 * rewritten of the payload; the untouched rest of the payload may stand elsewhere and is read there, once, by
 * the cipher.
 *
 * A session is private to the process. What must outlive it stands in the plain state that it was created
 * over (shm/srtp_state.h): destroy leaves that alone, and another process attaches to it. A session and what
 * it stands on are used by one thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/srtp_state.h"

#define SRTP_KEY_MAX 44u     /* master key and salt of AEAD_AES_256_GCM */
#define SRTP_TRAILER_MAX 20u /* tag and SRTCP index of any profile */
#define SRTP_REPLAY_WINDOW SRTP_STATE_REPLAY_PACKETS
#define SRTP_PACKET_MAX 65507u            /* of any packet, trailer included */
#define SRTP_RESIDENTS_MAX 136u           /* SSRCs that a session keeps at most */
#define SRTP_GUESTS_MAX SRTP_STATE_GUESTS /* and SSRCs of no stream beside them */

/* The numbers of km.SrtpProfile. */
enum srtp_profile {
    SRTP_AEAD_AES_128_GCM = 1,
    SRTP_AEAD_AES_256_GCM = 2,
    SRTP_AES128_CM_SHA1_80 = 3,
};

enum srtp_kind { SRTP_KIND_RTP, SRTP_KIND_RTCP };

enum srtp_status {
    SRTP_OK,
    SRTP_MALFORMED, /* lengths that cannot be */
    SRTP_FORGED,    /* not authentic */
    SRTP_REPLAYED,  /* seen before, or older than the window */
    SRTP_FAILED,    /* no memory, key worn out, index used before, no room for the trailer */
};

struct srtp_session;
struct srtp_receive_pool; /* srtp_receive_pool.h */
struct srtp_memory;       /* srtp_memory.h */

/* What a session stands on. The backend libsrtp2 looks at none of it. */
struct srtp_place {
    struct srtp_transport_state *state;
    struct srtp_receive_pool *pool; /* of the thread that uses the session, like the next */
    struct srtp_memory *memory;
    uint64_t owner; /* names the transport in the pool; not 0 */
};

/* A packet from the network, decrypted where it stands. Its bytes mean nothing unless it is SRTP_OK. */
struct srtp_unprotect_job {
    struct srtp_session *session;
    uint8_t *data;
    uint32_t length; /* in: with the trailer; out: without */
    enum srtp_kind kind;
    enum srtp_status status; /* out */
};

/* A packet to be sent. RTP: out holds head_bytes, of which clear_bytes are the header with its extensions;
 * the payload goes on in tail. RTCP: all stands in out, clear_bytes is 8, tail is NULL.
 *
 * RTP also says its packet index (RFC 3711 section 3.3.1), whose low 16 bits are the sequence number, and
 * where the indices of its SSRC are counted. One that was used before, or is 512 or more below the highest,
 * or not the highest without a window, is SRTP_FAILED. */
struct srtp_protect_job {
    struct srtp_session *session;
    struct srtp_send_stream *stream;
    struct srtp_hole_window *window; /* NULL: its indices only rise */
    uint64_t index;
    uint8_t *out;
    uint32_t out_capacity;
    uint32_t head_bytes;
    uint32_t clear_bytes;
    const uint8_t *tail;
    uint32_t tail_bytes;
    enum srtp_kind kind;
    enum srtp_status status; /* out */
    uint32_t length;         /* out: of the whole protected packet */
};

struct srtp_backend {
    const char *name;

    /* Once a process, before any thread: loads and warms up what is slow the first time. */
    int (*init)(void);
    void (*deinit)(void);
    /* Once in each thread that will use sessions: what it needs of its own, so that nothing is allocated
     * while calls run. Without, or after -ENOMEM, that is tried with the first packet. */
    int (*begin_thread)(void);

    /* New keys, each of srtp_key_bytes(profile): indices and roll-over counters begin anew. The keys are
     * copied. No other session stands on place. -EINVAL, -ENOMEM. */
    int (*create)(enum srtp_profile profile, const uint8_t *receive_key, const uint8_t *send_key,
                  const struct srtp_place *place, struct srtp_session **ret_session);
    /* Goes on with the state that another process left in place; pool was created since. -ENOKEY when there
     * is none, -ENOTSUP with a backend whose state does not survive. */
    int (*attach)(const struct srtp_place *place, struct srtp_session **ret_session);

    /* Frees and wipes what is private. The plain state stays; see also retire. */
    void (*destroy)(struct srtp_session *session);
    /* Destroys the session, wipes its plain state and gives its receive streams back. */
    void (*retire)(struct srtp_session *session);

    void (*unprotect)(struct srtp_unprotect_job *jobs, size_t count);
    void (*protect)(struct srtp_protect_job *jobs, size_t count);

    /* Says that a received SSRC belongs to a stream: what is known of it stays. */
    void (*keep)(struct srtp_session *session, uint32_t ssrc);
    /* Says that it belongs to none (any more): it stays for as long as there are not SRTP_GUESTS_MAX newer
     * ones, so that a peer who makes SSRCs up costs no memory. */
    void (*forget)(struct srtp_session *session, uint32_t ssrc);
};

extern const struct srtp_backend srtp_libsrtp2;

/* NULL when no backend is called so. */
const struct srtp_backend *srtp_backend_find(const char *name);

/* Master key and salt together; 0 for no profile. */
size_t srtp_key_bytes(enum srtp_profile profile);

/* Bytes that the profile adds to an RTP or RTCP packet. */
size_t srtp_trailer_bytes(enum srtp_profile profile, enum srtp_kind kind);

/* The length of the clear part of an RTP packet (fixed header, CSRCs, extension block: RFC 3550 section 5.1),
 * or 0 when it does not fit into length with trailer bytes behind it. */
size_t srtp_rtp_header_bytes(const uint8_t *data, size_t length, size_t trailer);
