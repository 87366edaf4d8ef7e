#include "dataplane/port_plain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/address.h"

#define RECEIVE_STRIDE_BYTES (PORT_BUFFER_BYTES + 64u) /* not a power of two apart: see port_udp.c */
#define EVENT_WAKE UINT64_MAX

struct arrival {
    shm_handle transport;
    int fds[2];
};

struct place {
    shm_handle transport; /* SHM_HANDLE_NONE: no sockets */
    int fds[2];           /* for RTP, for RTCP */
    int family;
    uint32_t overflowed[2]; /* what the kernel said last, of each */
    uint32_t gone;          /* up to this generation transports were closed */
};

struct port_plain {
    struct port port;
    struct port *below;
    struct port_counters counters; /* of these sockets alone */
    int epoll;
    int wake_fd;     /* in epoll, -1: none yet */
    int arrivals[2]; /* pipe of struct arrival */
    atomic_uint waiting;
    uint32_t count; /* of pairs */
    bool own_first; /* in the next receive: whoever is busy must not starve the other */
    uint32_t capacity;
    struct place *places; /* by index of the transport; pages come with their first use */

    struct mmsghdr receive_headers[PORT_BATCH];
    struct iovec receive_vectors[PORT_BATCH];
    struct sockaddr_storage receive_names[PORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t receive_controls[PORT_BATCH][CMSG_SPACE(sizeof(uint32_t))];
    uint8_t receive_buffers[PORT_BATCH][RECEIVE_STRIDE_BYTES];

    uint32_t queued;
    struct shm_address send_remotes[PORT_SEND_BUFFERS];
    struct mmsghdr send_headers[PORT_SEND_BUFFERS];
    struct iovec send_vectors[PORT_SEND_BUFFERS];
    struct sockaddr_storage send_names[PORT_SEND_BUFFERS];
};

/* Sockets come and go
 * -------------------------------------------------------------------------------------- */

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void shut(struct port_plain *plain, struct place *place)
{
    if (place->transport == SHM_HANDLE_NONE)
        return;
    for (unsigned i = 0; i < 2; i++) /* closing would not do: control has duplicates of the sockets */
        (void)epoll_ctl(plain->epoll, EPOLL_CTL_DEL, place->fds[i], NULL);
    close_pair(place->fds);
    place->transport = SHM_HANDLE_NONE;
    plain->count--;
}

static int watch(struct port_plain *plain, int fd, uint64_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)); /* wake_fd is no socket, and refuses */
    return epoll_ctl(plain->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int family_of(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t bytes = sizeof(name);
    return getsockname(fd, (struct sockaddr *)&name, &bytes) == 0 ? name.ss_family : AF_UNSPEC;
}

static void arrive(struct port_plain *plain, const struct arrival *arrival)
{
    uint32_t index = shm_handle_index(arrival->transport);
    struct place *place = index < plain->capacity ? &plain->places[index] : NULL;

    if (!place || shm_handle_generation(arrival->transport) <= place->gone) {
        close_pair(arrival->fds);
        return;
    }
    shut(plain, place);
    *place = (struct place){.transport = arrival->transport,
                            .fds = {arrival->fds[0], arrival->fds[1]},
                            .family = family_of(arrival->fds[0]),
                            .gone = place->gone};
    plain->count++;
    if (watch(plain, place->fds[0], (uint64_t)index << 1) != 0 ||
        watch(plain, place->fds[1], (uint64_t)index << 1 | 1) != 0)
        shut(plain, place);
}

static void take_arrivals(struct port_plain *plain)
{
    struct arrival arrival;

    if (atomic_load_explicit(&plain->waiting, memory_order_relaxed) == 0)
        return;
    while (read(plain->arrivals[0], &arrival, sizeof(arrival)) == (ssize_t)sizeof(arrival)) {
        atomic_fetch_sub(&plain->waiting, 1);
        arrive(plain, &arrival);
    }
}

int port_plain_give(struct port *port, shm_handle transport, const int fds[2])
{
    struct port_plain *plain = (struct port_plain *)port;
    struct arrival arrival = {.transport = transport, .fds = {fds[0], fds[1]}};

    if (write(plain->arrivals[1], &arrival, sizeof(arrival)) != (ssize_t)sizeof(arrival))
        return -EAGAIN;
    atomic_fetch_add(&plain->waiting, 1);
    return 0;
}

void port_plain_close(struct port *port, shm_handle transport)
{
    struct port_plain *plain = (struct port_plain *)port;
    uint32_t index = shm_handle_index(transport);
    uint32_t generation = shm_handle_generation(transport);

    if (index >= plain->capacity)
        return;
    struct place *place = &plain->places[index];
    if (place->transport == transport)
        shut(plain, place);
    if (generation > place->gone)
        place->gone = generation;
}

/* Receiving
 * ------------------------------------------------------------------------------------------------ */

/* With a message comes how many the kernel has thrown away before it, for want of room; nothing if it was
 * none. */
static void take_overflow(struct port_plain *plain, struct msghdr *header, uint32_t *overflowed)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    uint32_t count;

    if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL)
        return;
    memcpy(&count, CMSG_DATA(control), sizeof(count));
    plain->counters.overflowed += (uint32_t)(count - *overflowed);
    *overflowed = count;
}

