/* The local ends of transports. A server knows a client by its address and port, so each transport needs a
 * pair of its own; what they need not have is a socket of its own. Where a whole network is local to this
 * machine (127.0.0.0/8, or one made so by `ip route add local`), all transports share one socket, each with
 * its own address: one system call then receives for all of them. Elsewhere each has its own socket. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tools/kolabmeet-load/loop.h"

struct packet_io;
struct socket_meter;
struct transport;

struct udp_socket {
    struct udp_socket *next;
    struct packet_io *io;
    struct loop_watch watch; /* of an own socket; the shared one is read in every round */
    bool is_shared;
    uint32_t base;                 /* shared: address of slot 0, host order */
    struct transport **transports; /* by slot; an own socket has one */
    uint32_t slot_count;
    const struct socket_meter *meter; /* NULL: not permitted */
    uint32_t place;                   /* own: of the meter; shared: places are slots */
};

/* Room for the address to send from. */
#define UDP_CONTROL_BYTES CMSG_SPACE(sizeof(struct in_pktinfo))

struct udp_endpoint {
    struct udp_socket *socket; /* NULL: not taken */
    uint64_t read;             /* packets that packet_io has read */
    uint64_t reached_before;   /* what the meter said when it was taken */
    uint32_t slot;
    struct sockaddr_storage remote;
    socklen_t remote_bytes;
};

struct udp_pool_settings {
    bool is_sharing;      /* false: each has its own socket */
    uint32_t network;     /* of addresses that are this machine's, IPv4, host order */
    unsigned prefix_bits; /* 0: none but 127.0.0.0/8 is known to be */
    int buffer_bytes;     /* of a socket's receive buffer; 0: as much as is good for it */
};

struct udp_pool {
    struct loop *loop;
    struct packet_io *io;
    bool is_sharing;
    int buffer_bytes;
    int got_bytes;    /* the smallest receive buffer that a socket was given; 0: none yet */
    bool is_measured; /* all sockets so far have a meter */
    struct socket_meter *shared_meter;
    struct socket_meter *own_meter;
    uint32_t network; /* host order */
    uint32_t size;    /* addresses; 0: no shared socket unless the server is on 127.0.0.0/8 */
    struct udp_socket *shared;
    struct udp_socket *own;
    uint32_t next_slot;
    uint64_t gone_drops; /* of sockets that are closed */
};

void udp_pool_init(struct udp_pool *pool, struct loop *loop, struct packet_io *io,
                   const struct udp_pool_settings *settings);
void udp_pool_deinit(struct udp_pool *pool);

/* A local end for transport, towards remote. -errno; -EADDRNOTAVAIL when all addresses are taken. */
int udp_pool_take(struct udp_pool *pool, struct transport *transport, const struct sockaddr *remote,
                  socklen_t remote_bytes, struct udp_endpoint *ret_endpoint);
void udp_pool_give(struct udp_pool *pool, struct udp_endpoint *endpoint);

/* Sets addresses of a message to be sent. control holds UDP_CONTROL_BYTES and lives as long as head. */
void udp_endpoint_address(const struct udp_endpoint *endpoint, struct msghdr *head, uint8_t *control);

/* One datagram, at once. */
void udp_endpoint_send(const struct udp_endpoint *endpoint, const uint8_t *data, size_t length);

/* Whose a received message is; NULL: nobody's. */
struct transport *udp_socket_owner(const struct udp_socket *socket, struct msghdr *head);

/* Reads what waits, until all that has reached this end is read or gone. Not while packets are handled. */
void udp_endpoint_settle(const struct udp_endpoint *endpoint);

/* Packets for this end that the kernel has thrown away for want of room, or, before udp_endpoint_settle(),
 * that wait. Where the pool is not measured, only messages are counted, each of which may have been many
 * packets; and of a shared socket none, since nothing says whose they were. */
uint64_t udp_endpoint_thrown(const struct udp_endpoint *endpoint);

/* Messages that all sockets so far have thrown away, and those of them of which nothing says whose they were.
 */
uint64_t udp_pool_drops(const struct udp_pool *pool);
uint64_t udp_pool_shared_drops(const struct udp_pool *pool);
