/* A port for ICE-TCP (RFC 6544): packets of accepted connections beside those of another port.
 *
 * It stands before that port and hands on all that is not of TCP, by the protocol of struct shm_address.
 * Connections come by a pipe, one struct port_tcp_arrival each, after control has seen a valid check on them.
 * Whoever is silent for PORT_TCP_SILENCE_US, breaks the framing, or reads nothing for PORT_TCP_STALL_US while
 * packets wait is closed; so is the oldest by silence when there is no place for another. */
#pragma once

#include "dataplane/port.h"

#define PORT_TCP_CONNECTIONS 512u
#define PORT_TCP_SILENCE_US 30000000u
#define PORT_TCP_STALL_US 10000000u

struct port_tcp_arrival {
    int fd; /* owned by the port once read */
    struct shm_address remote;
};

/* arrivals: the reading end of a pipe, which stays the caller's. wake_fd: the one that wait will be called
 * with. below is destroyed together with the new port. */
int port_tcp_create(struct port *below, int arrivals, int wake_fd, struct port **ret_port);
