#include "shm/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/datagram.h"
#include "shm/packet_store.h"
#include "shm/peer_record.h"
#include "shm/ring.h"
#include "shm/rows.h"
#include "shm/segment.h"
#include "shm/statistics.h"
#include "shm/tuple_map.h"

#define DESCRIPTORS_MAX (2 + 3 * SHM_ENDPOINT_WORKERS_MAX)

static const char *const size_names[SHM_SIZE_COUNT] = {
    [SHM_SIZE_HEADER] = "segment header",
    [SHM_SIZE_RING] = "ring",
    [SHM_SIZE_DATAGRAM] = "datagram",
    [SHM_SIZE_TUPLE_SLOT] = "tuple slot",
    [SHM_SIZE_TRANSPORT_ROW] = "transport row",
    [SHM_SIZE_PRODUCER_ROW] = "producer row",
    [SHM_SIZE_STREAM_ROW] = "stream row",
    [SHM_SIZE_CONSUMER_ROW] = "consumer row",
    [SHM_SIZE_STATISTICS] = "statistics header",
    [SHM_SIZE_PEER_RECORD] = "peer record",
    [SHM_SIZE_PACKET] = "packet",
    [SHM_SIZE_HANDOVER] = "handover",
};

void endpoint_hello(struct shm_hello *ret_hello, uint32_t workers_max)
{
    memset(ret_hello, 0, sizeof *ret_hello);
    ret_hello->magic = SHM_MAGIC;
    ret_hello->abi_version = SHM_ABI_VERSION;
    ret_hello->hello_bytes = sizeof *ret_hello;
    ret_hello->pid = (uint32_t)getpid();
    ret_hello->workers_max = workers_max;
    ret_hello->sizes[SHM_SIZE_HEADER] = sizeof(struct shm_header);
    ret_hello->sizes[SHM_SIZE_RING] = sizeof(struct shm_ring);
    ret_hello->sizes[SHM_SIZE_DATAGRAM] = sizeof(struct shm_datagram);
    ret_hello->sizes[SHM_SIZE_TUPLE_SLOT] = sizeof(struct shm_tuple_slot);
    ret_hello->sizes[SHM_SIZE_TRANSPORT_ROW] = sizeof(struct shm_transport_row);
    ret_hello->sizes[SHM_SIZE_PRODUCER_ROW] = sizeof(struct shm_producer_row);
    ret_hello->sizes[SHM_SIZE_STREAM_ROW] = sizeof(struct shm_stream_row);
    ret_hello->sizes[SHM_SIZE_CONSUMER_ROW] = sizeof(struct shm_consumer_row);
    ret_hello->sizes[SHM_SIZE_STATISTICS] = sizeof(struct shm_statistics_header);
    ret_hello->sizes[SHM_SIZE_PEER_RECORD] = sizeof(struct shm_peer_record);
    ret_hello->sizes[SHM_SIZE_PACKET] = sizeof(struct shm_packet);
    ret_hello->sizes[SHM_SIZE_HANDOVER] = sizeof(struct shm_handover);
    snprintf(ret_hello->version, sizeof ret_hello->version, "%s", KM_VERSION);
}

int endpoint_check(const struct shm_hello *hello, char *ret_why, size_t why_bytes)
{
    struct shm_hello own;
    endpoint_hello(&own, 0);
    if (hello->magic != own.magic) {
        snprintf(ret_why, why_bytes, "not a kolabmeet forwarder (wrong magic)");
        return -EPROTO;
    }
    if (hello->abi_version != own.abi_version) {
        snprintf(ret_why, why_bytes, "the forwarder speaks ABI version %u, this control speaks %u",
                 hello->abi_version, own.abi_version);
        return -EPROTO;
    }
    if (hello->hello_bytes != own.hello_bytes) {
        snprintf(ret_why, why_bytes, "the forwarder's hello has %u bytes, this control's %u",
                 hello->hello_bytes, own.hello_bytes);
        return -EPROTO;
    }
    for (int i = 0; i < SHM_SIZE_COUNT; i++) {
        if (hello->sizes[i] != own.sizes[i]) {
            snprintf(ret_why, why_bytes, "the forwarder's %s has %u bytes, this control's %u", size_names[i],
                     hello->sizes[i], own.sizes[i]);
            return -EPROTO;
        }
    }
    return 0;
}

