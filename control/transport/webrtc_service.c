/* What all transports share, and the way from a punted packet to the transport it is for. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/announced.h"
#include "control/counters.h"
#include "control/forwarder/forwarder.h"
#include "control/log.h"
#include "control/transport/webrtc_private.h"
#include "proto/wire/stun.h"

/* RFC 8445 section 5.1.2.1 as the old server has it: type preference 64, component 256 - 1, and a local
 * preference of 10000, plus 1000 for UDP, less 100 for each candidate before. */
static int priority_of(unsigned address, bool is_tcp)
{
    unsigned rank = 2 * address + (is_tcp ? 1 : 0);
    return (int)(64u << 24 | (10000u + (is_tcp ? 0 : 1000) - 100 * rank) << 8 | 255);
}

/* Candidates of one base have a foundation of their own (section 5.1.1.3). */
static json_t *make_candidate(const char *address, unsigned number, uint16_t port, bool is_tcp)
{
    char foundation[24];
    snprintf(foundation, sizeof foundation, number > 0 ? "%scandidate%u" : "%scandidate",
             is_tcp ? "tcp" : "udp", number);
    return json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:s, s:s*}", "foundation", foundation, "priority",
                     priority_of(number, is_tcp), "ip", address, "address", address, "protocol",
                     is_tcp ? "tcp" : "udp", "port", (int)port, "type", "host", "tcpType",
                     is_tcp ? "passive" : NULL);
}

static int make_candidates(struct webrtc_service *service, const struct webrtc_service_config *config)
{
    struct announced announced;
    int err = announced_parse(config->announced_address ? config->announced_address : config->listen_ip,
                              &announced);

    service->candidates = json_array();
    service->tcp_candidates = json_array();
    for (unsigned i = 0; err == 0 && i < announced.count; i++) {
        const char *address = announced.addresses[i];
        err = json_array_append_new(service->candidates, make_candidate(address, i, config->port, false));
        if (err == 0 && service->tcp)
            err = json_array_append_new(service->tcp_candidates,
                                        make_candidate(address, i, config->port, true));
    }
    return err == 0 && json_array_extend(service->candidates, service->tcp_candidates) == 0 ? 0 : -ENOMEM;
}

static int make_certificate(const struct webrtc_service_config *config,
                            struct dtls_certificate *ret_certificate, char *ret_error, size_t error_bytes)
{
    if (config->certificate_path)
        return dtls_certificate_load(config->certificate_path, config->key_path, ret_certificate, ret_error,
                                     error_bytes);
    int err = dtls_certificate_make(ret_certificate);
    if (err != 0)
        snprintf(ret_error, error_bytes, "cannot make a DTLS certificate");
    return err;
}

/* USERNAME is <our ufrag>:<theirs> (RFC 8445 section 7.2.2). */
static struct webrtc_transport *find_by_username(struct webrtc_service *service,
                                                 const struct stun_message *message)
{
    struct webrtc_ufrag *found = NULL;
    const char *colon = message->username ? memchr(message->username, ':', message->username_length) : NULL;
    if (!colon)
        return NULL;
    HASH_FIND(hh, service->by_ufrag, message->username, (unsigned)(colon - message->username), found);
    return found ? found->transport : NULL;
}

/* TCP: whoever begins with a check that would be answered goes to its transport's worker
 * ------------------------------------------------------------------------------ */

static bool check_visitor(void *context, const uint8_t *data, size_t length, uint32_t *ret_worker)
{
    struct webrtc_service *service = context;
    struct stun_message message;
    struct webrtc_transport *transport =
        stun_parse(data, length, &message) == 0 ? find_by_username(service, &message) : NULL;

    if (!transport || !ice_agent_trusts(&transport->ice, &message)) {
        counters_count(COUNTER_CHECKS_REFUSED);
        return false;
    }
    *ret_worker = transport->worker;
    return true;
}

static void pass_visitor(void *context, uint32_t worker, const struct sockaddr *remote, int fd)
{
    struct webrtc_service *service = context;
    int err = forwarder_pass_connection(service->forwarder, worker, remote, fd);
    if (err != 0)
        log_every_s(5, log_warn, "ice", "a TCP connection cannot be passed on: %s", strerror(-err));
    close(fd);
}

