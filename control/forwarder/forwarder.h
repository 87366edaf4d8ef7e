/* Control's side of the data plane: starts and supervises kolabmeet-forwarder, allocates handles, sends
 * commands, receives events and punted packets. The only code of control that knows the shared memory. Main
 * thread only.
 *
 * An install call allocates the handle, queues the command and returns at once; -ENOSPC when a table is full,
 * -EAGAIN when no forwarder runs or its ring is full, -ESTALE for a handle of a forwarder that has gone. A
 * worker that refuses a command is logged and counted; it can only mean a defect, because control allocates.
 * A transport that could not be installed, or what belongs to it, fails (on_failed).
 *
 * When a forwarder dies, a new one is started, at most twice a second. With SRTP of our own it takes the same
 * segment and goes on with every call; commands wait for it in the rings. With libsrtp2, and after three
 * deaths in ten seconds, all transports, producers and consumers are gone instead (on_lost), their handles
 * stale. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct forwarder;

struct forwarder_config {
    const char *binary;       /* path of kolabmeet-forwarder */
    const char *runtime_dir;  /* the statistics file is made there */
    const char *poll;         /* adaptive, busy or sleep */
    const char *srtp_backend; /* native or libsrtp2 */
    const char *listen_ip;    /* media sockets are bound to it */
    uint16_t listen_port;
    uint32_t workers;
    const char *cpus;   /* list of CPUs to pin workers to, NULL: none */
    uint32_t store_mib; /* of the packet store, 0: as shm/segment.h has it */
    bool steering;      /* by BPF, where it is permitted; else workers hand over what is not theirs */
};

/* AudioLevel in proto/schema/forwarder.proto. */
struct forwarder_level {
    uint64_t producer;
    unsigned loudness; /* 0 (silence) to 127 */
    unsigned speech;   /* percent */
};

struct forwarder_handler {
    /* A STUN or DTLS packet from the network. transport is the handle that the tuple map has for remote, or
     * 0. */
    void (*on_stun)(void *context, uint64_t transport, uint32_t worker, const struct sockaddr *remote,
                    const uint8_t *data, size_t length);
    void (*on_dtls)(void *context, uint64_t transport, uint32_t worker, const struct sockaddr *remote,
                    const uint8_t *data, size_t length);
    /* RFC 7675: 30 s without a valid check, or the first one after that. */
    void (*on_consent)(void *context, uint64_t transport, bool lost);
    /* spatial -1: nothing is forwarded. */
    void (*on_layers_changed)(void *context, uint64_t consumer, int spatial, int temporal);
    void (*on_score_changed)(void *context, uint64_t consumer, unsigned score, unsigned producer_score,
                             const unsigned *producer_scores, size_t count);
    void (*on_audio_levels)(void *context, const struct forwarder_level *levels, size_t count);
    void (*on_ready)(void *context);
    void (*on_lost)(void *context);
    /* The transport is in a state that nobody knows (control/forwarder/answers.h), and to be removed. */
    void (*on_failed)(void *context, uint64_t transport);
};

enum forwarder_srtp_profile {
    FORWARDER_AEAD_AES_128_GCM = 1,
    FORWARDER_AEAD_AES_256_GCM = 2,
    FORWARDER_AES128_CM_SHA1_80 = 3,
};

/* Binds the media socket, makes segment and statistics file, starts the process. One clear line in ret_error.
 */
int forwarder_create(const struct forwarder_config *config, struct event_base *base,
                     const struct forwarder_handler *handler, void *context, struct forwarder **ret_forwarder,
                     char *ret_error, size_t error_bytes);
/* Ends the process (SIGTERM, after 1 s SIGKILL) and waits for it. */
void forwarder_destroy(struct forwarder *forwarder);

/* A forwarder runs, has shaken hands, and its heartbeat is younger than a second. */
bool forwarder_is_healthy(const struct forwarder *forwarder);

/* The worker that a new transport should live on (the one with fewest). */
uint32_t forwarder_pick_worker(const struct forwarder *forwarder);

struct forwarder_transport {
    const char *ice_ufrag;
    const char *ice_password;
    uint32_t max_incoming_bitrate_bps;     /* 0: no cap */
    uint32_t initial_outgoing_bitrate_bps; /* 0: what is sent is not estimated */
    uint32_t min_outgoing_bitrate_bps;     /* bounds of the estimate; 0: none */
    uint32_t max_outgoing_bitrate_bps;
    bool consuming; /* consumers are to be expected on it */
};