static int send_message(int socket, const void *data, size_t length, const int *fds, size_t fd_count,
                        int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control;
    struct iovec iov = {.iov_base = (void *)data, .iov_len = length};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

    memset(&control, 0, sizeof control);
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | flags);
    if (sent < 0)
        return -errno;
    return (size_t)sent == length ? 0 : -EIO;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* Receives one message of exactly length bytes. Descriptors that came with anything else are closed. */
static int receive_message(int socket, void *ret_data, size_t length, int *ret_fds, size_t *ret_fd_count,
                           int flags)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
    } control;
    struct iovec iov = {.iov_base = ret_data, .iov_len = length};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    size_t count = 0;

    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (got < 0)
        return -errno;
    if (got == 0)
        return -ECONNRESET;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(ret_fds + count, CMSG_DATA(header), here * sizeof(int));
        count += here;
    }
    if ((size_t)got != length || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        close_all(ret_fds, count);
        return -EPROTO;
    }
    *ret_fd_count = count;
    return 0;
}

int endpoint_receive_hello(int socket, struct shm_hello *ret_hello)
{
    struct shm_hello hello;
    int fds[DESCRIPTORS_MAX];
    size_t count = 0;
    int err = receive_message(socket, &hello, sizeof hello, fds, &count, 0);
    if (err != 0)
        return err;
    close_all(fds, count);
    hello.version[sizeof hello.version - 1] = 0;
    *ret_hello = hello;
    return 0;
}

int endpoint_send_welcome(int socket, const struct shm_descriptors *descriptors)
{
    struct shm_welcome welcome = {.magic = SHM_MAGIC, .workers = descriptors->workers};
    int fds[DESCRIPTORS_MAX];
    size_t count = 0;

    fds[count++] = descriptors->segment;
    fds[count++] = descriptors->statistics;
    for (uint32_t i = 0; i < descriptors->workers; i++) {
        fds[count++] = descriptors->media_socket[i];
        fds[count++] = descriptors->worker_wake[i];
        fds[count++] = descriptors->control_wake[i];
    }
    return send_message(socket, &welcome, sizeof welcome, fds, count, 0);
}

int endpoint_send_refusal(int socket, int error, const char *reason)
{
    struct shm_welcome welcome = {.magic = SHM_MAGIC, .error = (uint32_t)(error < 0 ? -error : error)};
    snprintf(welcome.reason, sizeof welcome.reason, "%s", reason);
    return send_message(socket, &welcome, sizeof welcome, NULL, 0, 0);
}

static int take_welcome(int socket, uint32_t workers_max, struct shm_descriptors *ret_descriptors,
                        char *ret_why, size_t why_bytes)
{
    struct shm_welcome welcome;
    int fds[DESCRIPTORS_MAX];
    size_t count = 0;
    int err = receive_message(socket, &welcome, sizeof welcome, fds, &count, 0);

    if (err == -EPROTO)
        snprintf(ret_why, why_bytes, "control answered with something else than a welcome");
    else if (err != 0)
        snprintf(ret_why, why_bytes, "no welcome from control: %s", strerror(-err));
    if (err != 0)
        return err;
    if (welcome.magic == SHM_MAGIC && welcome.error != 0) {
        welcome.reason[sizeof welcome.reason - 1] = 0;
        snprintf(ret_why, why_bytes, "control refused: %s", welcome.reason);
        err = -EPROTO;
    } else if (welcome.magic != SHM_MAGIC || welcome.workers == 0 || welcome.workers > workers_max ||
               count != 2 + 3 * (size_t)welcome.workers) {
        snprintf(ret_why, why_bytes, "control's welcome has %u workers and %zu descriptors", welcome.workers,
                 count);
        err = -EPROTO;
    }
    if (err != 0) {
        close_all(fds, count);
        return err;
    }
    ret_descriptors->segment = fds[0];
    ret_descriptors->statistics = fds[1];
    ret_descriptors->workers = welcome.workers;
    for (uint32_t i = 0; i < welcome.workers; i++) {
        ret_descriptors->media_socket[i] = fds[2 + 3 * i];
        ret_descriptors->worker_wake[i] = fds[3 + 3 * i];
        ret_descriptors->control_wake[i] = fds[4 + 3 * i];
    }
    return 0;
}

