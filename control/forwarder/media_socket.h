/* The UDP sockets that media arrives on, one a worker on one port. Control opens them, so that they outlive
 * any forwarder. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Binds one socket that shares its port with nobody. -EADDRINUSE, another errno, -EINVAL for what is no IP
 * address. */
int media_socket_open(const char *ip, uint16_t port, int *ret_fd);

/* Binds count sockets to ip:port. A port that anybody else has is an error, also one shared by SO_REUSEPORT.
 * The errno of the system call, with a line in ret_error. */
int media_sockets_open(const char *ip, uint16_t port, int *ret_fds, uint32_t count, char *ret_error,
                       size_t error_bytes);