int forwarder_install_transport(struct forwarder *forwarder, uint32_t worker,
                                const struct forwarder_transport *transport, uint64_t *ret_transport);
/* A plain transport, by the worker that has least to do. The sockets are bound, for RTP and for RTCP; they
 * are the forwarder's when this has succeeded, and closed with the transport. */
struct forwarder_plain {
    bool learns_address; /* from the first packet; else it comes by forwarder_connect_plain */
    bool consuming;
    int fds[2];
};

int forwarder_install_plain(struct forwarder *forwarder, const struct forwarder_plain *plain,
                            uint64_t *ret_transport);
/* RTP goes to remote, RTCP to another port of it. */
int forwarder_connect_plain(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                            uint16_t rtcp_port);

/* Makes of a fragment of 32 characters one that workers know for ours (shm/ufrag.h): to be done with each,
 * before it is installed. */
void forwarder_seal_ufrag(const struct forwarder *forwarder, char *ufrag);

int forwarder_set_ice_credentials(struct forwarder *forwarder, uint64_t transport, const char *ufrag,
                                  const char *password);
/* The worker accepts DTLS, SRTP and SRTCP from remote only after this. At most 8 a transport: -ENOSPC.
 * -EADDRINUSE where another transport gets its media. */
int forwarder_add_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote);
void forwarder_remove_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote);
/* Media goes to remote (an added tuple) from now on. nominated: by a check with the current credentials; the
 * worker answers more such checks itself, and forgets the credentials from before a restart. */
int forwarder_select_tuple(struct forwarder *forwarder, uint64_t transport, const struct sockaddr *remote,
                           bool nominated);
/* key: master key and salt, one after the other. Copied into the ring and wiped there once read; the caller
 * wipes its own. */
int forwarder_install_keys(struct forwarder *forwarder, uint64_t transport,
                           enum forwarder_srtp_profile profile, const uint8_t *receive_key,
                           const uint8_t *send_key, size_t key_bytes);
/* Removes its producers, consumers and tuples too. Stale handles are ignored, as in all remove calls. */
void forwarder_remove_transport(struct forwarder *forwarder, uint64_t transport);

/* Sends a datagram to remote by the transport's worker. Bounded: -EAGAIN when the ring is full. */
int forwarder_inject(struct forwarder *forwarder, uint32_t worker, const struct sockaddr *remote,
                     const uint8_t *data, size_t length);

/* Hands a connected TCP socket to a worker, which takes it for ICE-TCP (RFC 6544); the descriptor stays the
 * caller's, who closes it. -EAGAIN while no forwarder takes it. From then on packets come from, and can be
 * sent to, an address that differs from the same one of UDP: its other bytes must be kept, too. */
int forwarder_pass_connection(struct forwarder *forwarder, uint32_t worker, const struct sockaddr *remote,
                              int fd);

/* ortc_producer and ortc_consumer (control/ortc) say all that a worker needs to know. */
struct ortc_producer;
struct ortc_consumer;

int forwarder_install_producer(struct forwarder *forwarder, uint64_t transport,
                               const struct ortc_producer *producer, bool paused, uint64_t *ret_producer);
int forwarder_pause_producer(struct forwarder *forwarder, uint64_t producer, bool paused);
void forwarder_remove_producer(struct forwarder *forwarder, uint64_t producer);

int forwarder_install_consumer(struct forwarder *forwarder, uint64_t transport, uint64_t producer,
                               const struct ortc_consumer *consumer, unsigned priority, bool paused,
                               uint64_t *ret_consumer);
int forwarder_pause_consumer(struct forwarder *forwarder, uint64_t consumer, bool paused);
void forwarder_remove_consumer(struct forwarder *forwarder, uint64_t consumer);

/* What kolabmeetctl shows beside a handle's numbers: who it belongs to. Strings are cut to what fits. */
void forwarder_label_transport(struct forwarder *forwarder, uint64_t transport, const char *room_id,
                               const char *peer_id);
void forwarder_set_counts(struct forwarder *forwarder, uint32_t rooms, uint32_t peers);
