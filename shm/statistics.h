/* The statistics file: what administrators see, apart from the segment and without its secrets.
 *
 * `stats` in the runtime directory, 0640. Control creates it and hands its descriptor to the forwarder; each
 * block has one writer (control, or the worker that owns the row of the same index) and a seqlock, so that a
 * reader which maps it read-only gets consistent blocks at no cost to the writers, also after both processes
 * have died. Counters only grow while a block's handle stays the same. Names follow mediasoup's getStats and
 * RFC 8834/3550. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include "shm/abi.h"
#include "shm/histogram.h"

/* "kmstats" and a line feed, as eight bytes in memory. */
#define STATISTICS_MAGIC 0x0a73746174736d6bull
#define STATISTICS_VERSION 4u
#define STATISTICS_FILE "stats"

/* Every reason for which a worker drops a packet: X(name, explanation). Append only; at most
 * STATISTICS_DROPS_MAX. */
#define STATISTICS_DROPS(X)                                                                                  \
    X(empty, "datagram without a byte")                                                                      \
    X(too_long, "datagram longer than a packet slot")                                                        \
    X(unknown_class, "first byte is of no protocol known here (RFC 7983)")                                   \
    X(unknown_tuple, "DTLS, SRTP or SRTCP from an address that ICE has not validated")                       \
    X(stun_malformed, "STUN that cannot be parsed")                                                          \
    X(stun_quota, "STUN beyond its source's quota")                                                          \
    X(stun_integrity, "STUN check with a wrong MESSAGE-INTEGRITY")                                           \
    X(punt_ring_full, "control did not empty its ring of punted packets")                                    \
    X(no_keys, "SRTP or SRTCP before the DTLS handshake is done")                                            \
    X(srtp_too_short, "shorter than its own header and tag")                                                 \
    X(srtp_authentication, "SRTP authentication failed")                                                     \
    X(srtp_replay, "SRTP index seen already, or too old")                                                    \
    X(srtcp_authentication, "SRTCP authentication failed")                                                   \
    X(srtcp_replay, "SRTCP index seen already, or too old")                                                  \
    X(srtp_other, "SRTP layer refused the packet for another reason")                                        \
    X(rtp_malformed, "RTP header, extension or padding runs past the end")                                   \
    X(rtcp_malformed, "RTCP compound whose lengths do not add up")                                           \
    X(unknown_ssrc, "RTP that belongs to no producer of its transport")                                      \
    X(unknown_payload_type, "payload type that its producer did not name")                                   \
    X(padding_only, "RTP without payload: counted, never forwarded")                                         \
    X(rtx_without_stream, "RTX before the stream that it repairs")                                           \
    X(rtx_malformed, "RTX without an original sequence number")                                              \
    X(late, "older than what its consumers have moved on to")                                                \
    X(duplicate, "sequence number received before")                                                          \
    X(producer_paused, "producer is paused")                                                                 \
    X(consumer_paused, "consumer is paused")                                                                 \
    X(consumer_waits_key_frame, "consumer waits for a key frame")                                            \
    X(consumer_suspended, "the estimate carries not even the lowest layer")                                  \
    X(consumer_temporal_layer, "temporal layer that the consumer is not being sent")                         \
    X(consumer_other_layer, "encoding that the consumer is not being sent")                                  \
    X(consumer_no_address, "consumer's transport has no selected pair, no keys or no consent")               \
    X(rewrite_too_long, "does not fit a packet once rewritten")                                              \
    X(protect_failed, "SRTP layer could not encrypt")                                                        \
    X(send_queue_full, "socket would not take more")                                                         \
    X(send_error, "socket refused the packet")                                                               \
    X(inject_malformed, "record of control that cannot be sent")                                             \
    X(stun_not_request, "STUN that asks nothing: a response or indication")                                  \
    X(dtls_quota, "DTLS beyond its source's quota")                                                          \
    X(ssrc_conflict, "RTP that claims the place of a stream with another SSRC")                              \
    X(stray, "one packet far away from its stream's numbers")                                                \
    X(rtx_unasked, "RTX that nothing was asked for: a probe for bandwidth")                                  \
    X(payload_malformed, "payload that is not what its codec says")                                          \
    X(feedback_unknown_ssrc, "RTCP about a stream that is not sent or received there")                       \
    X(peer_ring_full, "another worker did not empty its ring")                                               \
    X(store_overwritten, "another worker's packet, overwritten before it was sent")                          \
    X(stream_gone, "another worker's packet, of a stream without consumers here")                            \
    X(store_too_long, "longer than a packet of the store may be")                                              \
    X(nack_not_sent, "NACK of a packet that was not sent")                                                   \
    X(nack_too_old, "NACK of a packet that is too old, or not in the store any more")                        \
    X(nack_repeated, "NACK of a packet that was sent again within the last round trip")                      \
    X(nack_budget, "NACK beyond the consumer's share for retransmissions")                                   \
    X(nack_quota, "NACK of more packets than a receiver has reason to ask for")                              \
    X(nack_without_rtx, "NACK of a consumer without RTX")                                                    \
    X(plain_gone, "packet on a port of plain RTP whose transport is gone, or not there yet")                 \
    X(plain_unexpected, "plain RTP or RTCP of no producer, while the address is not known")                  \
    X(plain_other_source, "plain RTP or RTCP from another address than the known one")                       \
    X(plain_wrong_port, "RTP on a port that is for RTCP")                                                    \
    X(pacer_late, "waited too long to be sent, or was overwritten while it waited")                          \
    X(key_frame_limit, "request for a key frame of a receiver that asks all the time, and alone")            \
    X(incoming_limit, "RTP beyond four times MAX_INCOMING_BITRATE, or far too many packets")                 \
    X(peer_ring_busy, "word of a clock, a loss or a key frame, while a worker's ring is left to media")      \
    X(rtcp_limit, "RTCP of more than a client has reason to say in a second")                                \
    X(receive_buffer_overflow, "messages thrown away by the kernel: a socket's buffer was full")

