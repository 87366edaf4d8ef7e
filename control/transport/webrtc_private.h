/* What webrtc_service.c and webrtc_transport.c share. */
#pragma once

#include <event2/event.h>

/* uthash's default function falls through cases in a way that clang warns of. The keys are ours: no one can
 * make them collide. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "control/ids.h"
#include "control/transport/dtls_association.h"
#include "control/transport/ice_agent.h"
#include "control/transport/ice_tcp.h"
#include "control/transport/webrtc_transport.h"

#define WEBRTC_PENDING_BYTES 1500

struct webrtc_service {
    struct event_base *base;
    struct forwarder *forwarder;
    struct dtls_certificate certificate;
    struct dtls_context *dtls;
    json_t *fingerprints;
    json_t *candidates;
    json_t *tcp_candidates; /* those of them that are TCP */
    struct ice_tcp *tcp;    /* NULL: somebody else has the port */
    uint32_t max_incoming_bitrate_bps;
    uint32_t initial_outgoing_bitrate_bps;
    uint32_t min_outgoing_bitrate_bps;
    uint32_t max_outgoing_bitrate_bps;
    struct webrtc_ufrag *by_ufrag;
    struct webrtc_transport *by_handle;
};

/* One way to find a transport: the current user name fragment, or the one before an ICE restart. */
struct webrtc_ufrag {
    char ufrag[ICE_CREDENTIAL_CHARACTERS + 1];
    struct webrtc_transport *transport;
    UT_hash_handle hh;
};

struct webrtc_transport {
    struct webrtc_service *service;
    char id[IDS_UUID_BYTES];
    uint64_t handle; /* of the forwarder */
    uint32_t worker;
    struct ice_agent ice;
    struct webrtc_ufrag current;
    struct webrtc_ufrag previous; /* ufrag "" unless it is in the map */
    bool is_connected;            /* connectWebRtcTransport was called */
    struct dtls_parameters peer;
    struct dtls_association *dtls;
    enum webrtc_dtls_state dtls_state;
    /* A ClientHello that came before the peer's fingerprint did. */
    uint8_t *pending; /* NULL: none did */
    size_t pending_length;
    UT_hash_handle hh;
};

void webrtc_transport_stun(struct webrtc_transport *transport, const struct sockaddr *remote,
                           const struct stun_message *message);
void webrtc_transport_dtls(struct webrtc_transport *transport, const struct sockaddr *remote,
                           const uint8_t *data, size_t length);
void webrtc_transport_consent(struct webrtc_transport *transport, bool lost);
