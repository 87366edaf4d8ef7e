#include "control/socket_name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

int socket_name_parse(const char *ip, uint16_t port, struct sockaddr_storage *ret_name, socklen_t *ret_length)
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

int socket_name_open_families(int fd, sa_family_t family)
{
    int no = 0;

    if (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0)
        return 0;
    return -errno;
}