#define STATISTICS_DROPS_MAX 64u

/* What a worker spends its time on: X(name, explanation). Append only. */
#define STATISTICS_STAGES(X)                                                                                 \
    X(receive, "taking packets from the network")                                                            \
    X(unprotect, "classifying and decrypting them")                                                          \
    X(route, "parsing, statistics, choice of consumers, rewriting")                                          \
    X(protect, "encrypting")                                                                                 \
    X(send, "handing packets to the network")                                                                \
    X(timers, "consent, RTCP, statistics")                                                                   \
    X(commands, "commands and packets of control")                                                           \
    X(idle, "sleeping, or looking for work in vain")

#define STATISTICS_STAGES_MAX 16u
#define STATISTICS_BATCHES 8u /* 1, 2, up to 4, 8, 16, 32, 64, and more packets */

/* Why the estimate of a receiver's bandwidth is what it is: X(name, explanation). Append only; in the order
 * of enum estimator_reason of dataplane/estimator.h. */
#define STATISTICS_ESTIMATES(X)                                                                              \
    X(start, "nothing is known yet")                                                                         \
    X(increase, "nothing speaks against more")                                                               \
    X(overuse, "the delay grew, or a queue stands")                                                          \
    X(loss, "packets were lost")                                                                             \
    X(probe, "a probe found it")                                                                             \
    X(remb, "the receiver says so")                                                                          \
    X(silence, "no feedback came")

enum statistics_stage {
#define X(name, text) STAGE_##name,
    STATISTICS_STAGES(X)
#undef X
        STAGE_COUNT
};
_Static_assert(STAGE_COUNT <= STATISTICS_STAGES_MAX, "more stages than a block has room for");

enum statistics_drop {
#define X(name, text) DROP_##name,
    STATISTICS_DROPS(X)
#undef X
        DROP_COUNT
};
_Static_assert(DROP_COUNT <= STATISTICS_DROPS_MAX, "more names than a worker block has room for");

enum statistics_section_kind {
    STATISTICS_CONTROL,   /* struct statistics_control, one, by control */
    STATISTICS_LABEL,     /* struct statistics_label, by transport, by control */
    STATISTICS_WORKER,    /* struct statistics_worker, by its worker */
    STATISTICS_TRANSPORT, /* struct statistics_transport, by index of the row, by its worker; and so on */
    STATISTICS_STREAM,
    STATISTICS_CONSUMER,
    STATISTICS_STAGE, /* struct statistics_stages, by its worker */
    STATISTICS_SECTION_COUNT
};

struct statistics_section {
    uint64_t offset;
    uint32_t stride;
    uint32_t count;
};

struct shm_statistics_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t total_bytes;
    uint64_t created_us; /* CLOCK_REALTIME */
    struct statistics_section sections[STATISTICS_SECTION_COUNT];
};

struct statistics_control {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t control_pid;
    uint64_t started_us; /* CLOCK_REALTIME */
    uint64_t updated_us; /* CLOCK_REALTIME */
    uint32_t forwarder_pid;
    uint32_t forwarder_starts;
    uint32_t rooms;
    uint32_t peers;
    uint64_t refused_commands;
    uint64_t lost_commands; /* that a killed forwarder was at */
};
SHM_STATIC_SIZE(struct statistics_control, 64);

struct statistics_label {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t reserved;
    uint64_t handle;
    char room_id[40];
    char peer_id[40];
};
SHM_STATIC_SIZE(struct statistics_label, 128);

