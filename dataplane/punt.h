/* Packets that are control's business: STUN and DTLS go up by the punt ring, answers come down by the inject
 * ring.
 *
 * What a stranger can make control do is bounded: a quota per source address (IPv6: per /64), a quota per
 * transport for those that ICE knows, and the size of the ring. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/transport_table.h"
#include "shm/datagram.h"

#define PUNT_SOURCES 4096u    /* sources told apart, by hash */
#define PUNT_SOURCE_RATE 200u /* packets a second */
#define PUNT_SOURCE_BURST 400u
#define PUNT_TRANSPORT_RATE 200u
#define PUNT_TRANSPORT_BURST 400u

struct worker;

struct punt_quota {
    uint32_t seed; /* so that nobody can aim at another's bucket */
    struct token_bucket sources[PUNT_SOURCES];
};

void punt_quota_init(struct punt_quota *quota, uint32_t seed);

/* Whether so many tokens were there; else none is taken. Buckets start full. */
bool token_bucket_take(struct token_bucket *bucket, uint32_t tokens, uint32_t rate, uint32_t burst,
                       uint64_t now_us);

/* Hands a packet to control. transport: whose tuple it came from, or NULL. Drops are counted. */
void punt(struct worker *worker, struct transport *transport, const struct port_packet *packet,
          enum shm_datagram_class datagram_class);

/* Sends what control has put into the inject ring, PORT_BATCH at most; returns how many. */
uint32_t inject(struct worker *worker);
