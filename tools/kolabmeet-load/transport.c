#include "tools/kolabmeet-load/transport.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/wire/demux.h"
#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io.h"

#define SOCKET_BUFFER_BYTES (4 << 20)

static void readable(void *context, uint32_t events)
{
    struct transport *transport = context;
    (void)events;
    packet_io_receive(transport->io, transport);
}

static int open_socket(struct transport *transport, const struct sockaddr *remote, socklen_t remote_bytes)
{
    const int one = 1;
    const int buffer_bytes = SOCKET_BUFFER_BYTES;

    transport->watch.fd = socket(remote->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (transport->watch.fd < 0)
        return -errno;
    int fd = transport->watch.fd;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    if (connect(fd, remote, remote_bytes) != 0)
        return -errno;
    return loop_watch_add(transport->loop, &transport->watch, EPOLLIN);
}

int transport_create(struct loop *loop, struct packet_io *io, const struct dtls_identity *identity,
                     const struct sockaddr *remote, socklen_t remote_bytes, bool is_dtls_server,
                     const struct transport_handler *handler, void *context, struct transport **ret_transport)
{
    struct transport *transport = memory_take(1, sizeof *transport);

    transport->loop = loop;
    transport->io = io;
    transport->identity = identity;
    transport->handler = *handler;
    transport->context = context;
    transport->is_dtls_server = is_dtls_server;
    transport->watch = (struct loop_watch){.fd = -1, .ready = readable, .context = transport};
    int error = open_socket(transport, remote, remote_bytes);
    if (error != 0) {
        transport_destroy(transport);
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
    if (transport->watch.fd >= 0) {
        loop_watch_remove(transport->loop, &transport->watch);
        close(transport->watch.fd);
    }
    sink_map_deinit(&transport->sinks);
    free(transport);
}

static void send_control(void *context, const uint8_t *data, size_t length)
{
    struct transport *transport = context;
    (void)!send(transport->watch.fd, data, length, 0); /* lost as on any network: it is repeated */
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

uint64_t transport_socket_drops(const struct transport *transport)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;

    if (getsockopt(transport->watch.fd, SOL_SOCKET, SO_MEMINFO, info, &length) != 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}
