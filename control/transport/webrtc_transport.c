#include "control/transport/webrtc_transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/counters.h"
#include "control/forwarder/forwarder.h"
#include "control/ids.h"
#include "control/log.h"
#include "control/transport/webrtc_private.h"

/* ICE: what the agent asks for is done by the forwarder
 * ------------------------------------------------------ */

static int add_tuple(void *context, const struct sockaddr *remote)
{
    struct webrtc_transport *transport = context;
    return forwarder_add_tuple(transport->service->forwarder, transport->handle, remote);
}

static void remove_tuple(void *context, const struct sockaddr *remote)
{
    struct webrtc_transport *transport = context;
    forwarder_remove_tuple(transport->service->forwarder, transport->handle, remote);
}

static int select_tuple(void *context, const struct sockaddr *remote, bool nominated)
{
    struct webrtc_transport *transport = context;
    return forwarder_select_tuple(transport->service->forwarder, transport->handle, remote, nominated);
}

static void send_datagram(void *context, const struct sockaddr *remote, const uint8_t *data, size_t length)
{
    struct webrtc_transport *transport = context;
    (void)forwarder_inject(transport->service->forwarder, transport->worker, remote, data, length);
}

static const struct ice_actions ice_actions = {add_tuple, remove_tuple, select_tuple, send_datagram};

/* DTLS
 * ------------------------------------------------------------------------------------------------------- */

static void dtls_send(void *context, const uint8_t *data, size_t length)
{
    struct webrtc_transport *transport = context;
    const struct sockaddr *remote = ice_agent_selected(&transport->ice);
    if (remote)
        send_datagram(transport, remote, data, length);
}

_Static_assert((int)DTLS_SRTP_AES128_CM_SHA1_80 == (int)FORWARDER_AES128_CM_SHA1_80 &&
                   (int)DTLS_SRTP_AEAD_AES_256_GCM == (int)FORWARDER_AEAD_AES_256_GCM,
               "SRTP profiles are numbered alike");

static void dtls_connected(void *context, const struct dtls_srtp_keys *keys)
{
    struct webrtc_transport *transport = context;
    int err = forwarder_install_keys(transport->service->forwarder, transport->handle,
                                     (enum forwarder_srtp_profile)keys->profile, keys->receive, keys->send,
                                     keys->bytes);
    transport->dtls_state = err == 0 ? WEBRTC_DTLS_CONNECTED : WEBRTC_DTLS_FAILED;
    log_debug("dtls", "transport %s connected, SRTP profile %d", transport->id, (int)keys->profile);
}

static void dtls_ended(void *context, enum dtls_state state, const char *reason)
{
    struct webrtc_transport *transport = context;
    transport->dtls_state = state == DTLS_CLOSED ? WEBRTC_DTLS_CLOSED : WEBRTC_DTLS_FAILED;
    log_info("dtls", "transport %s: %s", transport->id, reason);
}

static const struct dtls_handler dtls_handler = {dtls_send, dtls_connected, dtls_ended};

/* Needs a pair to send on and a peer to expect. */
static void start_dtls(struct webrtc_transport *transport)
{
    struct webrtc_service *service = transport->service;

    if (transport->dtls_state != WEBRTC_DTLS_NEW || !transport->is_connected ||
        !ice_agent_selected(&transport->ice))
        return;
    transport->dtls_state = WEBRTC_DTLS_CONNECTING;
    if (dtls_association_create(service->dtls, service->base, &transport->peer, &dtls_handler, transport,
                                &transport->dtls) != 0) {
        transport->dtls_state = WEBRTC_DTLS_FAILED;
        return;
    }
    if (transport->pending)
        dtls_association_receive(transport->dtls, transport->pending, transport->pending_length);
    free(transport->pending);
    transport->pending = NULL;
}

static void keep_pending(struct webrtc_transport *transport, const uint8_t *data, size_t length)
{
    if (length > WEBRTC_PENDING_BYTES)
        return;
    if (!transport->pending)
        transport->pending = malloc(WEBRTC_PENDING_BYTES);
    if (!transport->pending)
        return;
    memcpy(transport->pending, data, length);
    transport->pending_length = length;
}

void webrtc_transport_stun(struct webrtc_transport *transport, const struct sockaddr *remote,
                           const struct stun_message *message)
{
    enum ice_result result = ice_agent_receive(&transport->ice, remote, message);
    if (result == ICE_UNAUTHENTICATED)
        counters_count(COUNTER_CHECKS_REFUSED);
    if (result != ICE_ANSWERED)
        return;
    if (transport->previous.ufrag[0] && !transport->ice.previous.ufrag[0]) {
        HASH_DEL(transport->service->by_ufrag, &transport->previous);
        transport->previous.ufrag[0] = 0;
    }
    start_dtls(transport);
}

void webrtc_transport_dtls(struct webrtc_transport *transport, const struct sockaddr *remote,
                           const uint8_t *data, size_t length)
{
    if (!ice_agent_knows(&transport->ice, remote))
        return;
    if (transport->dtls)
        dtls_association_receive(transport->dtls, data, length);
    else
        keep_pending(transport, data, length);
}

void webrtc_transport_consent(struct webrtc_transport *transport, bool lost)
{
    if (lost)
        ice_agent_lose_consent(&transport->ice);
    else
        ice_agent_regain_consent(&transport->ice);
    log_debug("ice", "transport %s %s consent", transport->id, lost ? "lost" : "regained");
}

/* Made and unmade
 * -------------------------------------------------------------------------------------------- */

