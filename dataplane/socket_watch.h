/* What the kernel throws away before a worker can see it: messages for which its media socket has no room.
 * The main thread asks once a second, so that the loop need not, and tells the worker, who publishes it as
 * receive_buffer_overflow.
 *
 * A message is what the kernel counts: with UDP_GRO many packets may be one. A socket outlives its forwarder,
 * and so does its number: what overflowed while there was none is in it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/endpoint.h"

#define SOCKET_WATCH_INTERVAL_US 1000000u

struct socket_watch_socket {
    uint64_t total; /* messages, since the socket was made */
    uint32_t seen;  /* the kernel's number, which wraps */
};

/* All zeroes is one that has not looked yet. */
struct socket_watch {
    uint64_t next_us;
    struct socket_watch_socket sockets[SHM_ENDPOINT_WORKERS_MAX];
};

/* True when it is time to look at all sockets again. */
bool socket_watch_is_due(struct socket_watch *watch, uint64_t now_us);

/* Messages that the socket of this worker has lost in all; as many as before when the kernel does not say. */
uint64_t socket_watch_look(struct socket_watch *watch, uint32_t worker, int socket);
