#include "tools/kolabmeet-load/udp_pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/kolabmeet-load/memory.h"
#include "tools/kolabmeet-load/packet_io.h"
#include "tools/kolabmeet-load/socket_meter.h"

/* Nothing is taken of it before it is needed. A second of a machine that stands still is 400 MB at 300,000
 * packets/s. */
#define OWN_BUFFER_BYTES (16 << 20)
#define SHARED_BUFFER_BYTES (1000 << 20)
#define SETTLE_TRIES 16
#define LOOPBACK_NETWORK 0x7f010000u /* 127.1.0.0/16 */
#define LOOPBACK_SIZE 0x10000u

void udp_pool_init(struct udp_pool *pool, struct loop *loop, struct packet_io *io,
                   const struct udp_pool_settings *settings)
{
    *pool = (struct udp_pool){.loop = loop,
                              .io = io,
                              .is_sharing = settings->is_sharing,
                              .buffer_bytes = settings->buffer_bytes,
                              .is_measured = true};
    if (settings->prefix_bits > 0 && settings->prefix_bits <= 30) {
        pool->size = UINT32_C(1) << (32 - settings->prefix_bits);
        pool->network = settings->network & ~(pool->size - 1);
    }
}

/* ---- sockets */

static uint64_t drops_of(const struct udp_socket *socket)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof info;

    if (getsockopt(socket->watch.fd, SOL_SOCKET, SO_MEMINFO, info, &length) != 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}

/* Beyond the system's limit where this process may, else as far as it goes. The kernel doubles it, for what a
 * packet costs beside its bytes. */
static void enlarge(struct udp_pool *pool, int fd, int bytes)
{
    int got = 0;
    socklen_t length = sizeof got;

    if (pool->buffer_bytes > 0)
        bytes = pool->buffer_bytes;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &length);
    if (pool->got_bytes == 0 || got / 2 < pool->got_bytes)
        pool->got_bytes = got / 2;
}

static void set_options(int fd)
{
    const int one = 1;

    setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

static void destroy(struct udp_pool *pool, struct udp_socket *socket)
{
    if (!socket)
        return;
    if (socket->watch.fd >= 0) {
        pool->gone_drops += drops_of(socket);
        if (!socket->is_shared)
            loop_watch_remove(pool->loop, &socket->watch);
        close(socket->watch.fd);
    }
    free(socket->transports);
    free(socket);
}

static void readable(void *context, uint32_t events)
{
    struct udp_socket *socket = context;
    (void)events;
    packet_io_receive(socket->io, socket);
}

static int create(struct udp_pool *pool, int family, uint32_t slot_count, int buffer_bytes,
                  struct udp_socket **ret_socket)
{
    struct udp_socket *made = memory_take(1, sizeof *made);

    made->io = pool->io;
    made->slot_count = slot_count;
    made->transports = memory_take(slot_count, sizeof(struct transport *));
    made->watch = (struct loop_watch){.fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                                      .ready = readable,
                                      .context = made};
    if (made->watch.fd < 0) {
        int error = -errno;
        destroy(pool, made);
        return error;
    }
    set_options(made->watch.fd);
    enlarge(pool, made->watch.fd, buffer_bytes);
    *ret_socket = made;
    return 0;
}

/* Where it is not permitted all goes on, and less is known. */
static void measure(struct udp_pool *pool, struct udp_socket *socket, struct socket_meter **meter,
                    uint32_t address_mask)
{
    if (!*meter && pool->is_measured && socket_meter_create(address_mask, meter) != 0)
        *meter = NULL;
    if (*meter && socket_meter_attach(*meter, socket->watch.fd) == 0)
        socket->meter = *meter;
    else
        pool->is_measured = false;
}

static uint32_t local_port(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;

    getsockname(fd, (struct sockaddr *)&name, &length); /* the port stands where IPv4 has it */
    return ntohs(((const struct sockaddr_in *)&name)->sin_port);
}

static int create_shared(struct udp_pool *pool)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    const int one = 1;
    struct udp_socket *made;

    int error = create(pool, AF_INET, pool->size, SHARED_BUFFER_BYTES, &made);
    if (error != 0)
        return error;
    made->is_shared = true;
    made->base = pool->network;
    measure(pool, made, &pool->shared_meter, pool->size - 1);
    if (setsockopt(made->watch.fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) != 0 ||
        bind(made->watch.fd, (const struct sockaddr *)&any, sizeof any) != 0) {
        error = -errno;
        destroy(pool, made);
        return error;
    }
    pool->shared = made;
    packet_io_share(pool->io, made);
    return 0;
}

