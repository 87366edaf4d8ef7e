#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "tools/kolabmeet-load/stream.h"

static int resolve(const char *host, const char *port, struct stream_target *target)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -EHOSTUNREACH;
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int stream_target_parse(const char *url, struct stream_target *ret_target)
{
    struct stream_target target = {0};
    char host[256];
    char port[8];

    if (strncmp(url, "https://", 8) == 0)
        target.is_tls = true;
    else if (strncmp(url, "http://", 7) != 0)
        return -EINVAL;
    const char *authority = url + (target.is_tls ? 8 : 7);
    size_t length = strcspn(authority, "/");
    if (length == 0 || length >= sizeof target.authority - 8)
        return -EINVAL;
    memcpy(target.authority, authority, length);

    const char *colon = memrchr(target.authority, ':', length);
    if (colon && strchr(colon, ']'))
        colon = NULL; /* within the brackets of an IPv6 address */
    size_t host_bytes = colon ? (size_t)(colon - target.authority) : length;
    const char *name = target.authority;
    if (name[0] == '[' && host_bytes > 2 && name[host_bytes - 1] == ']') {
        name++;
        host_bytes -= 2;
    }
    if (host_bytes == 0 || host_bytes >= sizeof host)
        return -EINVAL;
    memcpy(host, name, host_bytes);
    host[host_bytes] = '\0';
    snprintf(port, sizeof port, "%.7s", colon ? colon + 1 : target.is_tls ? "443" : "80");

    int error = resolve(host, port, &target);
    if (error == 0)
        *ret_target = target;
    return error;
}
