/* The UDP socket that media arrives on. Control opens it, so that it outlives any forwarder. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Binds ip:port. The errno of the system call, with a line in ret_error. */
int media_socket_open(const char *ip, uint16_t port, int *ret_fd, char *ret_error, size_t error_bytes);
