#include "control/gateway/accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/gateway/listener.h"
#include "control/gateway/lws_host.h"
#include "control/log.h"
#include "control/socket_name.h"

#define TAG "gateway"
#define BACKLOG 512
#define ACCEPT_PAUSE_MS 100

int accept_listen(const struct gateway_config *config, int *ret_socket, uint16_t *ret_port, char *error,
                  size_t size)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {0};
    socklen_t bound_length = sizeof(bound);
    char port[8];
    int on = 1;

    snprintf(port, sizeof(port), "%u", config->port);
    if (getaddrinfo(config->host, port, &hints, &address)) {
        snprintf(error, size, "%s is no address to listen on", config->host);
        return -EINVAL;
    }
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = 0;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        socket_name_open_families(descriptor, (sa_family_t)address->ai_family) ||
        bind(descriptor, address->ai_addr, address->ai_addrlen) || listen(descriptor, BACKLOG) ||
        getsockname(descriptor, &bound.any, &bound_length)) {
        result = -errno;
        snprintf(error, size, "cannot listen on %s port %u: %s", config->host, config->port, strerror(errno));
        if (descriptor >= 0)
            close(descriptor);
    }
    freeaddrinfo(address);
    if (result)
        return result;
    *ret_socket = descriptor;
    *ret_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return 0;
}

static void on_pause_end(lws_sorted_usec_list_t *pause)
{
    lws_rx_flow_control(lws_container_of(pause, struct listener, pause)->socket, 1);
}

static uint64_t connections_now(const struct listener *listener)
{
    return atomic_load(&listener->counters.connections_now);
}

/* Those that are being cut are in the way until libwebsockets has found their ends. */
static bool must_wait(const struct listener *listener)
{
    uint64_t now = connections_now(listener);
    return now >= listener->slot_count ||
           (now > listener->config.max_connections && TAILQ_EMPTY(&listener->strangers));
}

/* Whoever keeps connections without a whole request is not to keep others out: the oldest of them goes. */
static bool make_room(struct listener *listener)
{
    struct connection *oldest = TAILQ_FIRST(&listener->strangers);

    if (connections_now(listener) < listener->config.max_connections)
        return true;
    if (!oldest)
        return false;
    atomic_fetch_add(&listener->counters.cut, 1);
    connection_cut(oldest);
    return true;
}

void accept_connections(struct listener *listener)
{
    for (unsigned i = 0; i < ACCEPT_MAX_A_ROUND && !must_wait(listener); i++) {
        int socket = accept4(lws_get_socket_fd(listener->socket), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (socket < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                log_every_s(10, log_warn, TAG, "cannot accept: %s", strerror(errno));
                lws_rx_flow_control(listener->socket, 0);
                lws_sul_schedule(listener->lws, 0, &listener->pause, on_pause_end,
                                 ACCEPT_PAUSE_MS * LWS_US_PER_MS);
            }
            return;
        }
        if (!make_room(listener)) {
            atomic_fetch_add(&listener->counters.refused, 1);
            log_every_s(10, log_warn, TAG, "refused a connection: there are %u",
                        listener->config.max_connections);
            close(socket);
            continue;
        }
        lws_sock_file_fd_type descriptor = {.sockfd = socket};
        lws_adoption_type type = LWS_ADOPT_SOCKET;
        if (listener->config.cert_path)
            type |= LWS_ADOPT_ALLOW_SSL;
        lws_adopt_descriptor_vhost(listener->vhost, type, descriptor, LWS_HOST_PROTOCOL, NULL);
    }
}