struct statistics_worker {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t transports;
    uint64_t updated_us; /* CLOCK_REALTIME */
    uint64_t rounds;
    uint64_t idle_rounds;
    uint64_t sleeps;
    uint64_t packets_received;
    uint64_t bytes_received;
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t rtp_forwarded; /* packets handed to a consumer */
    uint64_t stun_answered;
    uint64_t punted;
    uint64_t injected;
    uint64_t commands;
    uint64_t events_lost; /* the event ring was full */
    uint32_t producers;
    uint32_t consumers;
    uint64_t drops[STATISTICS_DROPS_MAX]; /* by enum statistics_drop */
    uint64_t references_sent;             /* packets that other workers were told of */
    uint64_t references_received;
    uint64_t handed_over; /* datagrams of other workers that the kernel gave to this one */
    uint64_t taken_over;  /* datagrams of this worker that the kernel gave to others */
    uint64_t reserved[4];
};
SHM_STATIC_SIZE(struct statistics_worker, 704);

struct statistics_stages {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t ticks_per_ms;
    uint64_t ticks[STATISTICS_STAGES_MAX]; /* by enum statistics_stage */
    uint64_t batches[STATISTICS_BATCHES];  /* receive calls by the packets that they returned */
    uint64_t receive_calls;
    uint64_t joined_messages; /* received as one, that were many packets (UDP_GRO) */
    uint64_t send_calls;
    uint64_t sent_runs; /* messages of many packets (UDP_SEGMENT) */
    uint64_t sent_in_runs;
    uint64_t reserved[2];
    struct histogram latency; /* µs from the receive call to the send call, of what left in the same round */
};
SHM_STATIC_SIZE(struct statistics_stages, 1536);

/* What can be sent by a transport, and why (dataplane/estimator.h). Zeroes: nothing is estimated. */
struct statistics_bandwidth {
    uint32_t available_bps; /* 0 = not known */
    uint32_t desired_bps;   /* what its consumers could use */
    uint32_t acked_bps;     /* arrives, says the receiver */
    uint32_t delay_bound_bps;
    uint32_t loss_bound_bps; /* 0 = none; likewise */
    uint32_t remb_bps;
    uint32_t probe_bps; /* what the last probe found */
    uint32_t probes;
    uint32_t probes_succeeded;
    uint32_t loss_permille;    /* of the last interval */
    uint32_t queue_delay_us;   /* on the path */
    uint32_t pacer_packets;    /* that wait here now */
    uint32_t pacer_queued;     /* that have waited */
    uint32_t pacer_dropped;    /* that waited too long */
    uint32_t feedback_packets; /* received */
    uint8_t reason;            /* STATISTICS_ESTIMATES */
    uint8_t delay_state;       /* 0 normal, 1 overusing, 2 underusing */
    uint8_t is_limited;        /* less is sent than is allowed */
    uint8_t reserved;
};
SHM_STATIC_SIZE(struct statistics_bandwidth, 64);

struct statistics_transport {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t worker;
    uint64_t handle; /* 0: the row is free */
    uint64_t created_us;
    uint64_t packets_received;
    uint64_t bytes_received;
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t drops_srtp;
    uint64_t last_consent_us; /* CLOCK_REALTIME of the last valid check */
    uint32_t receive_bitrate_bps;
    uint32_t send_bitrate_bps;
    uint8_t remote_ip[16]; /* the selected pair; v4-mapped */
    uint16_t remote_port;
    uint8_t has_keys;
    uint8_t has_consent;
    uint32_t srtp_profile; /* as in proto/schema/forwarder.proto */
    uint32_t rtt_us;
    uint32_t twcc_feedbacks;    /* sent */
    uint32_t twcc_packets_lost; /* as those say that came */
    uint32_t max_incoming_bps;  /* what the sender is told to keep to, 0: nothing */
    uint32_t protocol;          /* of the selected pair: 0 UDP, 6 TCP */
    uint32_t copies;            /* of packets, sent ahead of a loss */
    struct statistics_bandwidth bandwidth;
};
SHM_STATIC_SIZE(struct statistics_transport, 192);

#define STATISTICS_TEMPORAL_LAYERS 4u
#define STATISTICS_LAYERS (4u * STATISTICS_TEMPORAL_LAYERS)