/* Reads up to quota packets of one socket into the buffers from *used on. Returns how many are any good. */
static uint32_t read_socket(struct port_plain *plain, uint64_t number, uint32_t quota, uint32_t *used,
                            struct port_packet *ret_packets)
{
    struct place *place = &plain->places[number >> 1];
    struct mmsghdr *headers = &plain->receive_headers[*used];
    uint32_t count = 0;

    for (uint32_t i = 0; i < quota; i++) {
        headers[i].msg_hdr.msg_namelen = sizeof(plain->receive_names[0]);
        headers[i].msg_hdr.msg_controllen = sizeof(plain->receive_controls[0]);
    }
    plain->counters.receive_calls++;
    int got = recvmmsg(place->fds[number & 1], headers, quota, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        struct port_packet packet = {.data = headers[i].msg_hdr.msg_iov->iov_base,
                                     .length = headers[i].msg_len};
        take_overflow(plain, &headers[i].msg_hdr, &place->overflowed[number & 1]);
        plain->counters.received_packets++;
        plain->counters.received_bytes += packet.length;
        if (headers[i].msg_hdr.msg_flags & MSG_TRUNC)
            plain->counters.oversized++;
        else if (shm_address_from_sockaddr(headers[i].msg_hdr.msg_name, &packet.remote)) {
            packet.remote.protocol = (uint16_t)(SHM_PROTOCOL_PLAIN | number);
            ret_packets[count++] = packet;
        }
    }
    *used += got > 0 ? (uint32_t)got : 0;
    return count;
}

/* What there is room for is shared by all sockets that have something. */
static int receive_own(struct port_plain *plain, struct port_packet ret_packets[PORT_BATCH])
{
    struct epoll_event events[PORT_BATCH];
    uint32_t used = 0;
    uint32_t count = 0;
    int ready = epoll_wait(plain->epoll, events, PORT_BATCH, 0);

    for (int i = 0; i < ready; i++) {
        uint32_t quota = (PORT_BATCH - used) / (uint32_t)(ready - i);
        if (events[i].data.u64 != EVENT_WAKE)
            count += read_socket(plain, events[i].data.u64, quota, &used, ret_packets + count);
    }
    return (int)count;
}

static int plain_receive(struct port *port, struct port_packet ret_packets[PORT_BATCH])
{
    struct port_plain *plain = (struct port_plain *)port;
    int count = 0;

    take_arrivals(plain);
    plain->own_first = !plain->own_first;
    if (plain->own_first && plain->count > 0)
        count = receive_own(plain, ret_packets);
    if (count == 0)
        count = plain->below->verbs->receive(plain->below, ret_packets);
    if (count == 0 && !plain->own_first && plain->count > 0)
        count = receive_own(plain, ret_packets);
    port_sum_counters(&plain->port, plain->below, &plain->counters);
    return count;
}

/* Sending
 * -------------------------------------------------------------------------------------------------- */

static uint8_t *plain_reserve(struct port *port)
{
    struct port_plain *plain = (struct port_plain *)port;
    return plain->below->verbs->reserve(plain->below);
}

/* Buffers are given back to the port below once their packets have left. */
static void plain_queue(struct port *port, uint8_t *buffer, uint32_t length, const struct shm_address *remote)
{
    struct port_plain *plain = (struct port_plain *)port;

    if (length == 0 || !shm_address_is_plain(remote)) {
        plain->below->verbs->queue(plain->below, buffer, length, remote);
        return;
    }
    plain->send_vectors[plain->queued] = (struct iovec){.iov_base = buffer, .iov_len = length};
    plain->send_remotes[plain->queued++] = *remote;
}

static struct place *place_of(const struct port_plain *plain, const struct shm_address *remote)
{
    uint32_t index = shm_plain_index(remote);
    struct place *place = index < plain->capacity ? &plain->places[index] : NULL;
    return place && place->transport != SHM_HANDLE_NONE ? place : NULL;
}

static void count_sent(struct port_plain *plain, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        plain->counters.sent_bytes += plain->send_vectors[i].iov_len;
    plain->counters.sent_packets += count;
}

/* Packets of one socket, in a row. sendmmsg stops at the one that fails, and tells why only when that is the
 * first. */
