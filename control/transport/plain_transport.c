#include "control/transport/plain_transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/announced.h"
#include "control/counters.h"
#include "control/forwarder/forwarder.h"
#include "control/forwarder/media_socket.h"
#include "control/ids.h"
#include "control/json_input.h"
#include "control/log.h"
#include "control/transport/plain_ports.h"
#include "control/transport/plain_targets.h"

struct plain_service {
    struct plain_service_config config;
    struct announced announced; /* or else listen_ip */
    struct forwarder *forwarder;
    struct plain_ports *ports;
    struct plain_targets *targets;
};

struct plain_transport {
    struct plain_service *service;
    char id[IDS_UUID_BYTES];
    uint64_t handle;
    uint16_t port; /* of RTP; RTCP has the next one */
    bool learns;
    bool is_connected;
};

int plain_service_create(const struct plain_service_config *config, struct forwarder *forwarder,
                         struct plain_service **ret_service)
{
    struct plain_service *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->config = *config;
    made->forwarder = forwarder;
    int err = announced_parse(config->announced_address ? config->announced_address : config->listen_ip,
                              &made->announced);
    if (err == 0)
        err = plain_targets_create(config->targets, config->listen_ip, &made->targets);
    if (err == 0)
        err = plain_ports_create(config->listen_ip, config->port_min, config->port_max, &made->ports);
    if (err != 0) {
        plain_targets_destroy(made->targets);
        free(made);
        return err;
    }
    *ret_service = made;
    return 0;
}

void plain_service_destroy(struct plain_service *service)
{
    if (!service)
        return;
    plain_ports_destroy(service->ports);
    plain_targets_destroy(service->targets);
    free(service);
}

static int open_ports(struct plain_service *service, int ret_fds[2], uint16_t *ret_port)
{
    int err = plain_ports_open(service->ports, ret_fds, ret_port);
    if (err == 0)
        return 0;
    counters_count(COUNTER_PLAIN_PORTS);
    if (err == -EADDRNOTAVAIL)
        log_every_s(5, log_error, "plain", "no ports are free from PLAIN_PORT_MIN %u to PLAIN_PORT_MAX %u",
                    service->config.port_min, service->config.port_max);
    else
        log_every_s(5, log_error, "plain", "no sockets for plain RTP: %s", strerror(-err));
    return err;
}

static int install(struct plain_transport *transport, bool consuming)
{
    struct plain_service *service = transport->service;
    struct forwarder_plain plain = {.learns_address = transport->learns, .consuming = consuming};
    int err = open_ports(service, plain.fds, &transport->port);
    if (err != 0)
        return err;
    err = forwarder_install_plain(service->forwarder, &plain, &transport->handle);
    if (err != 0) {
        close(plain.fds[0]);
        close(plain.fds[1]);
        plain_ports_release(service->ports, transport->port);
    }
    return err;
}

int plain_transport_create(struct plain_service *service, bool producing, bool consuming,
                           struct plain_transport **ret_transport)
{
    struct plain_transport *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->service = service;
    made->learns = producing;
    int err = ids_uuid(made->id);
    if (err == 0)
        err = install(made, consuming);
    if (err != 0) {
        free(made);
        return err;
    }
    log_debug("plain", "transport %s on ports %u and %u", made->id, made->port, made->port + 1u);
    *ret_transport = made;
    return 0;
}

void plain_transport_destroy(struct plain_transport *transport)
{
    if (!transport)
        return;
    forwarder_remove_transport(transport->service->forwarder, transport->handle);
    plain_ports_release(transport->service->ports, transport->port);
    free(transport);
}

const char *plain_transport_id(const struct plain_transport *transport)
{
    return transport->id;
}

uint64_t plain_transport_handle(const struct plain_transport *transport)
{
    return transport->handle;
}

bool plain_transport_is_connected(const struct plain_transport *transport)
{
    return transport->is_connected;
}

bool plain_transport_learns(const struct plain_transport *transport)
{
    return transport->learns;
}

