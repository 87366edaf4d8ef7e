/* A worker's way to the network, as a table of verbs: what is behind them (sockets, later AF_XDP) is nobody
 * else's business.
 *
 * Buffers belong to the port. A received packet may be read and decrypted in place until the next receive.
 * Packets of one size to one destination are cheapest when they are queued in a row. A
 * packet to be sent is built in a buffer that reserve hands out, and leaves with the flush after its queue.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shm/datagram.h"

#define PORT_BATCH 64u          /* packets of one receive */
#define PORT_BUFFER_BYTES 2048u /* of any packet, either way */
/* Send buffers that can be reserved between two flushes. Few, so that the first receivers of a burst need not
 * wait for the ciphers of the last, and so that what a cipher wrote is still in the cache when the kernel
 * reads it. */
#define PORT_SEND_BUFFERS 64u

struct port_packet {
    struct shm_address remote;
    uint8_t *data;
    uint32_t length;
};

/* Free-running; the worker copies them to the statistics. */
struct port_counters {
    uint64_t received_packets;
    uint64_t received_bytes;
    uint64_t sent_packets;
    uint64_t sent_bytes;
    uint64_t oversized;   /* longer than a buffer, dropped */
    uint64_t send_full;   /* the kernel's queue was full, dropped */
    uint64_t send_failed; /* refused for another reason (no route, a firewall), dropped */
    uint64_t overflowed;  /* messages that fell out of receive buffers, of sockets that tell it themselves */
    uint64_t joined_messages; /* of which the kernel made one of many packets */
    uint64_t sent_runs;       /* messages of many packets */
    uint64_t sent_in_runs;    /* packets in them */
    uint64_t receive_calls;
    uint64_t send_calls;
};

struct port {
    const struct port_verbs *verbs;
    uint64_t now_us; /* the worker's time of the round */
    struct port_counters counters;
};

/* Of a port that stands before another: those of both. */
static inline void port_sum_counters(struct port *port, const struct port *below,
                                     const struct port_counters *own)
{
    uint64_t *sums = (uint64_t *)&port->counters;

    for (size_t i = 0; i < sizeof(*own) / sizeof(*sums); i++)
        sums[i] = ((const uint64_t *)&below->counters)[i] + ((const uint64_t *)own)[i];
}

struct port_verbs {
    const char *name;

    /* Up to PORT_BATCH packets that wait now; 0 when none does, or a negative errno when the port is broken.
     */
    int (*receive)(struct port *port, struct port_packet ret_packets[PORT_BATCH]);

    /* A buffer of PORT_BUFFER_BYTES, or NULL when all are queued: flush, then ask again. */
    uint8_t *(*reserve)(struct port *port);
    /* Takes the buffer back, with a packet of length bytes for remote in it; a length of 0 sends nothing. */
    void (*queue)(struct port *port, uint8_t *buffer, uint32_t length, const struct shm_address *remote);
    /* Hands all that is queued to the network. What it does not take is dropped and counted. */
    void (*flush)(struct port *port);

    /* Blocks until a packet waits, wake_fd is readable, or timeout_us are over. */
    void (*wait)(struct port *port, int wake_fd, uint64_t timeout_us);

    void (*destroy)(struct port *port);
};

/* A port over a bound UDP socket, IPv4 or IPv6 (dual stack), which is made non-blocking and stays the
 * caller's. */
int port_udp_create(int socket, struct port **ret_port);