static void send_row(struct port_plain *plain, uint32_t first, uint32_t end)
{
    const struct place *place = place_of(plain, &plain->send_remotes[first]);

    if (!place) {
        plain->counters.send_failed += end - first;
        return;
    }
    for (uint32_t i = first; i < end; i++) {
        struct msghdr *header = &plain->send_headers[i].msg_hdr;
        header->msg_namelen =
            shm_address_to_family(&plain->send_remotes[i], place->family, &plain->send_names[i]);
    }
    int fd = place->fds[shm_plain_is_rtcp(&plain->send_remotes[first])];
    while (first < end) {
        int sent = sendmmsg(fd, &plain->send_headers[first], end - first, MSG_DONTWAIT);
        plain->counters.send_calls++;
        if (sent > 0) {
            count_sent(plain, first, (uint32_t)sent);
            first += (uint32_t)sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            plain->counters.send_full += end - first;
            first = end;
        } else if (errno != EINTR) {
            plain->counters.send_failed++;
            first++;
        }
    }
}

static void plain_flush(struct port *port)
{
    struct port_plain *plain = (struct port_plain *)port;
    uint32_t end;

    for (uint32_t first = 0; first < plain->queued; first = end) {
        end = first + 1;
        while (end < plain->queued &&
               plain->send_remotes[end].protocol == plain->send_remotes[first].protocol)
            end++;
        send_row(plain, first, end);
    }
    for (uint32_t i = 0; i < plain->queued; i++)
        plain->below->verbs->queue(plain->below, plain->send_vectors[i].iov_base, 0, &plain->send_remotes[i]);
    plain->queued = 0;
    plain->below->verbs->flush(plain->below);
    port_sum_counters(&plain->port, plain->below, &plain->counters);
}

/* Waiting
 * -------------------------------------------------------------------------------------------------- */

static void watch_wake(struct port_plain *plain, int wake_fd)
{
    if (plain->wake_fd == wake_fd)
        return;
    if (plain->wake_fd >= 0)
        (void)epoll_ctl(plain->epoll, EPOLL_CTL_DEL, plain->wake_fd, NULL);
    plain->wake_fd = watch(plain, wake_fd, EVENT_WAKE) == 0 ? wake_fd : -1;
}

static void plain_wait(struct port *port, int wake_fd, uint64_t timeout_us)
{
    struct port_plain *plain = (struct port_plain *)port;

    if (plain->count > 0)
        watch_wake(plain, wake_fd);
    plain->below->verbs->wait(plain->below, plain->count > 0 ? plain->epoll : wake_fd, timeout_us);
}

/* Made and unmade
 * ------------------------------------------------------------------------------------------ */

static void plain_destroy(struct port *port)
{
    struct port_plain *plain = (struct port_plain *)port;

    take_arrivals(plain);
    for (uint32_t i = 0; i < plain->capacity && plain->count > 0; i++)
        shut(plain, &plain->places[i]);
    plain->below->verbs->destroy(plain->below);
    munmap(plain->places, plain->capacity * sizeof(*plain->places));
    close_pair(plain->arrivals);
    close(plain->epoll);
    free(plain);
}

static const struct port_verbs plain_verbs = {
    .name = "plain",
    .receive = plain_receive,
    .reserve = plain_reserve,
    .queue = plain_queue,
    .flush = plain_flush,
    .wait = plain_wait,
    .destroy = plain_destroy,
};

static void init_headers(struct port_plain *plain)
{
    for (uint32_t i = 0; i < PORT_BATCH; i++) {
        plain->receive_vectors[i] = (struct iovec){plain->receive_buffers[i], PORT_BUFFER_BYTES};
        plain->receive_headers[i].msg_hdr = (struct msghdr){.msg_name = &plain->receive_names[i],
                                                            .msg_iov = &plain->receive_vectors[i],
                                                            .msg_iovlen = 1,
                                                            .msg_control = plain->receive_controls[i]};
    }
    for (uint32_t i = 0; i < PORT_SEND_BUFFERS; i++)
        plain->send_headers[i].msg_hdr = (struct msghdr){
            .msg_name = &plain->send_names[i], .msg_iov = &plain->send_vectors[i], .msg_iovlen = 1};
}

static int open_files(struct port_plain *plain)
{
    plain->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (plain->epoll < 0)
        return -errno;
    if (pipe2(plain->arrivals, O_CLOEXEC | O_NONBLOCK) == 0)
        return 0;
    int error = -errno;
    close(plain->epoll);
    return error;
}

int port_plain_create(struct port *below, uint32_t transports, struct port **ret_port)
{
    struct port_plain *plain = calloc(1, sizeof(*plain));

    if (!plain)
        return -ENOMEM;
    plain->capacity = transports < SHM_PLAIN_TRANSPORTS_MAX ? transports : SHM_PLAIN_TRANSPORTS_MAX;
    plain->places = mmap(NULL, plain->capacity * sizeof(*plain->places), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = plain->places == MAP_FAILED ? -ENOMEM : open_files(plain);
    if (error != 0) {
        if (plain->places != MAP_FAILED)
            munmap(plain->places, plain->capacity * sizeof(*plain->places));
        free(plain);
        return error;
    }
    plain->port.verbs = &plain_verbs;
    plain->below = below;
    plain->wake_fd = -1;
    init_headers(plain);
    *ret_port = &plain->port;
    return 0;
}
