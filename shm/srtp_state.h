/* What SRTP remembers (RFC 3711, RFC 7714), as plain data, so that a new forwarder goes on with the keys, the
 * roll-over counters, the replay windows and the indices of a dead one.
 *
 * struct srtp_transport_state lives in the row of a transport: session keys and the SRTCP index; the master
 * keys are not kept. struct srtp_send_stream lives twice in the row of a consumer, for its SSRC (with a
 * window, since a repaired packet may be sent late) and for its RTX SSRC. struct srtp_receive_stream lives in
 * a section of its own, of which each worker has a part, a pool shared out by need: one for each SSRC heard
 * from. It names its transport, so that no list need survive a kill.
 *
 * All zeroes is a valid, idle state. What a cipher provider makes of the keys is its private cache, made anew
 * at attach. Kills: a store counts once it is executed, so an index that is advanced before its packet is
 * handed to a cipher is never used again, whatever comes in between. */
#pragma once

#include "shm/abi.h"

#define SRTP_STATE_REPLAY_PACKETS 1024u
#define SRTP_STATE_RTCP_REPLAY_PACKETS 128u
#define SRTP_STATE_SENT_PACKETS 512u /* as far back as a repaired packet may be sent late */

/* Receive streams that are always enough for one worker: media and RTX of every producer stream, and guests.
 */
#define SRTP_STATE_GUESTS 8u
#define SRTP_STATE_RECEIVE_STREAMS(streams, transports) (2u * (streams) + SRTP_STATE_GUESTS * (transports))

/* The session keys of one direction (RFC 3711 section 4.3, RFC 7714 section 11). */
struct srtp_session_keys {
    uint8_t rtp_key[32]; /* 16 bytes but for AEAD_AES_256_GCM */
    uint8_t rtcp_key[32];
    uint8_t rtp_salt[16]; /* 14 bytes for AES-CM, 12 for GCM */
    uint8_t rtcp_salt[16];
    uint8_t rtp_auth[20]; /* AES-CM only */
    uint8_t rtcp_auth[20];
    uint8_t reserved[8];
};
SHM_STATIC_SIZE(struct srtp_session_keys, 144);

struct srtp_transport_state {
    uint64_t owner;     /* what the receive streams of this transport name: its handle */
    uint32_t profile;   /* enum srtp_profile, written last; 0: no keys, the rest means nothing */
    uint32_t epoch;     /* of the keys: counts them */
    uint32_t life;      /* of the process that uses them: counts attaches */
    uint32_t rtcp_next; /* index of the next SRTCP packet, whatever its SSRC; 31 bits */
    uint8_t reserved[8];
    struct srtp_session_keys receive;
    struct srtp_session_keys send;
};
SHM_STATIC_SIZE(struct srtp_transport_state, 320);

/* The indices (48 bits: roll-over counter and sequence number) of one SSRC that is sent. Those of a former
 * process are all taken for used up to the highest. */
struct srtp_send_stream {
    uint64_t next;      /* one past the highest index used */
    uint32_t epoch;     /* the keys that this is about */
    uint32_t life;      /* the process that knows which below next were used */
    uint64_t holes_end; /* one past the newest that was passed over, 0 = none; with a window of holes only */
};
SHM_STATIC_SIZE(struct srtp_send_stream, 24);

/* Which of the newest indices were passed over and may still be used, where packets may be sent out of order.
 * It means nothing, and is not touched, while all of the last ones were sent in order. */
struct srtp_hole_window {
    uint64_t holes[SRTP_STATE_SENT_PACKETS / 64]; /* bit n % 512: index n was not used */
};
SHM_STATIC_SIZE(struct srtp_hole_window, 64);

/* What a part of the pool says of itself. */
struct srtp_receive_head {
    SHM_ALIGNED uint32_t
        high_water; /* streams from here on were never used: their pages were never touched */
    uint8_t reserved[60];
};
SHM_STATIC_SIZE(struct srtp_receive_head, 64);

enum srtp_receive_class {
    SRTP_RECEIVE_FREE = 0,
    SRTP_RECEIVE_GUEST = 1,   /* no stream claims this SSRC: makes room for the next one */
    SRTP_RECEIVE_RESIDENT = 2 /* claimed: stays until it is forgotten */
};

enum srtp_receive_flags { SRTP_RECEIVE_HAS_RTP = 1, SRTP_RECEIVE_HAS_RTCP = 2 };

/* What was received of one SSRC. The windows are rings: an index has the bit of its low bits. */
struct srtp_receive_stream {
    SHM_ALIGNED uint64_t owner; /* of struct srtp_transport_state */
    uint32_t ssrc;
    uint8_t class; /* enum srtp_receive_class, written last */
    uint8_t flags; /* enum srtp_receive_flags */
    uint8_t reserved[2];
    uint64_t highest;      /* the highest authentic packet index, 48 bits */
    uint32_t rtcp_highest; /* likewise of SRTCP, 31 bits */
    uint32_t reserved2[5];
    uint64_t rtcp_seen[SRTP_STATE_RTCP_REPLAY_PACKETS / 64];
    uint64_t seen[SRTP_STATE_REPLAY_PACKETS / 64];
};
SHM_STATIC_SIZE(struct srtp_receive_stream, 192);