void udp_pool_deinit(struct udp_pool *pool)
{
    destroy(pool, pool->shared);
    while (pool->own) {
        struct udp_socket *next = pool->own->next;
        destroy(pool, pool->own);
        pool->own = next;
    }
    socket_meter_destroy(pool->shared_meter);
    socket_meter_destroy(pool->own_meter);
    *pool = (struct udp_pool){0};
}

/* ---- endpoints */

static bool may_share(struct udp_pool *pool, const struct sockaddr *remote)
{
    if (!pool->is_sharing || remote->sa_family != AF_INET)
        return false;
    uint32_t address = ntohl(((const struct sockaddr_in *)remote)->sin_addr.s_addr);
    if (pool->size == 0 && address >> 24 == 127) {
        pool->network = LOOPBACK_NETWORK;
        pool->size = LOOPBACK_SIZE;
    }
    return pool->size > 0;
}

/* Addresses are used in turn, so that what is under way to one who left reaches nobody else. */
static int take_slot(struct udp_pool *pool, struct transport *transport, uint32_t *ret_slot)
{
    for (uint32_t tried = 0; tried < pool->size; tried++) {
        uint32_t slot = pool->next_slot;
        pool->next_slot = (slot + 1) % pool->size;
        if (slot == 0 || slot == pool->size - 1 || pool->shared->transports[slot]) /* network, broadcast */
            continue;
        pool->shared->transports[slot] = transport;
        *ret_slot = slot;
        return 0;
    }
    return -EADDRNOTAVAIL;
}

static int take_shared(struct udp_pool *pool, struct transport *transport, struct udp_endpoint *endpoint)
{
    if (!pool->shared) {
        int error = create_shared(pool);
        if (error != 0)
            return error;
    }
    endpoint->socket = pool->shared;
    return take_slot(pool, transport, &endpoint->slot);
}

static int take_own(struct udp_pool *pool, struct transport *transport, struct udp_endpoint *endpoint)
{
    struct udp_socket *made;

    int error = create(pool, endpoint->remote.ss_family, 1, OWN_BUFFER_BYTES, &made);
    if (error != 0)
        return error;
    measure(pool, made, &pool->own_meter, 0);
    if (connect(made->watch.fd, (const struct sockaddr *)&endpoint->remote, endpoint->remote_bytes) != 0 ||
        loop_watch_add(pool->loop, &made->watch, EPOLLIN) != 0) {
        error = -errno;
        destroy(pool, made);
        return error;
    }
    made->place = local_port(made->watch.fd);
    made->transports[0] = transport;
    made->next = pool->own;
    pool->own = made;
    endpoint->socket = made;
    endpoint->slot = 0;
    return 0;
}

/* Packets that its meter has counted: of this end, and of who had its place before. */
static uint64_t reached(const struct udp_endpoint *endpoint)
{
    const struct udp_socket *socket = endpoint->socket;

    if (!socket->meter)
        return 0;
    return socket_meter_read(socket->meter, socket->is_shared ? endpoint->slot : socket->place);
}

