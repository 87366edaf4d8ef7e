/* What a peer sends: one microphone, camera or screen. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/ids.h"
#include "control/ortc/types.h"
#include "control/room/peer.h"

#define PEER_PRODUCERS_MAX 32
#define TRANSPORT_PRODUCERS_MAX 16

struct ortc_producer;

struct producer {
    char id[IDS_UUID_BYTES];
    struct peer *peer;
    struct peer_transport *transport;
    struct ortc_producer *ortc;
    uint64_t handle; /* the forwarder's */
    json_t *app_data;
    bool paused;
    bool silenced; /* its peer may not publish any more */
    TAILQ_HEAD(, consumer) consumers;
    TAILQ_ENTRY(producer) link;
};

/* Takes over nothing; app_data is referenced. -EINVAL and -ENOTSUP for bad parameters, -EEXIST for a stream
 * that the transport already has, -EMFILE when the peer has too many, -ENOSPC or -EAGAIN from the forwarder,
 * -ENOMEM, -EIO. */
int producer_create(struct peer_transport *transport, enum media_kind kind, const json_t *rtp_parameters,
                    json_t *app_data, struct producer **ret_producer);
/* Closes its consumers, whose peers are told, and frees it. */
void producer_close(struct producer *producer);

/* Consumers for every other joined peer that can decode it and has none yet. */
void producer_offer(struct producer *producer);
/* Tells the consumers' peers, if it is a change. An error of the forwarder changes nothing. */
int producer_pause(struct producer *producer, bool paused);
/* What the forwarder hears of it, see floor.h. */
void producer_heard(const struct producer *producer, unsigned loudness, unsigned speech, uint64_t now_ms);
/* Stops its forwarding, or lets it go on, without a word to anybody. One that can't be stopped is closed. */
void producer_silence(struct producer *producer, bool silenced);
