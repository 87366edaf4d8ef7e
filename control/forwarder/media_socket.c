#include "control/forwarder/media_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A second of a gigabit is 125 MB; a burst of key frames to a large room is a few. */
#define SOCKET_BUFFER_BYTES (8 << 20)

static int parse(const char *ip, uint16_t port, struct sockaddr_storage *ret_name, socklen_t *ret_length)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
        memcpy(ret_name, &in, sizeof in);
        *ret_length = sizeof in;
    } else if (inet_pton(AF_INET6, ip, &in6.sin6_addr) == 1) {
        memcpy(ret_name, &in6, sizeof in6);
        *ret_length = sizeof in6;
    } else {
        return -EINVAL;
    }
    return 0;
}

/* Beyond the system's limit where this process may, else as far as it goes. */
static void enlarge(int fd)
{
    int bytes = SOCKET_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

int media_socket_open(const char *ip, uint16_t port, int *ret_fd, char *ret_error, size_t error_bytes)
{
    struct sockaddr_storage name;
    socklen_t length;

    if (parse(ip, port, &name, &length) != 0) {
        snprintf(ret_error, error_bytes, "%s is no IP address to receive media on", ip);
        return -EINVAL;
    }
    int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&name, length) != 0) {
        int err = -errno;
        snprintf(ret_error, error_bytes, "cannot receive media on UDP %s port %u: %s", ip, port,
                 strerror(-err));
        if (fd >= 0)
            close(fd);
        return err;
    }
    enlarge(fd);
    *ret_fd = fd;
    return 0;
}