struct statistics_stream {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t ssrc;
    uint64_t handle;
    uint64_t producer;
    uint64_t transport;
    uint64_t packets;
    uint64_t bytes;
    uint64_t packets_lost;
    uint64_t key_frames;
    uint32_t jitter; /* RTP timestamp units */
    uint32_t clock_rate;
    uint32_t bitrate_bps;
    uint32_t fraction_lost; /* of 256 */
    uint32_t encoding;      /* 0 is the lowest */
    uint32_t kind;          /* 1 audio, 2 video */
    uint32_t codec;         /* as in proto/schema/forwarder.proto */
    uint32_t nack_count;    /* sent */
    uint32_t pli_count;
    uint32_t fir_count;
    uint32_t score;
    uint32_t paused;
    uint64_t packets_retransmitted; /* received by RTX */
    uint32_t audio_loudness;        /* 0 (silence) to 127: dB above -127 dBov */
    uint32_t audio_speech;          /* percent of the last fifth of a second */
    uint64_t packets_repaired;      /* of those that were missing, by RTX or late */
    uint64_t packets_discarded;     /* came twice, or far away from the stream's numbers */
    uint32_t nack_packets;          /* packets asked for again */
    uint32_t rtt_us;
    uint32_t rtx_ssrc;
    uint32_t reserved2;
    /* Of what a receiver of layers up to these gets, by spatial * STATISTICS_TEMPORAL_LAYERS + temporal; 0:
     * the layer is not sent, or nobody is sent any of it. */
    uint16_t layer_kbps[STATISTICS_LAYERS];
};
SHM_STATIC_SIZE(struct statistics_stream, 192);

struct statistics_consumer {
    SHM_ALIGNED _Atomic uint32_t sequence;
    uint32_t ssrc;
    uint64_t handle;
    uint64_t producer;
    uint64_t transport;
    uint64_t packets;
    uint64_t bytes;
    uint64_t packets_dropped; /* not sent: other layer, waiting for a key frame, paused */
    uint64_t packets_retransmitted;

    uint32_t packets_lost; /* as the receiver reports */
    uint32_t jitter;       /* RTP timestamp units, likewise */
    uint32_t rtt_us;
    uint32_t bitrate_bps;
    uint32_t nack_count;   /* received */
    uint32_t nack_packets; /* packets that the receiver asked for again */
    uint32_t pli_count;
    uint32_t fir_count;
    uint32_t layer_switches;
    uint32_t rtx_ssrc;
    uint8_t fraction_lost; /* of 256, as the receiver reports */
    uint8_t kind;
    uint8_t paused;
    uint8_t score;
    uint8_t priority;
    uint8_t layer_reason; /* enum layer_reason */
    int8_t spatial_layer; /* -1: nothing is forwarded */
    int8_t temporal_layer;
    int8_t target_spatial_layer; /* waited for, or the same */
    int8_t preferred_spatial_layer;
    int8_t allowed_spatial_layer; /* by the bandwidth; -1: suspended */
    int8_t allowed_temporal_layer;
    uint8_t reserved[12];
};
SHM_STATIC_SIZE(struct statistics_consumer, 128);

struct statistics {
    struct shm_statistics_header *header; /* the mapping */
    size_t bytes;
    int fd; /* owned */
    struct statistics_section sections[STATISTICS_SECTION_COUNT];
};

struct shm_capacities;

/* The name of drop, or NULL beyond the last; likewise what it means. */
const char *statistics_drop_name(uint32_t drop);
const char *statistics_drop_text(uint32_t drop);

/* Likewise of a stage. */
const char *statistics_stage_name(uint32_t stage);
const char *statistics_stage_text(uint32_t stage);

/* Likewise of an estimate, and of a delay state. */
const char *statistics_estimate_name(uint32_t reason);
const char *statistics_estimate_text(uint32_t reason);
const char *statistics_delay_name(uint32_t state);

/* Makes the file anew in folder (which is made too, 0750) under a temporary name, then moves it into place,
 * so that a reader of the old one keeps a whole one. The errno of the system call that failed, with a line in
 * ret_why. */
int statistics_create(const char *folder, const struct shm_capacities *capacities,
                      struct statistics *ret_statistics, char *ret_why, size_t why_bytes);

/* Maps the file behind fd for writing (a forwarder's end). Takes fd over on success only. */
int statistics_attach(int fd, struct statistics *ret_statistics, char *ret_why, size_t why_bytes);

/* Maps the file read-only. */
int statistics_open(const char *path, struct statistics *ret_statistics, char *ret_why, size_t why_bytes);

void statistics_deinit(struct statistics *statistics);

/* Number of blocks of a kind. */
uint32_t statistics_count(const struct statistics *statistics, enum statistics_section_kind kind);

/* The block in place, for its writer; NULL beyond the count. */
void *statistics_block(const struct statistics *statistics, enum statistics_section_kind kind,
                       uint32_t index);

/* Writer: replaces all of a block by from (its sequence field is ignored) at once. */
void statistics_publish(const struct statistics *statistics, enum statistics_section_kind kind,
                        uint32_t index, const void *from, size_t bytes);

/* Reader: a consistent copy of a block of that many bytes. -EAGAIN when its writer died inside it, -ERANGE
 * beyond the count. */
int statistics_read(const struct statistics *statistics, enum statistics_section_kind kind, uint32_t index,
                    void *ret_block, size_t bytes);
