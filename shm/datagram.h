/* A datagram on its way between a worker and control: punted from the network (STUN, DTLS) or injected into
 * it. The record of a punt or inject ring is this header with length bytes behind it. */
#pragma once

#include "shm/abi.h"

#define SHM_DATAGRAM_MAX 2048u

/* As in IP headers, but for UDP, which stands in most addresses. With SHM_PROTOCOL_PLAIN an address is seen
 * from a socket of its own (plain RTP), which the other bits name: see shm_plain_protocol. */
enum shm_protocol { SHM_PROTOCOL_UDP = 0, SHM_PROTOCOL_TCP = 6, SHM_PROTOCOL_PLAIN = 0x8000 };

#define SHM_PLAIN_TRANSPORTS_MAX 16384u /* whose sockets have numbers */

enum shm_datagram_class { SHM_DATAGRAM_STUN = 1, SHM_DATAGRAM_DTLS = 2 };

struct shm_address {
    uint8_t ip[16];    /* network order; IPv4 is v4-mapped (::ffff:a.b.c.d) */
    uint16_t port;     /* host order */
    uint16_t protocol; /* enum shm_protocol; an address of TCP names one connection */
    uint32_t scope;
};
SHM_STATIC_SIZE(struct shm_address, 24);

/* The socket for RTP, or the one for RTCP, of the plain transport in the row with that index. */
static inline uint16_t shm_plain_protocol(uint32_t index, bool is_rtcp)
{
    return (uint16_t)(SHM_PROTOCOL_PLAIN | index << 1 | is_rtcp);
}

static inline bool shm_address_is_plain(const struct shm_address *address)
{
    return address->protocol & SHM_PROTOCOL_PLAIN;
}

static inline uint32_t shm_plain_index(const struct shm_address *address)
{
    return (uint32_t)(address->protocol & ~SHM_PROTOCOL_PLAIN) >> 1;
}

static inline bool shm_plain_is_rtcp(const struct shm_address *address)
{
    return address->protocol & 1;
}

struct shm_datagram {
    struct shm_address remote;
    shm_handle transport; /* punt: whose tuple it came from, or none; inject: ignored */
    uint32_t length;
    uint32_t datagram_class; /* enum shm_datagram_class */
    uint64_t received_us;    /* CLOCK_MONOTONIC */
};
SHM_STATIC_SIZE(struct shm_datagram, 48);
