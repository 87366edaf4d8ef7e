/* What the forwarder remembers about media, as plain data: embedded in the rows of producer streams,
 * consumers and transports, so that a new forwarder goes on where a dead one stopped.
 *
 * Fixed-width integers only, no pointers, sizes asserted: a change here is a change of SHM_ABI_VERSION. A
 * struct is named after the module of dataplane/ that owns its meaning; all zeroes is a valid, idle state
 * unless its module has an init. Times are microseconds of CLOCK_MONOTONIC. NTP times are 32.32 fixed point
 * (RFC 3550 section 4). */
#pragma once

#include <stdint.h>

#include "shm/srtp_state.h"

#define MEDIA_ENCODINGS_MAX 4u
#define MEDIA_PAYLOAD_TYPES_MAX 8u
#define MEDIA_MID_BYTES 32u
#define MEDIA_RID_BYTES 16u
#define MEDIA_EXTENSION_IDS 32u

#define MEDIA_STATIC_SIZE(type, bytes)                                                                       \
    _Static_assert(sizeof(type) == (bytes), "the layout of " #type " is ABI")

/* The numbers of Codec in proto/schema/forwarder.proto. */
enum media_codec {
    MEDIA_CODEC_NONE = 0,
    MEDIA_CODEC_OPUS = 1,
    MEDIA_CODEC_VP8 = 2,
    MEDIA_CODEC_VP9 = 3,
    MEDIA_CODEC_H264 = 4,
    MEDIA_CODEC_AV1 = 5,
    MEDIA_CODEC_OTHER_AUDIO = 6,
    MEDIA_CODEC_OTHER_VIDEO = 7
};

/* The numbers of HeaderExtension.Uri in proto/schema/forwarder.proto. */
enum media_extension {
    MEDIA_EXTENSION_NONE = 0,
    MEDIA_EXTENSION_MID = 1,
    MEDIA_EXTENSION_RID = 2,
    MEDIA_EXTENSION_REPAIRED_RID = 3,
    MEDIA_EXTENSION_ABS_SEND_TIME = 4,
    MEDIA_EXTENSION_TRANSPORT_WIDE_CC = 5,
    MEDIA_EXTENSION_AUDIO_LEVEL = 6,
    MEDIA_EXTENSION_VIDEO_ORIENTATION = 7,
    MEDIA_EXTENSION_TOFFSET = 8,
    MEDIA_EXTENSION_ABS_CAPTURE_TIME = 9,
    MEDIA_EXTENSION_PLAYOUT_DELAY = 10,
    MEDIA_EXTENSION_FRAME_MARKING = 11,
    MEDIA_EXTENSION_FRAME_MARKING_07 = 12,
    MEDIA_EXTENSION_DEPENDENCY_DESCRIPTOR = 13,
    MEDIA_EXTENSION_COUNT = 14
};

/* The producer's header extensions: what each id on its wire means. */
struct media_extension_map {
    uint8_t kind_by_id[MEDIA_EXTENSION_IDS]; /* enum media_extension */
};
MEDIA_STATIC_SIZE(struct media_extension_map, 32);

/* Bytes of the last second, in eighths. */
struct bitrate_window {
    uint32_t slot; /* of 125 ms, since the clock's start */
    uint32_t total_bytes;
    uint32_t slot_bytes[8];
};
MEDIA_STATIC_SIZE(struct bitrate_window, 40);

/* One received stream (RFC 3550 appendix A.1, A.3, A.8). Needs receive_stats_init. */
struct receive_stats {
    uint64_t highest;  /* extended: cycles << 16 | sequence */
    uint64_t base;     /* extended, of the first packet since a restart */
    uint64_t received; /* since base, repeats left out */
    uint64_t packets;  /* since init */
    uint64_t bytes;    /* payload with padding, since init */
    uint64_t last_packet_us;
    uint32_t clock_rate;
    uint32_t transit;      /* of the last packet, in timestamp units */
    uint32_t jitter_x16;   /* timestamp units, times 16 */
    uint32_t bad_sequence; /* what the second packet after a jump would carry; above 65535: no jump seen */
    uint64_t seen[16];     /* bit n % 1024: the packet with extended sequence number n came (highest - 1023 ..
                              highest) */
    uint64_t expected_prior;
    uint64_t received_prior;
    uint64_t sr_ntp; /* of the last sender report; 0 = none yet */
    uint64_t sr_arrival_us;
    uint32_t sr_rtp;
    uint32_t ssrc;
    uint64_t repeats;
    uint64_t strays; /* packets outside of every window, not counted as received */
    uint32_t restarts;
    uint8_t fraction_lost; /* of the last interval, in 256ths */
    uint8_t started;
    uint8_t reserved[2];
    uint64_t repaired; /* lost packets that RTX brought; not in received and packets */
    struct bitrate_window bitrate;
};
MEDIA_STATIC_SIZE(struct receive_stats, 304);

/* One sent stream: the first line with each packet, the rest with reports. Needs send_stats_init. */
struct send_stats {
    uint64_t packets;
    uint64_t bytes; /* payload octets as a sender report counts them: no headers, no padding */
    struct bitrate_window bitrate;
    uint32_t clock_rate;
    uint32_t retransmissions; /* packets sent once more */

    uint64_t report_us;      /* arrival of the last report block; 0 = none yet */
    uint64_t next_report_us; /* rtcp_report: when the next sender report is due; 0 = at once */
    uint32_t rtt_us;         /* 0 = not known */
    uint32_t jitter;         /* timestamp units, as the receiver reports it */
    int32_t packets_lost;    /* cumulative, likewise */
    uint32_t highest;        /* extended highest sequence number received, likewise */
    uint32_t nacks;
    uint32_t plis;
    uint32_t firs;
    uint8_t fraction_lost; /* in 256ths, as the receiver reports it */
    uint8_t reserved[3];
};
MEDIA_STATIC_SIZE(struct send_stats, 112);

/* How one peer's NTP clock stands to ours. One per receiving transport: audio and video of a peer share it.
 */
struct sender_clock {
    int64_t offset_us;   /* our time minus the sender's, with the shortest delay seen */
    uint64_t updated_us; /* 0 = not known */
};
MEDIA_STATIC_SIZE(struct sender_clock, 16);

#define MEDIA_REWRITE_WINDOW 512u

/* 64 input numbers. */
struct rewrite_word {
    uint64_t sent;
    uint64_t dropped; /* left out, the gap closed */
};

/* What a consumer's packets are rewritten by: two cache lines are all that a plain packet touches. Needs
 * rewrite_init. The window covers the newest input sequence numbers, number n has bit n % 64 of word
 * n % MEDIA_REWRITE_WINDOW / 64. */
struct rewrite_state {
    uint64_t highest_out; /* the output number of the newest input that was not left out; its low 48 bits are
                             the SRTP index */
    uint64_t last_us;     /* when last_timestamp went out */
    uint32_t timestamp_offset; /* output minus input */
    uint32_t last_timestamp;   /* highest sent */
    uint32_t ssrc;
    uint16_t highest_in;
    uint8_t payload_type;
    uint8_t flags;
    uint64_t rtx_next;    /* the SRTP index of the next RTX packet */
    uint64_t begin_out;   /* the first output number since the last sync or new keys; 0 = none yet */
    uint32_t squeeze_end; /* of rewrite_start */
    uint8_t reserved[12];
    struct rewrite_word window[MEDIA_REWRITE_WINDOW / 64];
};
MEDIA_STATIC_SIZE(struct rewrite_state, 64 + MEDIA_REWRITE_WINDOW / 4);

/* A consumer's header extensions: the id on its wire of each kind, 0 = not sent; the MID that it inserts. */
struct rewrite_extensions {
    uint8_t id[16]; /* by enum media_extension */
    uint8_t mid_length;
    char mid[15];
};
MEDIA_STATIC_SIZE(struct rewrite_extensions, 32);

/* VP8 picture ids (15 bits; the low 7 stand for one-byte ones) and TL0PICIDX, continuous for one consumer. */
struct vp8_continuity {
    uint64_t dropped; /* bit n: picture highest_in - n was left out */
    uint16_t highest_in;
    uint16_t highest_out;
    uint8_t tl0_offset; /* output minus input */
    uint8_t tl0_last;   /* newest sent */
    uint8_t flags;
    uint8_t reserved;
};
MEDIA_STATIC_SIZE(struct vp8_continuity, 16);

#define MEDIA_SPATIAL_LAYERS_MAX 4u
#define MEDIA_TEMPORAL_LAYERS_MAX 4u

/* Which layers of a VP9 or AV1 stream one consumer is sent. Sets of targets: dataplane/svc_frame.h. Needs
 * svc_filter_init. */
struct svc_filter {
    uint32_t timestamp; /* of the newest picture, the sender's */
    uint16_t intact;    /* targets that the consumer could decode from here on */
    uint16_t active;    /* targets that were being sent lately */
    uint8_t current;    /* target that is forwarded */
    uint8_t seen;       /* bit s: a frame of spatial layer s of the newest picture has come */
    uint8_t sent;       /* likewise, and is forwarded */
    uint8_t has_begun;
    uint8_t has_picture;
    uint8_t top;         /* highest spatial layer that the sender sends */
    uint8_t is_narrowed; /* the receiver was told that it does not get all decode targets */
    uint8_t reserved;
};
MEDIA_STATIC_SIZE(struct svc_filter, 16);

/* Bytes of a stream's layers, by spatial * MEDIA_TEMPORAL_LAYERS_MAX + temporal, in three intervals. */
struct layer_rates {
    uint32_t interval; /* that runs */
    uint8_t complete;  /* intervals behind it that were seen whole, 0 to 2 */
    uint8_t reserved[3];
    uint32_t now[MEDIA_SPATIAL_LAYERS_MAX * MEDIA_TEMPORAL_LAYERS_MAX];
    uint32_t last[MEDIA_SPATIAL_LAYERS_MAX * MEDIA_TEMPORAL_LAYERS_MAX];
    uint32_t before[MEDIA_SPATIAL_LAYERS_MAX * MEDIA_TEMPORAL_LAYERS_MAX];
};
MEDIA_STATIC_SIZE(struct layer_rates, 200);

/* Why a consumer is sent what it is sent: of the last change of its target. */
enum layer_reason {
    LAYER_REASON_NONE = 0,      /* nothing has been chosen yet */
    LAYER_REASON_PREFERRED = 1, /* it is the one preferred */
    LAYER_REASON_ESTIMATE = 2,  /* the bandwidth of its transport carries no more */
    LAYER_REASON_DEAD = 3,      /* the one preferred is not sent, or not for long enough */
    LAYER_REASON_SUSPENDED = 4, /* the bandwidth carries not even the lowest */
    LAYER_REASON_NO_SOURCE = 5, /* none is sent */
    LAYER_REASON_KEY_FRAME = 6, /* what is chosen waits for one; in statistics only, like the next */
    LAYER_REASON_PAUSED = 7
};

/* A consumer's choice among the encodings of its producer. Needs layer_switch_init. */
struct layer_switch {
    int8_t current; /* the encoding that is forwarded, -1 = none */
    int8_t target;  /* the encoding wanted, -1 = none alive */
    int8_t preferred;
    int8_t reported_spatial; /* what control was told last */
    int8_t reported_temporal;
    uint8_t count;
    uint8_t flags;
    int8_t allowed;          /* highest encoding that the bandwidth carries, -1 = none */
    int8_t allowed_temporal; /* likewise of the temporal layers */
    int8_t temporal;         /* highest that is forwarded */
    uint8_t reason;          /* enum layer_reason */
    int8_t allowed_layer;    /* highest spatial layer of the encoding (SVC) that the bandwidth carries */
    uint8_t temporal_layers[MEDIA_ENCODINGS_MAX];
};
MEDIA_STATIC_SIZE(struct layer_switch, 16);

/* All of the above for one consumer, in the order of heat; shm/rows.h says where cache lines begin. */
struct media_consumer {
    struct layer_switch layer;
    struct vp8_continuity vp8;
    struct rewrite_state rewrite;
    struct rewrite_extensions extensions;
    struct srtp_send_stream srtp; /* the indices of its SSRC */
    uint8_t reserved[8];
    struct send_stats stats;
    struct svc_filter svc;
    struct srtp_hole_window srtp_holes;
    struct srtp_send_stream srtp_rtx; /* the indices of its RTX SSRC */
};
MEDIA_STATIC_SIZE(struct media_consumer, 504);

/* Key frames asked of one producer stream. */
struct key_frame_request {
    uint64_t asked_us; /* when the last request went out; 0 = never */
    uint64_t seen_us;  /* when the last key frame passed; 0 = never */
    uint32_t asked;    /* requests sent */
    uint8_t wanted;
    uint8_t reserved[3];
};
MEDIA_STATIC_SIZE(struct key_frame_request, 24);

#define MEDIA_TWCC_WINDOW 512u

/* Arrivals of transport-wide sequence numbers on one transport, until they are reported. */
struct twcc_feedback_state {
    uint64_t begin;   /* extended: the first number of the next feedback */
    uint64_t end;     /* extended: one past the highest received */
    uint64_t oldest;  /* extended: the oldest number that arrivals still answer for */
    uint64_t sent_us; /* when the last feedback went out */
    uint64_t packets;
    uint32_t pending;    /* arrivals not yet reported */
    uint32_t media_ssrc; /* of the last packet */
    uint8_t count;       /* of the next feedback packet, modulo 256 */
    uint8_t started;
    uint8_t reserved[14];
    uint32_t arrival_us[MEDIA_TWCC_WINDOW]; /* by number % window: the low half of the time, never 0; 0 = did
                                               not come */
};
MEDIA_STATIC_SIZE(struct twcc_feedback_state, 64 + 4 * MEDIA_TWCC_WINDOW);

/* The cap on what a transport may send to us, told by REMB. */
struct remb_cap {
    uint64_t sent_us;
    uint32_t bitrate_bps; /* 0 = no cap */
    uint8_t lift;         /* messages still to send that take a cap back */
    uint8_t reserved[3];
};
MEDIA_STATIC_SIZE(struct remb_cap, 16);

/* What RTCP a transport has to say as a receiver. */
struct rtcp_report_state {
    uint64_t next_us;         /* when receiver reports are due; 0 = at once */
    uint64_t rrtr_arrival_us; /* of the last receiver reference time block (RFC 3611); 0 = none */
    uint32_t rrtr_middle;     /* the middle 32 bits of its NTP time */
    uint32_t rrtr_ssrc;
};
MEDIA_STATIC_SIZE(struct rtcp_report_state, 24);

/* 0 (bad) to 10 (good), the newest of the last 24 intervals weighing most. Needs score_init. */
struct score {
    uint32_t expected_prior; /* low halves */
    uint32_t received_prior;
    uint32_t repaired_prior;
    uint32_t retransmitted_prior;
    uint8_t history[24];
    uint8_t count;
    uint8_t position;
    uint8_t value;
    uint8_t reported; /* what control was told last */
    uint8_t reserved[4];
};
MEDIA_STATIC_SIZE(struct score, 48);

/* What one transport's incoming packets are told apart by (RFC 8843 section 9.2, RFC 8852). */
struct demux_encoding {
    uint32_t ssrc;     /* 0 = not known yet */
    uint32_t rtx_ssrc; /* likewise, or none */
    uint8_t rid_length;
    uint8_t reserved[3];
    char rid[MEDIA_RID_BYTES];
};
MEDIA_STATIC_SIZE(struct demux_encoding, 28);

struct demux_payload_type {
    uint8_t media;
    uint8_t rtx; /* 0 = none */
};
MEDIA_STATIC_SIZE(struct demux_payload_type, 2);

struct demux_producer {
    uint64_t producer; /* handle; 0 = free */
    uint8_t mid_length;
    uint8_t payload_type_count;
    uint8_t encoding_count;
    uint8_t reserved[5];
    char mid[MEDIA_MID_BYTES];
    struct demux_payload_type payload_types[MEDIA_PAYLOAD_TYPES_MAX];
    struct demux_encoding encodings[MEDIA_ENCODINGS_MAX];
};
MEDIA_STATIC_SIZE(struct demux_producer, 176);

/* SSRCs of closed producers: their late packets must not be bound to another one. */
struct demux_retired {
    uint32_t ssrc[32];
    uint32_t next;
};
MEDIA_STATIC_SIZE(struct demux_retired, 132);
