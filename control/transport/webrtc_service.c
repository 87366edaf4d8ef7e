/* What all transports share, and the way from a punted packet to the transport it is for. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/log.h"
#include "control/transport/webrtc_private.h"
#include "proto/wire/stun.h"

/* RFC 8445 section 5.1.2.1 as the old server has it: type preference 64, local preference 11000 - 1000 =
 * 10000 for the first address, plus 1000 for UDP, component 256 - 1. */
#define UDP_PRIORITY 1076558079

static json_t *make_candidates(const struct webrtc_service_config *config)
{
    const char *address = config->announced_address ? config->announced_address : config->listen_ip;
    json_t *udp = json_pack("{s:s, s:i, s:s, s:s, s:s, s:i, s:s}", "foundation", "udpcandidate", "priority",
                            UDP_PRIORITY, "ip", address, "address", address, "protocol", "udp", "port",
                            (int)config->port, "type", "host");
    return json_pack("[o]", udp);
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
    if ((err = make_certificate(config, &made->certificate, ret_error, error_bytes)) != 0)
        goto fail;
    if ((err = dtls_context_create(&made->certificate, &made->dtls)) != 0) {
        snprintf(ret_error, error_bytes, "cannot set up DTLS with this certificate");
        goto fail;
    }
    made->fingerprints = dtls_certificate_fingerprints(&made->certificate);
    made->candidates = make_candidates(config);
    if (!made->fingerprints || !made->candidates) {
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
    dtls_context_destroy(service->dtls);
    dtls_certificate_deinit(&service->certificate);
    free(service);
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
        service->unauthenticated++;
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
