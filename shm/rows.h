/* The rows of the four tables: what a worker must know about transports, producers, their streams, and
 * consumers, so that another forwarder can go on with it.
 *
 * A row has one writer, the worker that its head names. What is set at install is written inside the seqlock
 * of the head; what changes with every packet (statistics, rewriting) is plain data of the owner, behind it.
 * Handles name other rows, never pointers. A row with state SHM_ROW_FREE means nothing but its generation. */
#pragma once

#include <stdatomic.h>

#include "shm/abi.h"
#include "shm/datagram.h"
#include "shm/media_state.h"

enum shm_row_state { SHM_ROW_FREE = 0, SHM_ROW_LIVE = 1 };

/* The head of every row. */
struct shm_row {
    _Atomic uint32_t sequence; /* odd while the row is installed or removed */
    uint32_t generation;       /* of the handle that lives here, or lived here last */
    uint32_t state;            /* enum shm_row_state */
    uint32_t worker;
};
SHM_STATIC_SIZE(struct shm_row, 16);

#define SHM_ICE_STRING_BYTES 40u /* ICE ufrag and password, with the end */
#define SHM_CNAME_BYTES 64u      /* of RFC 3550 section 6.5.1, cut to fit, with the end */

/* What was negotiated for a stream (Feedback in proto/schema/forwarder.proto). */
enum shm_feedback {
    SHM_FEEDBACK_NACK = 1,
    SHM_FEEDBACK_PLI = 2,
    SHM_FEEDBACK_FIR = 4,
    SHM_FEEDBACK_TRANSPORT_CC = 8,
    SHM_FEEDBACK_REMB = 16
};

/* The numbers of ConsumerType in proto/schema/forwarder.proto. */
enum shm_consumer_type { SHM_CONSUMER_SIMPLE = 0, SHM_CONSUMER_SIMULCAST = 1, SHM_CONSUMER_SVC = 2 };

/* The numbers of MediaKind, likewise. */
enum shm_media_kind { SHM_MEDIA_AUDIO = 1, SHM_MEDIA_VIDEO = 2 };

/* A plain transport carries RTP in the clear, over sockets of its own. */
enum shm_plain {
    SHM_PLAIN_NO = 0,
    SHM_PLAIN_GIVEN = 1,   /* the remote address comes by a command */
    SHM_PLAIN_LEARNED = 2, /* or from the first packet */
};

struct shm_ice_credentials {
    char ufrag[SHM_ICE_STRING_BYTES];
    char password[SHM_ICE_STRING_BYTES];
};
SHM_STATIC_SIZE(struct shm_ice_credentials, 80);

struct shm_transport_row {
    SHM_ALIGNED struct shm_row row;
    uint64_t created_us;
    uint64_t consent_us;         /* last valid check on the selected pair (RFC 7675) */
    struct shm_address selected; /* where media goes */
    uint8_t has_selected;
    uint8_t has_consent;
    uint8_t has_keys;
    uint8_t srtp_profile; /* SrtpProfile in proto/schema/forwarder.proto */
    uint32_t rtcp_ssrc;   /* sender of RTCP that belongs to no stream */

    SHM_ALIGNED uint64_t packets_received;
    uint64_t bytes_received;
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t drops_srtp;
    uint64_t remb_bps; /* what the receiver last said it can take, 0 = nothing yet */
    uint32_t twcc_feedbacks_sent;
    uint32_t twcc_feedbacks_received;
    uint32_t twcc_packets_lost; /* as those feedbacks say */
    uint16_t twcc_sequence;     /* the next transport-wide number to send */
    uint8_t is_nominated;       /* the selected pair, with the credentials in ice */
    uint8_t has_twcc;           /* its element of SHM_SECTION_TWCC means something */

    struct bitrate_window send_bitrate; /* first: within a cache line */
    struct bitrate_window receive_bitrate;
    struct sender_clock clock;
    struct remb_cap remb;
    struct rtcp_report_state report;

    struct shm_ice_credentials ice;
    struct shm_ice_credentials
        ice_previous; /* a pair goes on being checked with them until an ICE restart ends */
    struct demux_retired retired;
    uint32_t available_bps; /* what can be sent (bandwidth.h), 0 = not known: everything is allowed */
    uint32_t start_bps;     /* the first estimate, 0 = none is made */
    uint32_t sender_rtt_us; /* to a peer that sends to us, by DLRR (RFC 3611 section 4.5); 0 = not known */
    uint8_t plain;          /* enum shm_plain */
    uint8_t reserved2[3];
    uint8_t reserved3[4];
    struct srtp_transport_state srtp;
    struct srtp_send_stream srtp_probator;
    uint32_t min_bps; /* bounds of the estimate, 0 = none */
    uint32_t max_bps;
    uint8_t reserved4[56];
    uint64_t probator_next;        /* its next packet index (probator.h) */
    struct shm_address plain_rtcp; /* where RTCP of a plain transport goes; port 0: not known */
};
SHM_STATIC_SIZE(struct shm_transport_row, 1024);
_Static_assert(__builtin_offsetof(struct shm_transport_row, send_bitrate) == 128 &&
                   __builtin_offsetof(struct shm_transport_row, srtp) % 64 == 0 &&
                   __builtin_offsetof(struct shm_transport_row, srtp.send.rtp_salt) % 64 <= 48,
               "what a packet sent touches lies within lines");

