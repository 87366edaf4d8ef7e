#include "control/forwarder/media_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/socket_name.h"

/* A second of a gigabit is 125 MB; a burst of key frames to a large room is a few. */
#define SOCKET_BUFFER_BYTES (8 << 20)

/* Beyond the system's limit where this process may, else as far as it goes. */
static void enlarge(int fd)
{
    int bytes = SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int open_one(const struct sockaddr_storage *name, socklen_t length, bool shared, int *ret_fd)
{
    int one = 1;
    int fd = socket(name->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);

    if (fd < 0)
        return -errno;
    if (socket_name_open_families(fd, name->ss_family) != 0 ||
        (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) ||
        bind(fd, (const struct sockaddr *)name, length) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

int media_socket_open(const char *ip, uint16_t port, int *ret_fd)
{
    struct sockaddr_storage name;
    socklen_t length;
    int err = socket_name_parse(ip, port, &name, &length);
    if (err == 0)
        err = open_one(&name, length, false, ret_fd);
    if (err == 0)
        enlarge(*ret_fd);
    return err;
}

/* Between this look and the binding to come nobody else is expected; SO_REUSEPORT alone would let a second
 * server of the same user in. */
static int check_free(const struct sockaddr_storage *name, socklen_t length)
{
    int fd = -1;
    int err = open_one(name, length, false, &fd);
    if (err == 0)
        close(fd);
    return err;
}

int media_sockets_open(const char *ip, uint16_t port, int *ret_fds, uint32_t count, char *ret_error,
                       size_t error_bytes)
{
    struct sockaddr_storage name;
    socklen_t length;
    uint32_t opened = 0;

    if (socket_name_parse(ip, port, &name, &length) != 0) {
        snprintf(ret_error, error_bytes, "%s is no IP address to receive media on", ip);
        return -EINVAL;
    }
    int err = check_free(&name, length);
    while (err == 0 && opened < count) {
        err = open_one(&name, length, true, &ret_fds[opened]);
        if (err == 0)
            enlarge(ret_fds[opened++]);
    }
    if (err != 0) {
        snprintf(ret_error, error_bytes, "cannot receive media on UDP %s port %u: %s", ip, port,
                 strerror(-err));
        while (opened > 0) {
            close(ret_fds[--opened]);
            ret_fds[opened] = -1;
        }
    }
    return err;
}
