#include "tools/kolabmeet-load/transport.h"

#include <stdlib.h>

#include "proto/wire/demux.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io.h"

int transport_create(struct loop *loop, struct packet_io *io, struct udp_pool *pool,
                     const struct dtls_identity *identity, const struct sockaddr *remote,
                     socklen_t remote_bytes, bool is_dtls_server, const struct transport_handler *handler,
                     void *context, struct transport **ret_transport)
{
    struct transport *transport = memory_take(1, sizeof *transport);

    transport->loop = loop;
    transport->io = io;
    transport->pool = pool;
    transport->identity = identity;
    transport->handler = *handler;
    transport->context = context;
    transport->is_dtls_server = is_dtls_server;
    int error = udp_pool_take(pool, transport, remote, remote_bytes, &transport->endpoint);
    if (error != 0) {
        free(transport);
        return error;
    }
    *ret_transport = transport;
    return 0;
}

void transport_destroy(struct transport *transport)
{
    if (!transport)
        return;
    ice_client_stop(&transport->ice);
    dtls_client_destroy(transport->dtls);
    if (transport->srtp)
        packet_io_end_session(transport->io, transport);
    udp_pool_give(transport->pool, &transport->endpoint);
    sink_map_deinit(&transport->sinks);
    free(transport);
}

static void send_control(void *context, const uint8_t *data, size_t length)
{
    struct transport *transport = context;
    udp_endpoint_send(&transport->endpoint, data, length);
}

static void ended(void *context, const char *reason)
{
    struct transport *transport = context;
    transport->handler.ended(transport->context, reason);
}

static void dtls_connected(void *context, const struct dtls_keys *keys)
{
    struct transport *transport = context;

    if (packet_io_begin_session(transport->io, transport, keys) != 0)
        ended(transport, "no SRTP session could be made");
    else
        transport->handler.connected(transport->context);
}

static void start_dtls(struct transport *transport)
{
    static const struct dtls_client_handler handler = {send_control, dtls_connected, ended};

    if (transport->dtls || !transport->is_signaled || !transport->ice.is_connected)
        return;
    if (dtls_client_create(transport->identity, transport->loop, transport->is_dtls_server, &handler,
                           transport, &transport->dtls) != 0)
        ended(transport, "no DTLS association could be made");
}

static void ice_connected(void *context)
{
    start_dtls(context);
}

int transport_start(struct transport *transport, const char *remote_ufrag, const char *remote_password)
{
    static const struct ice_client_handler handler = {send_control, ice_connected, ended};
    return ice_client_start(&transport->ice, transport->loop, remote_ufrag, remote_password, &handler,
                            transport);
}

void transport_signaled(struct transport *transport)
{
    transport->is_signaled = true;
    start_dtls(transport);
}

void transport_take_control(struct transport *transport, const uint8_t *data, size_t length)
{
    switch (demux_classify(data, length)) {
    case DEMUX_STUN:
        ice_client_receive(&transport->ice, data, length);
        break;
    case DEMUX_DTLS:
        if (!transport->dtls)
            start_dtls(transport);
        if (transport->dtls)
            dtls_client_receive(transport->dtls, data, length);
        break;
    default:
        break;
    }
}