struct shm_payload_type {
    uint8_t codec;            /* enum media_codec */
    uint8_t payload_type;     /* the producer's */
    uint8_t rtx_payload_type; /* 0 = none, likewise below */
    uint8_t router_payload_type;
    uint8_t router_rtx_payload_type;
    uint8_t in_band_fec;
    uint8_t reserved[2];
    uint32_t clock_rate;
};
SHM_STATIC_SIZE(struct shm_payload_type, 12);

struct shm_producer_row {
    SHM_ALIGNED struct shm_row row;
    shm_handle transport;
    shm_handle streams[MEDIA_ENCODINGS_MAX]; /* lowest encoding first */
    uint8_t kind;                            /* MediaKind in proto/schema/forwarder.proto */
    uint8_t type;                            /* ConsumerType, likewise */
    uint8_t feedback;                        /* enum shm_feedback */
    uint8_t paused;
    uint8_t encoding_count;
    uint8_t payload_type_count;
    uint8_t reserved[2];

    SHM_ALIGNED struct shm_payload_type payload_types[MEDIA_PAYLOAD_TYPES_MAX];
    struct media_extension_map extensions;
    struct demux_producer demux;
    char cname[SHM_CNAME_BYTES];
    uint64_t resumed_us; /* when it was paused or resumed last, 0 = never */
    uint64_t followers;  /* bit n: worker n has consumers of it */
};
SHM_STATIC_SIZE(struct shm_producer_row, 448);

struct shm_stream_row {
    SHM_ALIGNED struct shm_row row;
    shm_handle producer;
    shm_handle transport;
    uint32_t encoding; /* index in its producer */
    uint32_t max_bitrate_bps;
    uint8_t dtx;
    uint8_t spatial_layers;
    uint8_t temporal_layers;
    uint8_t codec;        /* of the last packet */
    uint8_t payload_type; /* likewise, the router's */
    uint8_t layers_apart; /* its spatial layers depend on one another at key pictures alone (k-SVC) */
    uint8_t reserved[6];
    uint32_t nacks_sent; /* numbers in nack_messages */

    SHM_ALIGNED struct receive_stats stats;
    struct key_frame_request key_frame;
    struct score score;
    uint64_t key_frames;
    uint64_t rtx_packets;
    uint32_t plis_sent;
    uint32_t firs_sent;
    uint32_t nack_messages;
    uint32_t reserved3;
    uint64_t repaired; /* of the packets that were missing, by RTX */
    uint8_t reserved2[24];

    SHM_ALIGNED struct layer_rates rates; /* of all that is forwarded */
};
SHM_STATIC_SIZE(struct shm_stream_row, 768);

/* In the order of heat. Of these, the first packet of a round touches five cache lines (ARCHITECTURE.md
 * counts them). */
#define SHM_CONSUMER_HOT_BYTES 384u
struct shm_consumer_row {
    SHM_ALIGNED struct shm_row row;
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0 = no RTX */
    uint8_t paused;
    uint8_t feedback; /* enum shm_feedback */
    uint8_t kind;
    uint8_t restart;      /* the stream that is forwarded began anew: tie the numbers to its next packet */
    int8_t last_encoding; /* forwarded last, -1 = none yet */
    uint8_t priority;
    uint8_t reserved[2];

    struct media_consumer media;

    shm_handle transport;
    shm_handle producer;
    uint64_t packets_dropped;
    uint32_t layer_switches;
    uint32_t nack_messages; /* with the numbers that media.stats counts */
    struct score score;
};
SHM_STATIC_SIZE(struct shm_consumer_row, 640);
_Static_assert(__builtin_offsetof(struct shm_consumer_row, media.rewrite) == 64 &&
                   __builtin_offsetof(struct shm_consumer_row, media.extensions) == 256 &&
                   __builtin_offsetof(struct shm_consumer_row, media.stats) == 320 &&
                   __builtin_offsetof(struct shm_consumer_row, media.srtp_holes) == 448,
               "choice, numbers with their window, extensions and indices, counters, holes begin lines");
