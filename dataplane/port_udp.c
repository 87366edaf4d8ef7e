/* Sockets: recvmmsg and sendmmsg, with the kernel's own batches where they help.
 *
 * Receiving (UDP_GRO): the kernel joins packets of one source and size; a message is cut into them again.
 * Sending (UDP_SEGMENT): packets in a row to one destination leave as one message, if all have the size of
 * the first one and only the last is shorter. A kernel or route that refuses a message gets its packets one
 * by one. */
#include "dataplane/port.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "shm/address.h"

/* Joined messages have up to 64 KiB. Buffers are not a power of two apart: their beginnings would share a few
 * sets of the caches. */
#define RECEIVE_BUFFER_BYTES 65536u
#define RECEIVE_STRIDE_BYTES (RECEIVE_BUFFER_BYTES + PORT_BUFFER_BYTES + 64u)
#define RECEIVE_CONTROL_BYTES CMSG_SPACE(sizeof(int))

#define RUN_BYTES_MAX 65000u   /* with headers, it has to fit an IP packet */
#define SEGMENT_BYTES_MAX 1452 /* what an Ethernet frame has room for over IPv6 */

_Static_assert(PORT_SEND_BUFFERS <= 64, "UDP_MAX_SEGMENTS of older kernels");

/* What is left of the messages of the last receive. */
struct rest {
    uint32_t message; /* the next one to look at */
    uint32_t count;
    uint32_t offset; /* of the next packet in it */
};

/* A message that is to be sent: packets in a row, one vector each. */
struct run {
    struct shm_address remote;
    uint32_t bytes;
    uint16_t segment_bytes; /* of all packets but the last */
    bool is_closed;         /* the last one was shorter */
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))];
};

struct port_udp {
    struct port port;
    int socket;
    int family;
    bool has_gso;

    struct rest rest;
    struct mmsghdr receive_headers[PORT_BATCH];
    struct iovec receive_vectors[PORT_BATCH];
    struct sockaddr_storage receive_names[PORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t receive_controls[PORT_BATCH][RECEIVE_CONTROL_BYTES];
    uint8_t *receive_buffers;

    uint32_t reserved; /* buffers handed out since the last flush */
    uint32_t queued;   /* packets */
    uint32_t run_count;
    struct iovec send_vectors[PORT_SEND_BUFFERS];
    struct mmsghdr send_headers[PORT_SEND_BUFFERS];
    struct run runs[PORT_SEND_BUFFERS];
    struct sockaddr_storage send_names[PORT_SEND_BUFFERS];
    uint8_t send_buffers[PORT_SEND_BUFFERS][PORT_BUFFER_BYTES];
};

/* The size of the packets that the kernel joined, or 0 for a single one. */
static uint32_t joined_bytes(struct msghdr *header)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
        int bytes;
        if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO ||
            control->cmsg_len < CMSG_LEN(sizeof(bytes)))
            continue;
        memcpy(&bytes, CMSG_DATA(control), sizeof(bytes));
        return bytes > 0 ? (uint32_t)bytes : 0;
    }
    return 0;
}

/* The next packet of a message. False when it is not one that can be used. */
static bool cut_packet(struct port_udp *udp, struct port_packet *ret_packet)
{
    struct port_counters *counters = &udp->port.counters;
    struct rest *rest = &udp->rest;
    uint32_t i = rest->message;
    struct mmsghdr *header = &udp->receive_headers[i];
    uint32_t left = header->msg_len - rest->offset;
    uint32_t joined = joined_bytes(&header->msg_hdr);
    uint32_t length = joined != 0 && joined < left ? joined : left;
    struct port_packet packet = {.data = (uint8_t *)udp->receive_vectors[i].iov_base + rest->offset,
                                 .length = length};

    if (rest->offset == 0)
        counters->joined_messages += joined != 0 && joined < header->msg_len;
    rest->offset += length;
    if (rest->offset >= header->msg_len) {
        rest->message++;
        rest->offset = 0;
    }
    counters->received_packets++;
    counters->received_bytes += length;
    if (header->msg_hdr.msg_flags & MSG_TRUNC || length > PORT_BUFFER_BYTES) {
        counters->oversized++;
        return false;
    }
    if (!shm_address_from_sockaddr((const struct sockaddr *)&udp->receive_names[i], &packet.remote))
        return false;
    *ret_packet = packet;
    return true;
}

