#pragma once

#include <netinet/in.h>
#include <stdint.h>

/* The name of a socket from a numeric address of IPv4 or IPv6. -EINVAL for anything else. */
int socket_name_parse(const char *ip, uint16_t port, struct sockaddr_storage *ret_name,
                      socklen_t *ret_length);

/* For a socket of that family that is not bound yet: :: is then for both families whatever
 * net.ipv6.bindv6only says (RFC 3493 section 5.3); other addresses of IPv6 are never for IPv4. 0 or -errno.
 */
int socket_name_open_families(int fd, sa_family_t family);
