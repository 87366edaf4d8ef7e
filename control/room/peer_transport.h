/* A peer's transport, WebRTC or plain RTP, and what is counted on it: MIDs, a CNAME. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/room/peer.h"

#define PEER_TRANSPORTS_MAX 32
#define PEER_TRANSPORT_CNAME_DIGITS 8

struct plain_transport;
struct webrtc_transport;

struct peer_transport {
    struct peer *peer;
    struct webrtc_transport *webrtc; /* NULL: it is plain */
    struct plain_transport *plain;   /* NULL: it is WebRTC */
    bool producing;
    bool consuming;
    unsigned next_mid;                           /* of its next consumer */
    char cname[PEER_TRANSPORT_CNAME_DIGITS + 1]; /* of producers that come without one */
    TAILQ_ENTRY(peer_transport) link;
};

/* -EMFILE when the peer has too many, -ENOSPC or -EAGAIN from the forwarder, -ENOMEM, -EIO. */
int peer_transport_create(struct peer *peer, bool producing, bool consuming,
                          struct peer_transport **ret_transport);
/* A plain one; -EADDRNOTAVAIL too, when no ports are free. */
int peer_transport_create_plain(struct peer *peer, bool producing, bool consuming,
                                struct peer_transport **ret_transport);
/* Its producers and consumers must be gone. */
void peer_transport_destroy(struct peer_transport *transport);

const char *peer_transport_id(const struct peer_transport *transport);
/* The forwarder's. */
uint64_t peer_transport_handle(const struct peer_transport *transport);
