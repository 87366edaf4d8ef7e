/* A WebRTC transport: ICE-lite agent, DTLS association and the forwarder's handle, under one id.
 *
 * The service owns what all transports share: the DTLS certificate, candidate addresses, the map from ufrag
 * to transport, and takes STUN and DTLS packets from the forwarder. Main thread only. */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct forwarder;
struct dtls_parameters; /* control/ortc/dtls_parameters.h */

struct webrtc_service;
struct webrtc_transport;

struct webrtc_service_config {
    const char *listen_ip;
    const char *announced_address; /* one or several, as control/announced.h; or NULL */
    uint16_t port;
    const char *certificate_path; /* PEM, or NULL for one made at start (ECDSA P-256) */
    const char *key_path;
    uint32_t max_incoming_bitrate_bps;
    uint32_t initial_outgoing_bitrate_bps;
    uint32_t min_outgoing_bitrate_bps;
    uint32_t max_outgoing_bitrate_bps;
};

int webrtc_service_create(const struct webrtc_service_config *config, struct event_base *base,
                          struct forwarder *forwarder, struct webrtc_service **ret_service, char *ret_error,
                          size_t error_bytes);
void webrtc_service_destroy(struct webrtc_service *service);

/* What the forwarder's handler hands on. */
void webrtc_service_stun(struct webrtc_service *service, uint64_t handle, uint32_t worker,
                         const struct sockaddr *remote, const uint8_t *data, size_t length);
void webrtc_service_dtls(struct webrtc_service *service, uint64_t handle, uint32_t worker,
                         const struct sockaddr *remote, const uint8_t *data, size_t length);
void webrtc_service_consent(struct webrtc_service *service, uint64_t handle, bool lost);

enum webrtc_ice_state { WEBRTC_ICE_NEW, WEBRTC_ICE_CONNECTED, WEBRTC_ICE_COMPLETED, WEBRTC_ICE_DISCONNECTED };
enum webrtc_dtls_state {
    WEBRTC_DTLS_NEW,
    WEBRTC_DTLS_CONNECTING,
    WEBRTC_DTLS_CONNECTED,
    WEBRTC_DTLS_FAILED,
    WEBRTC_DTLS_CLOSED
};

/* -ENOSPC when the forwarder's tables are full, -EAGAIN while it is away. */
int webrtc_transport_create(struct webrtc_service *service, bool consuming,
                            struct webrtc_transport **ret_transport);
void webrtc_transport_destroy(struct webrtc_transport *transport);

const char *webrtc_transport_id(const struct webrtc_transport *transport); /* a uuid */
uint64_t webrtc_transport_handle(const struct webrtc_transport *transport);
enum webrtc_ice_state webrtc_transport_ice_state(const struct webrtc_transport *transport);
enum webrtc_dtls_state webrtc_transport_dtls_state(const struct webrtc_transport *transport);

/* {id, iceParameters, iceCandidates, dtlsParameters}, a new reference. force_tcp: with TCP candidates only,
 * -ENOTSUP when there is none. */
int webrtc_transport_describe(const struct webrtc_transport *transport, bool force_tcp,
                              json_t **ret_description);

/* Fixes the DTLS roles and the fingerprint to expect. -EALREADY the second time. */
int webrtc_transport_connect(struct webrtc_transport *transport, const struct dtls_parameters *parameters);

/* New ufrag and password; the old pair goes on until a new one is nominated. The new iceParameters, or NULL
 * when the forwarder is away. */
json_t *webrtc_transport_restart_ice(struct webrtc_transport *transport);