static void map_ufrag(struct webrtc_transport *transport, struct webrtc_ufrag *entry, const char *ufrag)
{
    memcpy(entry->ufrag, ufrag, sizeof entry->ufrag);
    entry->transport = transport;
    HASH_ADD(hh, transport->service->by_ufrag, ufrag, ICE_CREDENTIAL_CHARACTERS, entry);
}

int webrtc_transport_create(struct webrtc_service *service, bool consuming,
                            struct webrtc_transport **ret_transport)
{
    struct webrtc_transport *made = calloc(1, sizeof *made);
    struct ice_credentials credentials;
    int err;

    if (!made)
        return -ENOMEM;
    made->service = service;
    made->worker = forwarder_pick_worker(service->forwarder);
    err = ids_uuid(made->id);
    if (err == 0)
        err = ice_credentials_make(made->worker, &credentials);
    if (err == 0) {
        forwarder_seal_ufrag(service->forwarder, credentials.ufrag);
        const struct forwarder_transport install = {
            .ice_ufrag = credentials.ufrag,
            .ice_password = credentials.password,
            .max_incoming_bitrate_bps = service->max_incoming_bitrate_bps,
            .initial_outgoing_bitrate_bps = service->initial_outgoing_bitrate_bps,
            .min_outgoing_bitrate_bps = service->min_outgoing_bitrate_bps,
            .max_outgoing_bitrate_bps = service->max_outgoing_bitrate_bps,
            .consuming = consuming};
        err = forwarder_install_transport(service->forwarder, made->worker, &install, &made->handle);
    }
    if (err != 0) {
        free(made);
        return err;
    }
    ice_agent_init(&made->ice, &credentials, &ice_actions, made);
    map_ufrag(made, &made->current, credentials.ufrag);
    HASH_ADD(hh, service->by_handle, handle, sizeof made->handle, made);
    *ret_transport = made;
    return 0;
}

void webrtc_transport_destroy(struct webrtc_transport *transport)
{
    if (!transport)
        return;
    struct webrtc_service *service = transport->service;
    HASH_DEL(service->by_handle, transport);
    HASH_DEL(service->by_ufrag, &transport->current);
    if (transport->previous.ufrag[0])
        HASH_DEL(service->by_ufrag, &transport->previous);
    dtls_association_destroy(transport->dtls);
    free(transport->pending);
    forwarder_remove_transport(service->forwarder, transport->handle);
    free(transport);
}

const char *webrtc_transport_id(const struct webrtc_transport *transport)
{
    return transport->id;
}

uint64_t webrtc_transport_handle(const struct webrtc_transport *transport)
{
    return transport->handle;
}

enum webrtc_ice_state webrtc_transport_ice_state(const struct webrtc_transport *transport)
{
    static const enum webrtc_ice_state states[] = {[ICE_NEW] = WEBRTC_ICE_NEW,
                                                   [ICE_CONNECTED] = WEBRTC_ICE_CONNECTED,
                                                   [ICE_COMPLETED] = WEBRTC_ICE_COMPLETED,
                                                   [ICE_DISCONNECTED] = WEBRTC_ICE_DISCONNECTED};
    return states[transport->ice.state];
}

enum webrtc_dtls_state webrtc_transport_dtls_state(const struct webrtc_transport *transport)
{
    return transport->dtls_state;
}

/* What signaling asks for
 * ------------------------------------------------------------------------------------ */

static json_t *ice_parameters(const struct webrtc_transport *transport)
{
    const struct ice_credentials *credentials = &transport->ice.credentials;
    return json_pack("{s:s, s:s, s:b}", "usernameFragment", credentials->ufrag, "password",
                     credentials->password, "iceLite", 1);
}

int webrtc_transport_describe(const struct webrtc_transport *transport, bool force_tcp,
                              json_t **ret_description)
{
    const struct webrtc_service *service = transport->service;
    json_t *candidates = force_tcp ? service->tcp_candidates : service->candidates;

    if (json_array_size(candidates) == 0)
        return -ENOTSUP;
    json_t *made = json_pack("{s:s, s:o, s:O, s:{s:O, s:s}}", "id", transport->id, "iceParameters",
                             ice_parameters(transport), "iceCandidates", candidates, "dtlsParameters",
                             "fingerprints", service->fingerprints, "role", "auto");
    if (!made)
        return -ENOMEM;
    *ret_description = made;
    return 0;
}

int webrtc_transport_connect(struct webrtc_transport *transport, const struct dtls_parameters *parameters)
{
    if (transport->is_connected)
        return -EALREADY;
    transport->is_connected = true;
    transport->peer = *parameters;
    start_dtls(transport);
    return 0;
}

json_t *webrtc_transport_restart_ice(struct webrtc_transport *transport)
{
    struct webrtc_service *service = transport->service;
    struct ice_credentials credentials;

    if (ice_credentials_make(transport->worker, &credentials) != 0)
        return NULL;
    forwarder_seal_ufrag(service->forwarder, credentials.ufrag);
    if (forwarder_set_ice_credentials(service->forwarder, transport->handle, credentials.ufrag,
                                      credentials.password) != 0)
        return NULL;
    if (transport->previous.ufrag[0])
        HASH_DEL(service->by_ufrag, &transport->previous);
    HASH_DEL(service->by_ufrag, &transport->current);
    map_ufrag(transport, &transport->previous, transport->ice.credentials.ufrag);
    map_ufrag(transport, &transport->current, credentials.ufrag);
    ice_agent_restart(&transport->ice, &credentials);
    return ice_parameters(transport);
}
