/* Packets that are control's business: STUN and DTLS go up by the punt ring, answers come down by the inject
 * ring.
 *
 * What a stranger can make control do is bounded: a quota per source address (IPv6: per /64), a quota per
 * transport for those that ICE knows, and the size of the ring, of which strangers, who can claim to be many,
 * leave a quarter to those that ICE knows. */
#pragma once

#include "dataplane/port.h"
#include "dataplane/transport_table.h"
#include "shm/datagram.h"

#define PUNT_SOURCES 4096u    /* sources told apart, by hash */
#define PUNT_SOURCE_RATE 200u /* packets a second */
#define PUNT_SOURCE_BURST 400u
#define PUNT_TRANSPORT_RATE 200u
#define PUNT_TRANSPORT_BURST 400u

/* Checks of strangers that are handed to other workers, a second and at once: those of 200 joins a second,
 * and an eighth of a worker's circle of the packet store with two of them. Of one ufrag: a
 * client sends a check every 20 to 50 ms, however many addresses it has. */
#define PUNT_HAND_OVER_RATE 2000u
#define PUNT_NAMES 1024u /* told apart, by hash */
#define PUNT_NAME_RATE 50u
#define PUNT_NAME_BURST 100u

struct worker;

struct punt_quota {
    uint32_t seed; /* so that nobody can aim at another's bucket */
    struct token_bucket handed_over;
    struct token_bucket names[PUNT_NAMES];
    struct token_bucket sources[PUNT_SOURCES];
};

void punt_quota_init(struct punt_quota *quota, uint32_t seed);

/* Whether so many tokens were there; else none is taken. Buckets start full. */
bool token_bucket_take(struct token_bucket *bucket, uint32_t tokens, uint32_t rate, uint32_t burst,
                       uint64_t now_us);

/* Whether a check of nobody we know may take room in the packet store, and in the ring to another
 * worker: it is within the quota of the sealed ufrag that it names, and of all of them. Not of its source:
 * anybody can claim to be many, or somebody else, but ufrags cannot be made up. */
bool punt_may_hand_over(struct worker *worker, const char *ufrag);

/* Hands a packet to control. transport: whose tuple it came from, or NULL. Drops are counted. */
void punt(struct worker *worker, struct transport *transport, const struct port_packet *packet,
          enum shm_datagram_class datagram_class);

/* Sends what control has put into the inject ring, PORT_BATCH at most; returns how many. */
uint32_t inject(struct worker *worker);
