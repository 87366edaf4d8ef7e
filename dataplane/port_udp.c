/* Sockets: recvmmsg and sendmmsg. */
#include "dataplane/port.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "shm/address.h"

struct port_udp {
    struct port port;
    int socket;
    int family;

    struct mmsghdr receive_headers[PORT_BATCH];
    struct iovec receive_vectors[PORT_BATCH];
    struct sockaddr_storage receive_names[PORT_BATCH];
    uint8_t receive_buffers[PORT_BATCH][PORT_BUFFER_BYTES];

    struct mmsghdr send_headers[PORT_SEND_BUFFERS];
    struct iovec send_vectors[PORT_SEND_BUFFERS];
    struct sockaddr_storage send_names[PORT_SEND_BUFFERS];
    uint8_t send_buffers[PORT_SEND_BUFFERS][PORT_BUFFER_BYTES];
    uint32_t reserved; /* buffers handed out since the last flush */
    uint32_t queued;
};

static int udp_receive(struct port *port, struct port_packet ret_packets[PORT_BATCH])
{
    struct port_udp *udp = (struct port_udp *)port;

    for (uint32_t i = 0; i < PORT_BATCH; i++)
        udp->receive_headers[i].msg_hdr.msg_namelen = sizeof(udp->receive_names[i]);
    int count = recvmmsg(udp->socket, udp->receive_headers, PORT_BATCH, MSG_DONTWAIT, NULL);
    port->counters.receive_calls++;
    if (count < 0) {
        /* An earlier send's ICMP error is reported here too, and says nothing about this socket. */
        bool broken = errno == EBADF || errno == ENOTSOCK || errno == EFAULT || errno == EINVAL;
        return broken ? -errno : 0;
    }
    uint32_t kept = 0;
    for (int i = 0; i < count; i++) {
        const struct mmsghdr *header = &udp->receive_headers[i];
        port->counters.received_packets++;
        port->counters.received_bytes += header->msg_len;
        if (header->msg_hdr.msg_flags & MSG_TRUNC) {
            port->counters.oversized++;
            continue;
        }
        struct shm_address remote;
        if (!shm_address_from_sockaddr((const struct sockaddr *)&udp->receive_names[i], &remote))
            continue;
        struct port_packet *packet = &ret_packets[kept++];
        packet->remote = remote;
        packet->data = udp->receive_buffers[i];
        packet->length = header->msg_len;
    }
    return (int)kept;
}

static uint8_t *udp_reserve(struct port *port)
{
    struct port_udp *udp = (struct port_udp *)port;
    return udp->reserved < PORT_SEND_BUFFERS ? udp->send_buffers[udp->reserved++] : NULL;
}

static void udp_queue(struct port *port, uint8_t *buffer, uint32_t length, const struct shm_address *remote)
{
    struct port_udp *udp = (struct port_udp *)port;

    if (length == 0)
        return;
    uint32_t i = udp->queued++;
    struct msghdr *header = &udp->send_headers[i].msg_hdr;
    udp->send_vectors[i] = (struct iovec){.iov_base = buffer, .iov_len = length};
    header->msg_namelen = shm_address_to_family(remote, udp->family, &udp->send_names[i]);
}

/* sendmmsg stops at the packet that fails and tells its error only when that is the first one. */
static void udp_flush(struct port *port)
{
    struct port_udp *udp = (struct port_udp *)port;

    for (uint32_t i = 0; i < udp->queued;) {
        int sent = sendmmsg(udp->socket, &udp->send_headers[i], udp->queued - i, MSG_DONTWAIT);
        port->counters.send_calls++;
        if (sent > 0) {
            for (int end = (int)i + sent; (int)i < end; i++)
                port->counters.sent_bytes += udp->send_vectors[i].iov_len;
            port->counters.sent_packets += (uint32_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            port->counters.send_full += udp->queued - i;
            break;
        } else if (errno != EINTR) {
            port->counters.send_failed++;
            i++;
        }
    }
    udp->queued = 0;
    udp->reserved = 0;
}

static void udp_wait(struct port *port, int wake_fd, uint64_t timeout_us)
{
    struct port_udp *udp = (struct port_udp *)port;
    struct pollfd fds[2] = {{.fd = udp->socket, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
    struct timespec timeout = {.tv_sec = (time_t)(timeout_us / 1000000),
                               .tv_nsec = (long)(timeout_us % 1000000) * 1000};

    ppoll(fds, 2, &timeout, NULL);
}

static void udp_destroy(struct port *port)
{
    free(port);
}

static const struct port_verbs udp_verbs = {
    .name = "udp",
    .receive = udp_receive,
    .reserve = udp_reserve,
    .queue = udp_queue,
    .flush = udp_flush,
    .wait = udp_wait,
    .destroy = udp_destroy,
};

static void init_headers(struct port_udp *udp)
{
    for (uint32_t i = 0; i < PORT_BATCH; i++) {
        udp->receive_vectors[i] = (struct iovec){udp->receive_buffers[i], PORT_BUFFER_BYTES};
        udp->receive_headers[i].msg_hdr = (struct msghdr){
            .msg_name = &udp->receive_names[i], .msg_iov = &udp->receive_vectors[i], .msg_iovlen = 1};
    }
    for (uint32_t i = 0; i < PORT_SEND_BUFFERS; i++) {
        udp->send_headers[i].msg_hdr = (struct msghdr){
            .msg_name = &udp->send_names[i], .msg_iov = &udp->send_vectors[i], .msg_iovlen = 1};
    }
}

int port_udp_create(int socket, struct port **ret_port)
{
    struct sockaddr_storage name = {0};
    socklen_t name_bytes = sizeof(name);

    if (getsockname(socket, (struct sockaddr *)&name, &name_bytes) < 0)
        return -errno;
    if (name.ss_family != AF_INET && name.ss_family != AF_INET6)
        return -EAFNOSUPPORT;
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;

    struct port_udp *udp = calloc(1, sizeof(*udp));
    if (!udp)
        return -ENOMEM;
    udp->port.verbs = &udp_verbs;
    udp->socket = socket;
    udp->family = name.ss_family;
    init_headers(udp);
    *ret_port = &udp->port;
    return 0;
}
