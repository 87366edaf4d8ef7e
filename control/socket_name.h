#pragma once

#include <netinet/in.h>
#include <stdint.h>

/* The name of a socket from a numeric address of IPv4 or IPv6. -EINVAL for anything else. */
int socket_name_parse(const char *ip, uint16_t port, struct sockaddr_storage *ret_name,
                      socklen_t *ret_length);