static int receive_messages(struct port_udp *udp)
{
    for (uint32_t i = 0; i < PORT_BATCH; i++) {
        struct msghdr *header = &udp->receive_headers[i].msg_hdr;
        header->msg_namelen = sizeof(udp->receive_names[i]);
        header->msg_controllen = RECEIVE_CONTROL_BYTES;
    }
    int count = recvmmsg(udp->socket, udp->receive_headers, PORT_BATCH, MSG_DONTWAIT, NULL);
    udp->port.counters.receive_calls++;
    if (count < 0) {
        /* An earlier send's ICMP error is reported here too, and says nothing about this socket. */
        bool broken = errno == EBADF || errno == ENOTSOCK || errno == EFAULT || errno == EINVAL;
        return broken ? -errno : 0;
    }
    udp->rest = (struct rest){.count = (uint32_t)count};
    return 0;
}

static int udp_receive(struct port *port, struct port_packet ret_packets[PORT_BATCH])
{
    struct port_udp *udp = (struct port_udp *)port;
    uint32_t count = 0;

    if (udp->rest.message == udp->rest.count) {
        int error = receive_messages(udp);
        if (error != 0)
            return error;
    }
    while (udp->rest.message < udp->rest.count && count < PORT_BATCH)
        count += cut_packet(udp, &ret_packets[count]);
    return (int)count;
}

static uint8_t *udp_reserve(struct port *port)
{
    struct port_udp *udp = (struct port_udp *)port;
    return udp->reserved < PORT_SEND_BUFFERS ? udp->send_buffers[udp->reserved++] : NULL;
}

static bool may_join(const struct port_udp *udp, const struct run *run, uint32_t length,
                     const struct shm_address *remote)
{
    return udp->has_gso && !run->is_closed && length <= run->segment_bytes &&
           run->bytes + length <= RUN_BYTES_MAX && run->segment_bytes <= SEGMENT_BYTES_MAX &&
           memcmp(&run->remote, remote, sizeof(*remote)) == 0;
}

static void udp_queue(struct port *port, uint8_t *buffer, uint32_t length, const struct shm_address *remote)
{
    struct port_udp *udp = (struct port_udp *)port;

    if (length == 0)
        return;
    struct iovec *vector = &udp->send_vectors[udp->queued++];
    *vector = (struct iovec){.iov_base = buffer, .iov_len = length};
    if (udp->run_count > 0) {
        struct run *last = &udp->runs[udp->run_count - 1];
        struct msghdr *header = &udp->send_headers[udp->run_count - 1].msg_hdr;
        if (may_join(udp, last, length, remote)) {
            header->msg_iovlen++;
            last->bytes += length;
            last->is_closed = length < last->segment_bytes;
            return;
        }
    }
    struct run *run = &udp->runs[udp->run_count];
    struct msghdr *header = &udp->send_headers[udp->run_count].msg_hdr;
    run->remote = *remote;
    run->bytes = length;
    run->segment_bytes = (uint16_t)length;
    run->is_closed = false;
    header->msg_iov = vector;
    header->msg_iovlen = 1;
    header->msg_namelen = shm_address_to_family(remote, udp->family, &udp->send_names[udp->run_count]);
    udp->run_count++;
}

static void say_segments(struct port_udp *udp, uint32_t i)
{
    struct msghdr *header = &udp->send_headers[i].msg_hdr;
    struct run *run = &udp->runs[i];

    header->msg_control = NULL;
    header->msg_controllen = 0;
    if (header->msg_iovlen == 1)
        return;
    header->msg_control = run->control;
    header->msg_controllen = sizeof(run->control);
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(control), &run->segment_bytes, sizeof(run->segment_bytes));
}