/* The answer has room for one: the first of the family that the ports are of, if there is any. */
static const char *address_to_tell(const struct plain_service *service)
{
    bool is_6 = strchr(service->config.listen_ip, ':') != NULL;
    for (size_t i = 0; i < service->announced.count; i++)
        if ((strchr(service->announced.addresses[i], ':') != NULL) == is_6)
            return service->announced.addresses[i];
    return service->announced.addresses[0];
}

json_t *plain_transport_describe(const struct plain_transport *transport)
{
    return json_pack("{s:s, s:s, s:i, s:i}", "id", transport->id, "ip", address_to_tell(transport->service),
                     "port", (int)transport->port, "rtcpPort", transport->port + 1);
}

static bool read_port(const json_t *value, uint16_t *ret_port)
{
    json_int_t port = json_integer_value(value); /* 0 for what is no integer */
    if (port < 1 || port > 65535)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

static bool may_send_to_4(const struct in_addr *ip)
{
    uint32_t host = ntohl(ip->s_addr);
    return host >> 24 != 0 && host >> 28 < 0xe; /* 0.0.0.0/8; multicast, reserved, broadcast */
}

static bool may_send_to_6(const struct in6_addr *ip)
{
    return !IN6_IS_ADDR_UNSPECIFIED(ip) && !IN6_IS_ADDR_MULTICAST(ip) && !IN6_IS_ADDR_V4MAPPED(ip);
}

/* An address of the family that the ports are of. */
static bool read_address(const char *listen_ip, const char *ip, uint16_t port, struct sockaddr_storage *ret)
{
    bool is_6 = strchr(listen_ip, ':') != NULL;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (!is_6 && inet_pton(AF_INET, ip, &in.sin_addr) == 1 && may_send_to_4(&in.sin_addr))
        memcpy(ret, &in, sizeof in);
    else if (is_6 && inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1 && may_send_to_6(&in6.sin6_addr))
        memcpy(ret, &in6, sizeof in6);
    else
        return false;
    return true;
}

/* That of a network this machine is in: the kernel knows, and lets only those connect who ask to broadcast.
 */
static bool is_broadcast(const struct sockaddr_storage *remote)
{
    int fd = socket(remote->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)remote, sizeof *remote) != 0 && errno == EACCES;
    close(fd);
    return refused;
}

/* However it is written, and also when the ports are bound to 0.0.0.0: who can bind to it has it. */
static bool is_own_address(const struct plain_service *service, const char *ip)
{
    int fd;
    for (size_t i = 0; i < service->announced.count; i++)
        if (strcmp(ip, service->announced.addresses[i]) == 0)
            return true;
    if (media_socket_open(ip, 0, &fd) != 0)
        return false;
    close(fd);
    return true;
}

/* What goes from transport to transport may go in circles. A port that is free may be a transport's soon. */
static bool is_own_port(const struct plain_service *service, const char *ip, uint16_t port)
{
    return plain_ports_covers(service->ports, port) && is_own_address(service, ip);
}

static bool is_target(const struct plain_service *service, const char *ip)
{
    if (plain_targets_have(service->targets, ip))
        return true;
    counters_count(COUNTER_PLAIN_TARGETS_REFUSED);
    log_every_s(10, log_warn, "plain", "refused to send to %s, which is not in PLAIN_TARGETS", ip);
    return false;
}

int plain_transport_connect(struct plain_transport *transport, const json_t *address)
{
    const struct plain_service_config *config = &transport->service->config;
    const char *ip = json_input_text(json_object_get(address, "ip"));
    struct sockaddr_storage remote;
    uint16_t port, rtcp_port;

    if (transport->is_connected)
        return -EALREADY;
    if (transport->learns) {
        transport->is_connected = true;
        return 0;
    }
    if (!ip || !read_port(json_object_get(address, "port"), &port) ||
        !read_port(json_object_get(address, "rtcpPort"), &rtcp_port) ||
        !read_address(config->listen_ip, ip, port, &remote) || is_broadcast(&remote) ||
        is_own_port(transport->service, ip, port) || is_own_port(transport->service, ip, rtcp_port))
        return -EINVAL;
    if (!is_target(transport->service, ip))
        return -EACCES;
    int err = forwarder_connect_plain(transport->service->forwarder, transport->handle,
                                      (const struct sockaddr *)&remote, rtcp_port);
    transport->is_connected = err == 0;
    return err;
}