/* The port may be that of the signaling server: then there is UDP alone. */
static void listen_tcp(struct webrtc_service *service, const struct webrtc_service_config *config)
{
    static const struct ice_tcp_handler handler = {check_visitor, pass_visitor};
    const struct ice_tcp_config tcp = {config->listen_ip, config->port, ICE_TCP_PATIENCE_MS};
    int err = ice_tcp_create(&tcp, service->base, &handler, service, &service->tcp);
    if (err != 0)
        log_warn("ice", "no media over TCP, port %u of %s: %s", config->port, config->listen_ip,
                 strerror(-err));
}

int webrtc_service_create(const struct webrtc_service_config *config, struct event_base *base,
                          struct forwarder *forwarder, struct webrtc_service **ret_service, char *ret_error,
                          size_t error_bytes)
{
    struct webrtc_service *made = calloc(1, sizeof *made);
    int err = -ENOMEM;

    snprintf(ret_error, error_bytes, "out of memory");
    if (!made)
        return err;
    made->base = base;
    made->forwarder = forwarder;
    made->max_incoming_bitrate_bps = config->max_incoming_bitrate_bps;
    made->initial_outgoing_bitrate_bps = config->initial_outgoing_bitrate_bps;
    made->min_outgoing_bitrate_bps = config->min_outgoing_bitrate_bps;
    made->max_outgoing_bitrate_bps = config->max_outgoing_bitrate_bps;
    if ((err = make_certificate(config, &made->certificate, ret_error, error_bytes)) != 0)
        goto fail;
    if ((err = dtls_context_create(&made->certificate, &made->dtls)) != 0) {
        snprintf(ret_error, error_bytes, "cannot set up DTLS with this certificate");
        goto fail;
    }
    made->fingerprints = dtls_certificate_fingerprints(&made->certificate);
    listen_tcp(made, config);
    err = make_candidates(made, config);
    if (!made->fingerprints || err != 0) {
        err = -ENOMEM;
        goto fail;
    }
    *ret_service = made;
    return 0;
fail:
    webrtc_service_destroy(made);
    return err;
}

void webrtc_service_destroy(struct webrtc_service *service)
{
    struct webrtc_transport *transport;
    struct webrtc_transport *next;
    if (!service)
        return;
    HASH_ITER(hh, service->by_handle, transport, next)
    {
        webrtc_transport_destroy(transport);
    }
    json_decref(service->fingerprints);
    json_decref(service->candidates);
    json_decref(service->tcp_candidates);
    ice_tcp_destroy(service->tcp);
    dtls_context_destroy(service->dtls);
    dtls_certificate_deinit(&service->certificate);
    free(service);
}

static struct webrtc_transport *find_by_handle(struct webrtc_service *service, uint64_t handle)
{
    struct webrtc_transport *found = NULL;
    HASH_FIND(hh, service->by_handle, &handle, sizeof handle, found);
    return found;
}

void webrtc_service_stun(struct webrtc_service *service, uint64_t handle, uint32_t worker,
                         const struct sockaddr *remote, const uint8_t *data, size_t length)
{
    struct stun_message message;
    struct webrtc_transport *transport = NULL;

    (void)handle;
    (void)worker; /* with several workers the steering sends a check to the transport's own */
    if (stun_parse(data, length, &message) == 0)
        transport = find_by_username(service, &message);
    if (transport)
        webrtc_transport_stun(transport, remote, &message);
    else
        counters_count(COUNTER_CHECKS_REFUSED);
}

void webrtc_service_dtls(struct webrtc_service *service, uint64_t handle, uint32_t worker,
                         const struct sockaddr *remote, const uint8_t *data, size_t length)
{
    struct webrtc_transport *transport = find_by_handle(service, handle);
    (void)worker;
    if (transport)
        webrtc_transport_dtls(transport, remote, data, length);
}

void webrtc_service_consent(struct webrtc_service *service, uint64_t handle, bool lost)
{
    struct webrtc_transport *transport = find_by_handle(service, handle);
    if (transport)
        webrtc_transport_consent(transport, lost);
}