static void count_sent(struct port_udp *udp, uint32_t i)
{
    struct port_counters *counters = &udp->port.counters;
    uint32_t packets = (uint32_t)udp->send_headers[i].msg_hdr.msg_iovlen;

    counters->sent_packets += packets;
    counters->sent_bytes += udp->runs[i].bytes;
    if (packets > 1) {
        counters->sent_runs++;
        counters->sent_in_runs += packets;
    }
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* A refused message, packet by packet. */
static void send_singly(struct port_udp *udp, uint32_t i)
{
    struct port_counters *counters = &udp->port.counters;
    struct msghdr header = udp->send_headers[i].msg_hdr;
    size_t count = header.msg_iovlen;

    header.msg_control = NULL;
    header.msg_controllen = 0;
    header.msg_iovlen = 1;
    for (size_t n = 0; n < count; n++, header.msg_iov++) {
        counters->send_calls++;
        if (sendmsg(udp->socket, &header, MSG_DONTWAIT) >= 0) {
            counters->sent_packets++;
            counters->sent_bytes += header.msg_iov->iov_len;
        } else if (is_full(errno)) {
            counters->send_full++;
        } else {
            counters->send_failed++;
        }
    }
}

/* sendmmsg stops at the message that fails and tells its error only when that is the first one. */
static void udp_flush(struct port *port)
{
    struct port_udp *udp = (struct port_udp *)port;

    for (uint32_t i = 0; i < udp->run_count; i++)
        say_segments(udp, i);
    for (uint32_t i = 0; i < udp->run_count;) {
        int sent = sendmmsg(udp->socket, &udp->send_headers[i], udp->run_count - i, MSG_DONTWAIT);
        port->counters.send_calls++;
        if (sent > 0) {
            for (int n = 0; n < sent; n++)
                count_sent(udp, i++);
        } else if (is_full(errno)) {
            for (; i < udp->run_count; i++)
                port->counters.send_full += udp->send_headers[i].msg_hdr.msg_iovlen;
        } else if (errno != EINTR) {
            if (errno == EIO) /* the device does no checksums, so it cuts no messages either */
                udp->has_gso = false;
            if (udp->send_headers[i].msg_hdr.msg_iovlen > 1)
                send_singly(udp, i);
            else
                port->counters.send_failed++;
            i++;
        }
    }
    udp->run_count = 0;
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
    struct port_udp *udp = (struct port_udp *)port;

    free(udp->receive_buffers);
    free(udp);
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
        uint8_t *buffer = udp->receive_buffers + (size_t)i * RECEIVE_STRIDE_BYTES;
        udp->receive_vectors[i] = (struct iovec){buffer, RECEIVE_BUFFER_BYTES};
        udp->receive_headers[i].msg_hdr = (struct msghdr){.msg_name = &udp->receive_names[i],
                                                          .msg_iov = &udp->receive_vectors[i],
                                                          .msg_iovlen = 1,
                                                          .msg_control = udp->receive_controls[i]};
    }
    for (uint32_t i = 0; i < PORT_SEND_BUFFERS; i++)
        udp->send_headers[i].msg_hdr.msg_name = &udp->send_names[i];
}

/* What the kernel does not know it refuses, and all goes on without. */
static void ask_for_batches(struct port_udp *udp)
{
    int on = 1;
    int size;
    socklen_t bytes = sizeof(size);

    (void)setsockopt(udp->socket, SOL_UDP, UDP_GRO, &on, sizeof(on));
    udp->has_gso = getsockopt(udp->socket, SOL_UDP, UDP_SEGMENT, &size, &bytes) == 0;
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
    udp->receive_buffers = malloc((size_t)PORT_BATCH * RECEIVE_STRIDE_BYTES);
    if (!udp->receive_buffers) {
        free(udp);
        return -ENOMEM;
    }
    udp->port.verbs = &udp_verbs;
    udp->socket = socket;
    udp->family = name.ss_family;
    ask_for_batches(udp);
    init_headers(udp);
    *ret_port = &udp->port;
    return 0;
}
