/* A plain transport: RTP and RTCP in the clear on two ports of its own, for encoders and recorders.
 *
 * One that is made for producing learns its remote address from the first packet of one of its producers; the
 * address of any other is given by connect. Main thread only. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct forwarder;
struct sockaddr;

struct plain_service;
struct plain_transport;

/* All of it is kept. */
struct plain_service_config {
    const char *listen_ip;
    const char *announced_address; /* one or several, as control/announced.h; or NULL */
    uint16_t port_min;
    uint16_t port_max;
    const char *targets; /* networks that may be sent to, as control/networks.h, or any; NULL: nobody */
};

int plain_service_create(const struct plain_service_config *config, struct forwarder *forwarder,
                         struct plain_service **ret_service);
/* Its transports are gone. */
void plain_service_destroy(struct plain_service *service);

/* -EADDRNOTAVAIL when no ports are free (logged and counted); -ENOSPC, -EAGAIN from the forwarder. */
int plain_transport_create(struct plain_service *service, bool producing, bool consuming,
                           struct plain_transport **ret_transport);
void plain_transport_destroy(struct plain_transport *transport);

const char *plain_transport_id(const struct plain_transport *transport); /* a uuid */
uint64_t plain_transport_handle(const struct plain_transport *transport);
bool plain_transport_is_connected(const struct plain_transport *transport);
/* Whether the remote address is learned (comedia), not given. */
bool plain_transport_learns(const struct plain_transport *transport);

/* {id, ip, port, rtcpPort}, a new reference; NULL without memory. */
json_t *plain_transport_describe(const struct plain_transport *transport);

/* The remote address {ip, port, rtcpPort}. -EALREADY the second time; -EINVAL for what is no address that one
 * may send to: of another family, multicast, broadcast, unspecified, or a plain transport's own port; -EACCES
 * for one that is not among the targets (logged and counted). Where the address is learned, it is not looked
 * at. */
int plain_transport_connect(struct plain_transport *transport, const json_t *address);
