/* One WebRTC transport of a participant: ICE, DTLS and SRTP over a local end of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dataplane/srtp.h"
#include "tools/kolabmeet-load/dtls_client.h"
#include "tools/kolabmeet-load/ice_client.h"
#include "tools/kolabmeet-load/loop.h"
#include "tools/kolabmeet-load/sink_map.h"
#include "tools/kolabmeet-load/twcc_collector.h"
#include "tools/kolabmeet-load/udp_pool.h"

struct packet_io;

struct transport_handler {
    void (*connected)(void *context);                                /* keys are there */
    void (*ended)(void *context, const char *reason);                /* not in it: transport_destroy() */
    void (*rtcp)(void *context, const uint8_t *data, size_t length); /* authentic */
};

struct transport {
    struct sink_map sinks;     /* what each packet needs comes first */
    struct srtp_session *srtp; /* NULL before the handshake is done */
    uint8_t twcc_extension;    /* id, 0: no feedback */
    struct udp_endpoint endpoint;

    struct loop *loop;
    struct packet_io *io;
    const struct dtls_identity *identity;
    struct transport_handler handler;
    void *context;
    struct udp_pool *pool;
    struct ice_client ice;
    struct dtls_client *dtls; /* NULL before */
    bool is_dtls_server;
    bool is_signaled; /* the server knows our fingerprint */
    struct srtp_transport_state srtp_state;

    struct twcc_collector twcc;
    uint16_t twcc_next; /* to be sent */
};

/* Towards remote. -errno. */
int transport_create(struct loop *loop, struct packet_io *io, struct udp_pool *pool,
                     const struct dtls_identity *identity, const struct sockaddr *remote,
                     socklen_t remote_bytes, bool is_dtls_server, const struct transport_handler *handler,
                     void *context, struct transport **ret_transport);

/* Begins ICE. -EINVAL. */
int transport_start(struct transport *transport, const char *remote_ufrag, const char *remote_password);

/* The server has our fingerprint: DTLS may begin, once ICE is done. */
void transport_signaled(struct transport *transport);

/* Not in one of its handlers, and after packet_io_flush(). */
void transport_destroy(struct transport *transport);

/* For packet_io. */
void transport_take_control(struct transport *transport, const uint8_t *data, size_t length);