int endpoint_join(int socket, uint32_t workers_max, int timeout_ms, struct shm_descriptors *ret_descriptors,
                  char *ret_why, size_t why_bytes)
{
    struct shm_hello hello;
    if (workers_max > SHM_ENDPOINT_WORKERS_MAX)
        workers_max = SHM_ENDPOINT_WORKERS_MAX;
    endpoint_hello(&hello, workers_max);
    int err = send_message(socket, &hello, sizeof hello, NULL, 0, 0);
    if (err != 0) {
        snprintf(ret_why, why_bytes, "cannot say hello to control: %s", strerror(-err));
        return err;
    }
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    if (poll(&wait, 1, timeout_ms) <= 0) {
        snprintf(ret_why, why_bytes, "control did not answer within %d ms", timeout_ms);
        return -ETIMEDOUT;
    }
    return take_welcome(socket, workers_max, ret_descriptors, ret_why, why_bytes);
}

static int send_handover(int socket, const struct shm_handover *handover, const int *fds, size_t count)
{
    int err = send_message(socket, handover, sizeof *handover, fds, count, MSG_DONTWAIT);
    return err == -EWOULDBLOCK ? -EAGAIN : err;
}

int endpoint_send_connection(int socket, const struct shm_address *remote, uint32_t worker, int fd)
{
    struct shm_handover handover = {
        .magic = SHM_MAGIC, .remote = *remote, .worker = worker, .kind = SHM_HANDOVER_CONNECTION};
    return send_handover(socket, &handover, &fd, 1);
}

int endpoint_send_plain(int socket, shm_handle transport, uint32_t worker, const int fds[2])
{
    struct shm_handover handover = {
        .magic = SHM_MAGIC, .transport = transport, .worker = worker, .kind = SHM_HANDOVER_PLAIN};
    return send_handover(socket, &handover, fds, 2);
}

static size_t descriptors_of(const struct shm_handover *handover)
{
    if (handover->magic != SHM_MAGIC)
        return 0;
    switch (handover->kind) {
    case SHM_HANDOVER_CONNECTION:
        return 1;
    case SHM_HANDOVER_PLAIN:
        return 2;
    default:
        return 0;
    }
}

int endpoint_receive_handover(int socket, struct shm_handover *ret_handover,
                              int ret_fds[SHM_HANDOVER_DESCRIPTORS])
{
    struct shm_handover handover;
    int fds[DESCRIPTORS_MAX];
    size_t count = 0;
    int err = receive_message(socket, &handover, sizeof handover, fds, &count, MSG_DONTWAIT);

    if (err != 0)
        return err == -EWOULDBLOCK || err == -EINTR ? -EAGAIN : err;
    if (count == 0 || count != descriptors_of(&handover)) {
        close_all(fds, count);
        return -EPROTO;
    }
    *ret_handover = handover;
    memcpy(ret_fds, fds, count * sizeof *fds);
    return 0;
}

void endpoint_close_descriptors(struct shm_descriptors *descriptors)
{
    close(descriptors->segment);
    close(descriptors->statistics);
    for (uint32_t i = 0; i < descriptors->workers; i++) {
        close(descriptors->media_socket[i]);
        close(descriptors->worker_wake[i]);
        close(descriptors->control_wake[i]);
    }
    descriptors->workers = 0;
}