int udp_pool_take(struct udp_pool *pool, struct transport *transport, const struct sockaddr *remote,
                  socklen_t remote_bytes, struct udp_endpoint *ret_endpoint)
{
    struct udp_endpoint endpoint = {.remote_bytes = remote_bytes};

    memcpy(&endpoint.remote, remote, remote_bytes);
    int error = may_share(pool, remote) ? take_shared(pool, transport, &endpoint)
                                        : take_own(pool, transport, &endpoint);
    if (error != 0)
        return error;
    endpoint.reached_before = reached(&endpoint);
    *ret_endpoint = endpoint;
    return 0;
}

void udp_pool_give(struct udp_pool *pool, struct udp_endpoint *endpoint)
{
    struct udp_socket *socket = endpoint->socket;

    if (!socket)
        return;
    socket->transports[endpoint->slot] = NULL;
    endpoint->socket = NULL;
    if (socket->is_shared)
        return;
    struct udp_socket **link = &pool->own;
    while (*link != socket)
        link = &(*link)->next;
    *link = socket->next;
    destroy(pool, socket);
}

void udp_endpoint_address(const struct udp_endpoint *endpoint, struct msghdr *head, uint8_t *control)
{
    if (!endpoint->socket->is_shared)
        return;
    const struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(endpoint->socket->base + endpoint->slot)};
    head->msg_name = (void *)&endpoint->remote;
    head->msg_namelen = endpoint->remote_bytes;
    head->msg_control = control;
    head->msg_controllen = UDP_CONTROL_BYTES;
    struct cmsghdr *part = CMSG_FIRSTHDR(head);
    part->cmsg_level = IPPROTO_IP;
    part->cmsg_type = IP_PKTINFO;
    part->cmsg_len = CMSG_LEN(sizeof from);
    memcpy(CMSG_DATA(part), &from, sizeof from);
}

void udp_endpoint_send(const struct udp_endpoint *endpoint, const uint8_t *data, size_t length)
{
    _Alignas(struct cmsghdr) uint8_t control[UDP_CONTROL_BYTES] = {0};
    struct iovec vector = {(void *)data, length};
    struct msghdr head = {.msg_iov = &vector, .msg_iovlen = 1};

    udp_endpoint_address(endpoint, &head, control);
    (void)!sendmsg(endpoint->socket->watch.fd, &head, 0); /* lost as on any network: it is repeated */
}

struct transport *udp_socket_owner(const struct udp_socket *socket, struct msghdr *head)
{
    if (!socket->is_shared)
        return socket->transports[0];
    for (struct cmsghdr *part = CMSG_FIRSTHDR(head); part; part = CMSG_NXTHDR(head, part)) {
        if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_PKTINFO)
            continue;
        struct in_pktinfo to;
        memcpy(&to, CMSG_DATA(part), sizeof to);
        uint32_t slot = ntohl(to.ipi_addr.s_addr) - socket->base;
        return slot < socket->slot_count ? socket->transports[slot] : NULL;
    }
    return NULL;
}

void udp_endpoint_settle(const struct udp_endpoint *endpoint)
{
    uint64_t before;

    for (unsigned i = 0; i < SETTLE_TRIES; i++) {
        before = reached(endpoint);
        packet_io_drain(endpoint->socket->io, endpoint->socket);
        if (reached(endpoint) == before)
            return;
    }
}

uint64_t udp_endpoint_thrown(const struct udp_endpoint *endpoint)
{
    const struct udp_socket *socket = endpoint->socket;

    if (!socket->meter)
        return socket->is_shared ? 0 : drops_of(socket);
    uint64_t came = reached(endpoint) - endpoint->reached_before;
    return came > endpoint->read ? came - endpoint->read : 0;
}

uint64_t udp_pool_shared_drops(const struct udp_pool *pool)
{
    return pool->shared && !pool->shared->meter ? drops_of(pool->shared) : 0;
}

uint64_t udp_pool_drops(const struct udp_pool *pool)
{
    uint64_t drops = pool->gone_drops;

    if (pool->shared)
        drops += drops_of(pool->shared);
    for (const struct udp_socket *socket = pool->own; socket; socket = socket->next)
        drops += drops_of(socket);
    return drops;
}
